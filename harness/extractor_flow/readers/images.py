"""PNG images from a stranger: their frame is checked, their pixels are not decoded."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

from extractor_flow.readers.errors import Kind, ReadError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE_LIMIT = 64 * 1024 * 1024
SIDE_LIMIT = 20_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_LENGTH = 13
_HEAD = 8


def read_png(stream: BinaryIO, where: str, *, limit: int = IMAGE_LIMIT) -> tuple[int, int]:
    """Width and height in pixels of a PNG image whose chunks are whole, in order and have their checksums."""
    if stream.read(8) != _SIGNATURE:
        raise ReadError(Kind.IMAGE, where, "does not begin as a PNG image")
    names: list[bytes] = []
    width = height = 0
    for name, data in _chunks(stream, where, limit):
        if not names:
            width, height = _sides(name, data, where)
        if name == b"IEND" and (b"IDAT" not in names or data or stream.read(1)):
            raise ReadError(Kind.IMAGE, where, "ends without pixels, or goes on after its end")
        names.append(name)
    return width, height


def _sides(name: bytes, data: bytes, where: str) -> tuple[int, int]:
    if name != b"IHDR" or len(data) != _HEADER_LENGTH:
        raise ReadError(Kind.IMAGE, where, f"the first chunk is {shown(name)}, not a header")
    width, height = struct.unpack(">2L", data[:8])
    if not (0 < width <= SIDE_LIMIT and 0 < height <= SIDE_LIMIT):
        raise ReadError(Kind.IMAGE, where, f"{width} x {height} pixels")
    return width, height


def _chunks(stream: BinaryIO, where: str, limit: int) -> Iterator[tuple[bytes, bytes]]:
    total = 0
    name = b""
    while name != b"IEND":
        head = stream.read(_HEAD)
        length = int.from_bytes(head[:4], "big")
        total += length + 12
        if total > limit:
            raise ReadError(Kind.TOO_LARGE, where, f"a chunk of {length} bytes")
        name = head[4:]
        body = stream.read(length + 4)
        if len(head) < _HEAD or len(body) < length + 4:
            raise ReadError(Kind.TRUNCATED, where, "the image ends inside a chunk")
        if zlib.crc32(name + body[:length]) != int.from_bytes(body[length:], "big"):
            raise ReadError(Kind.CHECKSUM, where, f"the chunk {shown(name)} does not have its checksum")
        yield name, body[:length]
