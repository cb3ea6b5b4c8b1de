"""TensorBoard's event files from a stranger: their scalars, and when they were written.

The records are framed as TFRecords: a length (8 bytes), its masked CRC-32C (4), the payload, the payload's masked
CRC-32C (4). The payload is a protobuf message ``Event``, of which the fields 1 (wall time), 2 (step) and 5 (summary)
are looked at.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from extractor_flow.readers.errors import Kind, ReadError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS_LIMIT = 32 * 1024 * 1024
RECORD_LIMIT = 16 * 1024 * 1024
TAG_LIMIT = 10_000
RECORDS_LIMIT = 250_000
"""A record of one scalar takes some 60 bytes, and 30 microseconds to be read."""
_TAG_LENGTH = 1000
_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_MASK = 0xA282EAD8
_HEAD = struct.Struct("<QL")
_MORE = 0x80
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, "int | bytes"]


@dataclass(frozen=True)
class Scalars:
    """What an event file holds: by tag, its scalars in their order as (step, value).

    ``times`` are the wall clock of each of its records, in seconds since 1970.
    """

    values: dict[str, list[tuple[int, float]]]
    times: tuple[float, ...]


def read_events(stream: BinaryIO, where: str, *, limit: int = EVENTS_LIMIT) -> Scalars:
    """The scalars in *stream*; a broken frame, checksum or message raises with the number of its record."""
    values: dict[str, list[tuple[int, float]]] = {}
    times = array("d")
    for number, payload in enumerate(_records(stream, where, limit), 1):
        event = _event(payload, f"{where}:{number}")
        times.append(event.time)
        for tag, value in event.scalars:
            values.setdefault(tag, []).append((event.step, value))
        if len(values) > TAG_LIMIT or number > RECORDS_LIMIT:
            raise ReadError(Kind.TOO_MANY, f"{where}:{number}", "more tags or records than any training has")
    return Scalars(values, tuple(times))


def masked_crc32c(data: bytes) -> int:
    """The checksum of a frame: CRC-32C (RFC 3720, B.4), rotated and shifted by a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = (entry >> 1) ^ (_POLYNOMIAL if entry & 1 else 0)  # noqa: PLW2901 - shifted out bit by bit
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def _records(stream: BinaryIO, where: str, limit: int) -> Iterator[bytes]:
    number = total = 0
    while head := stream.read(_HEAD.size):
        number += 1
        inside = f"{where}:{number}"
        if len(head) < _HEAD.size:
            raise ReadError(Kind.TRUNCATED, inside, "the file ends inside a record")
        length, checksum = _HEAD.unpack(head)
        if masked_crc32c(head[:8]) != checksum:
            raise ReadError(Kind.CHECKSUM, inside, "the length does not have its checksum")
        total += length
        if length > RECORD_LIMIT or total > limit:
            raise ReadError(Kind.TOO_LARGE, inside, f"a record of {length} bytes")
        body = stream.read(length + 4)
        if len(body) < length + 4:
            raise ReadError(Kind.TRUNCATED, inside, "the file ends inside a record")
        if masked_crc32c(body[:length]) != int.from_bytes(body[length:], "little"):
            raise ReadError(Kind.CHECKSUM, inside, "the content does not have its checksum")
        yield body[:length]


@dataclass(frozen=True)
class _Event:
    time: float
    step: int
    scalars: tuple[tuple[str, float], ...]


def _event(payload: bytes, where: str) -> _Event:
    time, step = 0.0, 0
    scalars: list[tuple[str, float]] = []
    for number, kind, value in _fields(payload, where):
        match number, kind, value:
            case (1, 1, bytes()):
                time = float(struct.unpack("<d", value)[0])
            case (2, 0, int()):
                step = value
            case (5, 2, bytes()):
                scalars.extend(_scalars(value, where))
    return _Event(time, step, tuple(scalars))


def _scalars(summary: bytes, where: str) -> Iterator[tuple[str, float]]:
    """The values of a ``Summary``: its field 1, of which field 1 is the tag and field 2 a float."""
    for number, kind, message in _fields(summary, where):
        if number != 1 or kind != _BYTES or not isinstance(message, bytes):
            continue
        tag, scalar = None, None
        for name, wire, value in _fields(message, where):
            match name, wire, value:
                case (1, 2, bytes()):
                    tag = value
                case (2, 5, bytes()):
                    scalar = float(struct.unpack("<f", value)[0])
        if tag is not None and scalar is not None:
            yield _tag(tag, where), scalar


def _tag(raw: bytes, where: str) -> str:
    if len(raw) > _TAG_LENGTH:
        raise ReadError(Kind.TOO_LARGE, where, f"a tag of {len(raw)} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, f"the tag {shown(raw)}") from error


def _fields(message: bytes, where: str) -> Iterator[Field]:
    """The fields of a protobuf message: number, wire type, and the integer or the bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position, where)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(message, position, where)
            yield number, kind, value
            continue
        if kind == _BYTES:
            length, position = _varint(message, position, where)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ReadError(Kind.PROTOBUF, where, f"wire type {kind} is not read")
        if position + length > len(message):
            raise ReadError(Kind.PROTOBUF, where, "a field reaches beyond its message")
        yield number, kind, message[position : position + length]
        position += length


def _varint(message: bytes, position: int, where: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ReadError(Kind.PROTOBUF, where, "the message ends inside a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & _MORE:
            return value & 0xFFFFFFFFFFFFFFFF, position
    raise ReadError(Kind.PROTOBUF, where, "a number of more than ten bytes")
