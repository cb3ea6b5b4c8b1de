"""Files that somebody made to harm whoever reads them, each with the name under which it must be refused."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from extractor_flow.readers.errors import Kind
from support.files import genuine, malice
from support.files.malice import Creates, header, in_words, model, one_array, zipped

READER_OF = {
    "summary.json": "json",
    "records.jsonl": "json lines",
    "evaluations.npz": "npz",
    "policy.safetensors": "safetensors",
    "final_model.zip": "model",
    "figure.png": "png",
}


@dataclass(frozen=True)
class Malice:
    """What a file tries, which of a run's files it poses as, and the name of its refusal (``None``: harmless).

    ``content`` is what the file holds; or makes that, given the marker that its code would create; or, with
    ``placed``, puts something that is no plain file at the path it is given.
    """

    poses_as: str
    title: str
    content: bytes | Callable[[Path], object]
    kind: Kind | None
    placed: bool = False

    def plant(self, path: Path, marker: Path) -> None:
        """Put the file at *path*."""
        if self.placed and callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content(marker) if callable(self.content) else self.content)


def sparse(size: int) -> Callable[[Path], None]:
    """A file that claims *size* bytes and takes none on the disk."""

    def place(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return place


def link_to(target: str) -> Callable[[Path], None]:
    """A symbolic link."""
    return lambda path: path.symlink_to(target)


def link_outside(path: Path) -> None:
    """A link to a genuine file that lies outside the run directory."""
    outside = path.parent.parent / "outside"
    outside.write_bytes(genuine.files()[READER_OF[path.name]])
    path.symlink_to(outside)


summary = partial(Malice, "summary.json")
journal = partial(Malice, "records.jsonl")
arrays = partial(Malice, "evaluations.npz")
weights = partial(Malice, "policy.safetensors")
saved = partial(Malice, "final_model.zip")
figure = partial(Malice, "figure.png")

PLACES = [
    summary("a link to a genuine file outside", link_outside, Kind.SYMLINK, placed=True),
    weights("a link to genuine weights outside", link_outside, Kind.SYMLINK, placed=True),
    arrays("a link to nothing", link_to("nowhere"), Kind.SYMLINK, placed=True),
    journal("a link to itself", link_to("records.jsonl"), Kind.SYMLINK, placed=True),
    arrays("a link to a folder", link_to(".."), Kind.SYMLINK, placed=True),
    journal("a FIFO that nobody writes to", os.mkfifo, Kind.NOT_A_FILE, placed=True),
    summary("a socket", malice.unix_socket, Kind.NOT_A_FILE, placed=True),
    weights("a folder", Path.mkdir, Kind.NOT_A_FILE, placed=True),
]

HUGE = [
    summary("a link to /dev/zero", link_to("/dev/zero"), Kind.SYMLINK, placed=True),
    saved("a link to /dev/random", link_to("/dev/random"), Kind.SYMLINK, placed=True),
    summary("a summary of one gibibyte", sparse(1 << 30), Kind.TOO_LARGE, placed=True),
    journal("a journal line of one gibibyte", sparse(1 << 30), Kind.TOO_LARGE, placed=True),
    saved("an archive of eight gibibytes of nothing", sparse(8 << 30), Kind.NOT_ZIP, placed=True),
    weights("weights of eight gibibytes of nothing", sparse(8 << 30), Kind.TOO_LARGE, placed=True),
]

JSON_TEXT = [
    summary("arrays a million deep", b"[" * 1_000_000, Kind.NESTED),
    summary("objects a hundred thousand deep", b'{"a":' * 100_000, Kind.NESTED),
    summary("three million empty arrays", b"[" + b"[]," * 3_000_000 + b"0]", Kind.TOO_MANY),
    summary("an integer of a million digits", b"1" * 1_000_000, Kind.NUMBER_RANGE),
    summary("a float beyond doubles", b'{"a": 1e400}', Kind.NUMBER_RANGE),
    summary("NaN", b'{"best_mean_reward": NaN}', Kind.NOT_FINITE),
    summary("-Infinity", b'{"best_mean_reward": -Infinity}', Kind.NOT_FINITE),
    summary("one key, two values", b'{"status":"failed","status":"success"}', Kind.DUPLICATE_KEY),
    summary("a byte order mark", b"\xef\xbb\xbf{}", Kind.BOM),
    summary("UTF-16", "{}".encode("utf-16"), Kind.NUL_BYTE),
    summary("a NUL byte", b'{"a": "x\0y"}', Kind.NUL_BYTE),
    summary("invalid UTF-8", b'{"a": "\xc3\x28"}', Kind.NOT_UTF8),
    summary("an overlong slash", b'{"a": "..\xc0\xaf"}', Kind.NOT_UTF8),
    summary("half a surrogate pair", b'{"a": "\\ud800"}', Kind.NOT_UTF8),
    summary("nothing", b"", Kind.NOT_JSON),
    summary("code instead of data", b"__import__('os').system('id')", Kind.NOT_JSON),
    journal("a NUL in the journal", b'{"a": 1}\n\0\n', Kind.NUL_BYTE),
    journal("a deep line in the journal", b"{}\n" + b"[" * 5000 + b"\n", Kind.NESTED),
]

ARRAYS = [
    arrays("an array of pickled objects", malice.objects, Kind.PICKLE),
    arrays("a bare pickle", lambda marker: pickle.dumps(Creates(marker)), Kind.NOT_ZIP),
    arrays("a pickle as a member", zipped({"x.pkl": b"\x80\x04N."}), Kind.HEADER),
    arrays("a terabyte in the header", one_array("'<f8'", "(137438953472,)"), Kind.SHAPE),
    arrays("a shape that overflows", one_array("'<f8'", "(4294967296, 4294967296)"), Kind.SHAPE),
    arrays("an endless empty array", one_array("'<f8'", "(0, 999999999999)"), Kind.SHAPE),
    arrays("more data than the header says", one_array("'<f8'", "(1,)", bytes(80)), Kind.SHAPE),
    arrays("code in the header", one_array("__import__('os')", "()"), Kind.DTYPE),
    arrays("an array header a thousand deep", one_array("[" * 9000, "()"), Kind.DTYPE),
    arrays("an array of records", one_array("[('a', '|O')]", "()"), Kind.DTYPE),
    arrays(
        "zeros that inflate a thousandfold", zipped({"a.npy": bytes(5_000_000)}, zipfile.ZIP_DEFLATED), Kind.ZIP_BOMB
    ),
    arrays("a member that inflates beyond its size", malice.underdeclared(), Kind.ZIP_BOMB),
    arrays("one compressed member under 5,000 names", malice.overlapping(5000), Kind.HEADER),
    arrays("a member above the folder", zipped({"../../a.npy": b""}), Kind.OUTSIDE),
    arrays("a member at the root", zipped({"/etc/cron.d/a.npy": b""}), Kind.OUTSIDE),
    arrays("a member for another system", zipped({"..\\a.npy": b""}), Kind.OUTSIDE),
    arrays("two members of one name", malice.twice(), Kind.DUPLICATE_MEMBER),
    arrays("an encrypted member", malice.encrypted(), Kind.ENCRYPTED),
    arrays("a member in LZMA", zipped({"a.npy": b"x" * 99}, zipfile.ZIP_LZMA), Kind.COMPRESSION),
    arrays("an archive cut in half", genuine.evaluations()[:400], Kind.NOT_ZIP),
]

MODELS = [
    saved("a pickle that calls by REDUCE", lambda marker: model(in_words(marker, "REDUCE")), Kind.PICKLE),
    saved("a pickle that calls by INST", lambda marker: model(in_words(marker, "INST")), Kind.PICKLE),
    saved("a pickle that calls by OBJ", lambda marker: model(in_words(marker, "OBJ")), Kind.PICKLE),
    saved("a pickle that calls by NEWOBJ", lambda marker: model(in_words(marker, "NEWOBJ")), Kind.PICKLE),
    saved("a pickle that names by STACK_GLOBAL", lambda marker: model(in_words(marker, "STACK_GLOBAL")), Kind.PICKLE),
    saved("an object pickled in protocol 0", lambda marker: model(pickle.dumps(Creates(marker), 0)), Kind.PICKLE),
    saved("an object pickled in protocol 1", lambda marker: model(pickle.dumps(Creates(marker), 1)), Kind.PICKLE),
    saved("an object pickled in protocol 2", lambda marker: model(pickle.dumps(Creates(marker), 2)), Kind.PICKLE),
    saved("an object pickled in protocol 4", lambda marker: model(pickle.dumps(Creates(marker), 4)), Kind.PICKLE),
    saved("an object pickled in protocol 5", lambda marker: model(pickle.dumps(Creates(marker), 5)), Kind.PICKLE),
    saved("an object among the weights", lambda marker: model(pickle.dumps({"w": Creates(marker)}, 2)), Kind.PICKLE),
    saved("an extension code", model(b"\x82\x01."), Kind.PICKLE),
    saved("a pickled policy", lambda marker: zipped({"policy.pth": pickle.dumps(Creates(marker))}), Kind.NOT_ZIP),
    saved("a pickled model", lambda marker: pickle.dumps(Creates(marker)), Kind.NOT_ZIP),
    saved("a policy that is a bomb", zipped({"policy.pth": bytes(5_000_000)}, zipfile.ZIP_DEFLATED), Kind.ZIP_BOMB),
    saved("a policy that leaves its folder", zipped({"policy.pth": zipped({"a/../../data.pkl": b"."})}), Kind.OUTSIDE),
    saved("pickled objects in SB3's data, never unpickled", malice.remembered, None),
    saved("a pickle in the place of other tensors", malice.other_tensors, Kind.NOT_ZIP),
    saved("data a thousand deep", zipped({"policy.pth": genuine.torch_state(), "data": b"[" * 1000}), Kind.NESTED),
    saved("no policy", zipped({"data": b"{}"}), Kind.MISSING),
]

_TENSOR = b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
_VAST = b'{"dtype":"F32","shape":[288230376151711744],"data_offsets":[0,1152921504606846976]}'

OTHERS = [
    weights("a header of an exabyte", header(b"{}", length=1 << 60), Kind.HEADER),
    weights("tensors that share bytes", header(b'{"a":%s,"b":%s}' % (_TENSOR, _TENSOR), bytes(4)), Kind.OVERLAP),
    weights("bytes that no tensor claims", header(b'{"a":%s}' % _TENSOR, bytes(400)), Kind.TRUNCATED),
    weights("a tensor beyond the file", header(b'{"a":%s}' % _TENSOR), Kind.TRUNCATED),
    weights("a tensor of an exabyte", header(b'{"a":%s}' % _VAST), Kind.SHAPE),
    weights("a weights header a thousand deep", header(b"[" * 1000), Kind.NESTED),
    weights("one name, two tensors", header(b'{"a":%s,"a":%s}' % (_TENSOR, _TENSOR), bytes(4)), Kind.DUPLICATE_KEY),
    weights("a dtype of objects", header(b'{"a":{"dtype":"O","shape":[],"data_offsets":[0,0]}}'), Kind.DTYPE),
    figure("an image of a trillion pixels", malice.picture(1_000_000), Kind.IMAGE),
    figure("an image that is a page", b"<script>alert(1)</script>", Kind.IMAGE),
    figure("an image with a page after its end", lambda _: genuine.picture() + b"<script>", Kind.IMAGE),
]
ALL = [*PLACES, *HUGE, *JSON_TEXT, *ARRAYS, *MODELS, *OTHERS]
