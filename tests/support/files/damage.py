"""Damages genuine files: blindly, and with knowledge of their format so that the damage gets past the checksums."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1]
_WORDS = [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"[" * 70, b'"\\ud800"', b"\xef\xbb\xbf", b"\0", b"\xff\xfe"]
_WORDS += [
    b'"a":1,"a":2',
    b"null",
    b"-1",
    b"18446744073709551615",
    b"../../x",
    b"/etc/passwd",
    b"'|O'",
    b"(0,)",
    b"|b1",
]
_WORDS += [b"cos\nsystem\n", b"(Vtrue\ntR.", b"PK\5\6", b"PK\1\2", b"IEND", b"\r\n", b"\n", b",", b"}", b"]", b'"']
_NUMBER = re.compile(rb"\d+")


def flip(data: bytes, random: Random) -> bytes:
    """One to eight bits."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 8)):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(data: bytes, random: Random) -> bytes:
    """The beginning only."""
    return data[: random.randint(0, len(data))]


def remove(data: bytes, random: Random) -> bytes:
    """Without a piece."""
    begin = random.randint(0, len(data))
    return data[:begin] + data[begin + random.randint(1, 64) :]


def insert(data: bytes, random: Random) -> bytes:
    """With a word that means something to some parser."""
    place = random.randint(0, len(data))
    return data[:place] + random.choice(_WORDS) + data[place:]


def overwrite(data: bytes, random: Random) -> bytes:
    """With an extreme integer of 1, 2, 4 or 8 bytes somewhere."""
    width, code = random.choice([(1, "B"), (2, "H"), (4, "L"), (8, "Q")])
    place = random.randint(0, max(0, len(data) - width))
    value = random.choice(_EXTREMES) & ((1 << (8 * width)) - 1)
    return data[:place] + struct.pack(f"<{code}", value) + data[place + width :]


def renumber(data: bytes, random: Random) -> bytes:
    """With another number where digits stand."""
    places = [match.span() for match in _NUMBER.finditer(data[:20_000])]
    if not places:
        return flip(data, random)
    begin, end = random.choice(places)
    return data[:begin] + str(random.choice([*_EXTREMES, -1, 1 << 80])).encode() + data[end:]


def repeat(data: bytes, random: Random) -> bytes:
    """With a piece twice, or many times."""
    begin = random.randint(0, len(data))
    end = min(len(data), begin + random.randint(1, 200))
    return data[:end] + data[begin:end] * random.choice([1, 1, 2, 50]) + data[end:]


BLIND = (flip, cut, remove, insert, overwrite, renumber, repeat)


def blindly(data: bytes, random: Random) -> bytes:
    """*data* after one to three blind changes."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        data = random.choice(BLIND)(data, random)
    return data


def in_archive(data: bytes, random: Random) -> bytes:
    """An archive in which one member was changed, or given another name, and the checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    position = random.randrange(len(members))
    name, content = members[position]
    if random.random() < 0.15:
        name = random.choice(["../x", "/x", "a\\b", "archive/data.pkl", "x.npy", "policy.pth", "data", f"{name}/y"])
    else:
        content = _member(name, content, random)
    members[position] = (name, content)
    buffer = io.BytesIO()
    method = random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for other, inside in dict(members).items():
            archive.writestr(other, inside)
    return buffer.getvalue()


def _member(name: str, content: bytes, random: Random) -> bytes:
    nested = name.endswith(".pth") and content.startswith(b"PK") and random.random() < 0.8
    return in_archive(content, random) if nested else blindly(content, random)


def in_header(data: bytes, random: Random) -> bytes:
    """A safetensors file whose header was changed and has the right length."""
    (length,) = struct.unpack_from("<Q", data)
    header = blindly(data[8 : 8 + length], random)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


_KNOWING: dict[str, Callable[[bytes, Random], bytes]] = {
    "npz": in_archive,
    "torch": in_archive,
    "model": in_archive,
    "optimizer": in_archive,
    "safetensors": in_header,
}


def damaged(kind: str, data: bytes, random: Random) -> bytes:
    """*data*, a genuine file of *kind*, damaged in a way that *random* decides."""
    knowing = _KNOWING.get(kind)
    if knowing is not None and random.random() < 0.6:
        return knowing(data, random)
    return blindly(data, random)
