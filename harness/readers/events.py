"""TensorBoard's event files from a stranger: how many scalars they hold, and the last step of each tag.

The records are framed as TFRecords: a length (8 bytes), its masked CRC-32C (4), the payload, the payload's masked
CRC-32C (4). The payload is a protobuf message ``Event``; only the fields named here are looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from harness.readers.errors import Kind, ReadError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS_LIMIT = 64 * 1024 * 1024
RECORD_LIMIT = 16 * 1024 * 1024
TAG_LIMIT = 10_000
_TAG_LENGTH = 1000
_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_MASK = 0xA282EAD8
_HEAD = struct.Struct("<QL")
_MORE = 0x80
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EVENT_STEP, _EVENT_SUMMARY, _SUMMARY_VALUE, _VALUE_TAG, _VALUE_SIMPLE = 2, 5, 1, 1, 2

Field = tuple[int, int, "int | bytes"]


@dataclass(frozen=True)
class Scalars:
    """What an event file holds: its records, its scalars by tag, and the last step and value of each tag."""

    records: int
    counts: dict[str, int]
    last_steps: dict[str, int]
    last_values: dict[str, float]


def read_events(stream: BinaryIO, where: str, *, limit: int = EVENTS_LIMIT) -> Scalars:
    """The scalars in *stream*; a broken frame, checksum or message raises with the number of its record."""
    result = Scalars(records=0, counts={}, last_steps={}, last_values={})
    records = 0
    for payload in _records(stream, where, limit):
        records += 1
        _add(result, payload, f"{where}:{records}")
    return Scalars(records, result.counts, result.last_steps, result.last_values)


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


def _add(result: Scalars, payload: bytes, where: str) -> None:
    step = 0
    summaries = []
    for number, kind, value in _fields(payload, where):
        if number == _EVENT_STEP and kind == _VARINT and isinstance(value, int):
            step = value
        elif number == _EVENT_SUMMARY and isinstance(value, bytes) and kind == _BYTES:
            summaries.append(value)
    for summary in summaries:
        for number, _, value in _fields(summary, where):
            if number == _SUMMARY_VALUE and isinstance(value, bytes):
                _add_value(result, step, value, where)


def _add_value(result: Scalars, step: int, message: bytes, where: str) -> None:
    tag, number = None, None
    for name, kind, value in _fields(message, where):
        if name == _VALUE_TAG and kind == _BYTES and isinstance(value, bytes):
            tag = value
        elif name == _VALUE_SIMPLE and kind == _FIXED32 and isinstance(value, bytes):
            number = struct.unpack("<f", value)[0]
    if tag is None or number is None:
        return
    if len(tag) > _TAG_LENGTH or len(result.counts) >= TAG_LIMIT:
        raise ReadError(Kind.TOO_MANY, where, "more tags, or longer ones, than any training has")
    try:
        name_of_tag = tag.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, f"the tag {shown(tag)}") from error
    result.counts[name_of_tag] = result.counts.get(name_of_tag, 0) + 1
    result.last_steps[name_of_tag] = max(step, result.last_steps.get(name_of_tag, step))
    result.last_values[name_of_tag] = number


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
