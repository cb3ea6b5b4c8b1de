"""The makings of malicious files; whatever code one carries would create a marker file if it ever ran."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import socket
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from support.files import genuine


class Creates:
    """Unpickling one of these creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def unix_socket(path: Path) -> None:
    """A socket that nobody listens on."""
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(before)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of *members*."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def overlapping(copies: int) -> bytes:
    """An archive whose directory names one compressed member many times under different names."""
    data = zipped({"0.npy": bytes(1_000_000)}, zipfile.ZIP_DEFLATED)
    directory = data.index(b"PK\1\2")
    entry = data[directory : len(data) - 22]
    entries = b"".join(entry.replace(b"0.npy", b"%05d" % n) for n in range(copies))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, copies, copies, len(entries), directory, 0)
    return data[:directory] + entries + end


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """*data* with every *old* replaced, which must be there."""
    if old not in data:
        raise ValueError(old)
    return data.replace(old, new)


def npy(descr: str, shape: str, data: bytes = b"") -> bytes:
    """An NPY file with a header of one's own."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def objects(marker: Path) -> bytes:
    """An NPZ file with an array of objects, which NumPy would unpickle."""
    buffer = io.BytesIO()
    np.savez(buffer, results=np.array([Creates(marker)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def model(program: bytes, **others: bytes) -> bytes:
    """A model file whose policy is described by the pickle *program*."""
    policy = zipped({"archive/data.pkl": program, "archive/data/0": bytes(8)})
    return zipped({"data": b"{}", "policy.pth": policy, **others})


def remembered(marker: Path, **others: bytes) -> bytes:
    """A genuine model whose ``data`` carries a pickled object, as SB3's own do; SB3 would unpickle it."""
    text = base64.b64encode(pickle.dumps(Creates(marker))).decode()
    data = json.dumps({"num_timesteps": 8, "policy_class": {":type:": "x", ":serialized:": text}}).encode()
    return zipped({"data": data, "policy.pth": genuine.torch_state(), **others})


def other_tensors(marker: Path) -> bytes:
    """A genuine model with a pickle in the place of the tensors that are no weights."""
    return remembered(marker, **{"pytorch_variables.pth": pickle.dumps(Creates(marker))})


def in_words(marker: Path, form: str) -> bytes:
    """A pickle that touches *marker* by one of the instructions that can call something."""
    command = f"open({str(marker)!r}, 'w')"
    text = b"X" + struct.pack("<L", len(command)) + command.encode()
    forms = {
        "REDUCE": b"cbuiltins\neval\n(" + text + b"tR.",
        "INST": b"(" + text + b"ibuiltins\neval\n.",
        "OBJ": b"(cbuiltins\neval\n" + text + b"o.",
        "NEWOBJ": b"cbuiltins\neval\n(" + text + b"t\x81.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93(" + text + b"tR.",
    }
    return forms[form]


def header(text: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with a header of one's own."""
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def encrypted() -> bytes:
    """An archive whose member claims to be encrypted."""
    return changed(zipped({"a.npy": b""}), b"PK\1\2\x14\x03\x14\0\0", b"PK\1\2\x14\x03\x14\0\1")


def underdeclared() -> bytes:
    """An archive whose member inflates to a hundred times its declared size."""
    return changed(zipped({"a.npy": b"x" * 9000}, zipfile.ZIP_DEFLATED), struct.pack("<L", 9000), struct.pack("<L", 90))


def one_array(descr: str, shape: str, data: bytes = b"") -> bytes:
    """An NPZ file of one array with a header of one's own."""
    return zipped({"a.npy": npy(descr, shape, data)})


def picture(width: int) -> bytes:
    """The beginning of a PNG image of *width* times *width* pixels."""
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">2L5B", width, width, 8, 2, 0, 0, 0))


def whole_picture() -> bytes:
    """A PNG image of one black pixel."""
    return picture(1) + _chunk(b"IDAT", zlib.compress(bytes(4))) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))


def twice() -> bytes:
    """An archive with two members of one name."""
    return changed(zipped({"a.npy": b"", "b.npy": b""}), b"b.npy", b"a.npy")
