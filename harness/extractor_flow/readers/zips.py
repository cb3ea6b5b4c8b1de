"""ZIP archives from a stranger: every claim of the directory is checked before a byte is inflated."""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from extractor_flow.readers.errors import Kind, ReadError, one_line, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEMBER_LIMIT = 20_000
DIRECTORY_LIMIT = 8 * 1024 * 1024
RATIO_LIMIT = 100
RATIO_FREE = 1024 * 1024  # below this many bytes no ratio is a bomb
_CHUNK = 256 * 1024
_STORED, _DEFLATED = 0, 8
_SENTINEL = 0xFFFFFFFF
_ENCRYPTED = 0x1 | 0x40 | 0x2000

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True)
class Member:
    """One file of an archive, as its directory describes it; sizes in bytes, ``start`` where its data begins."""

    name: str
    method: int
    packed: int
    size: int
    crc: int
    header: int
    start: int


class Archive:
    """The members of a ZIP file by name; nothing was inflated yet, and together they are at most *limit* bytes."""

    def __init__(self, stream: BinaryIO, where: str, *, limit: int) -> None:
        self.where = where
        self._stream = stream
        directory, start = _directory(stream, where)
        entries = [_located(stream, entry, where) for entry in _entries(directory, where)]
        _check_together(entries, start, where, limit)
        self.members = {member.name: member for member in entries}

    def read(self, name: str) -> bytes:
        """The content of the member *name*: of its declared size, with its declared checksum."""
        where = f"{self.where}!{one_line(name)}"
        member = self.members.get(name)
        if member is None:
            raise ReadError(Kind.MISSING, where, "no such member")
        self._stream.seek(member.start)
        packed = _exactly(self._stream, member.packed, where)
        data = packed if member.method == _STORED else _inflated(packed, member.size, where)
        if zlib.crc32(data) != member.crc:
            raise ReadError(Kind.CHECKSUM, where, "the content does not have the recorded CRC-32")
        return data


def _directory(stream: BinaryIO, where: str) -> tuple[bytes, int]:
    """The central directory and its offset.

    The end record must be the file's last 22 bytes: an archive with a comment could be read in two ways.
    """
    length = stream.seek(0, 2)
    if length < _END.size:
        raise ReadError(Kind.NOT_ZIP, where, f"{shown(length)} bytes are too few for an archive")
    stream.seek(length - _END.size)
    magic, disk, first_disk, here, count, size, offset, comment = _END.unpack(_exactly(stream, _END.size, where))
    if magic != b"PK\5\6" or comment:
        raise ReadError(Kind.NOT_ZIP, where, "does not end with the end record of an archive")
    end = length - _END.size
    if disk or first_disk or here != count:
        raise ReadError(Kind.HEADER, where, "an archive of several disks")
    if end >= _LOCATOR.size + _END64.size:
        end, count, size, offset = _wide(stream, where, end, (count, size, offset))
    if offset + size != end or size > DIRECTORY_LIMIT or count > MEMBER_LIMIT:
        raise ReadError(Kind.HEADER, where, f"a directory of {count} members and {size} bytes at {offset} does not fit")
    stream.seek(offset)
    return _exactly(stream, size, where), offset


def _wide(stream: BinaryIO, where: str, end: int, narrow: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The ZIP64 records before the end record, where there are any: where they begin, and what they say."""
    stream.seek(end - _LOCATOR.size)
    magic, _, position, _ = _LOCATOR.unpack(_exactly(stream, _LOCATOR.size, where))
    if magic != b"PK\6\7":
        return end, *narrow
    if position != end - _LOCATOR.size - _END64.size:
        raise ReadError(Kind.HEADER, where, "the ZIP64 end record is not where the locator says")
    stream.seek(position)
    record = _END64.unpack(_exactly(stream, _END64.size, where))
    magic, _, _, _, disk, first_disk, here, count, size, offset = record
    deferred = (0xFFFF, _SENTINEL, _SENTINEL)
    agree = all(a in (b, c) for a, b, c in zip(narrow, (count, size, offset), deferred, strict=True))
    if magic != b"PK\6\6" or disk or first_disk or here != count or not agree:
        raise ReadError(Kind.HEADER, where, "the two end records contradict each other")
    return position, count, size, offset


def _entries(directory: bytes, where: str) -> Iterator[Member]:
    position = count = 0
    while position < len(directory):
        count += 1
        if position + _ENTRY.size > len(directory) or count > MEMBER_LIMIT:
            raise ReadError(Kind.HEADER, where, "the directory ends inside an entry")
        fields = _ENTRY.unpack_from(directory, position)
        name_length, extra_length, comment_length = fields[10:13]
        position += _ENTRY.size
        name = directory[position : position + name_length]
        extra = directory[position + name_length : position + name_length + extra_length]
        position += name_length + extra_length + comment_length
        if fields[0] != b"PK\1\2" or position > len(directory):
            raise ReadError(Kind.HEADER, where, f"entry {count} of the directory is not one")
        yield _member(fields, _name(name, where), extra, where)


def _member(fields: tuple[int, ...], name: str, extra: bytes, where: str) -> Member:
    flags, method, crc = fields[3], fields[4], fields[7]
    inside = f"{where}!{one_line(name)}"
    if flags & _ENCRYPTED:
        raise ReadError(Kind.ENCRYPTED, inside, "is encrypted")
    if method not in (_STORED, _DEFLATED):
        raise ReadError(Kind.COMPRESSION, inside, f"compression method {method} is not read")
    if stat.S_ISLNK(fields[15] >> 16):
        raise ReadError(Kind.SYMLINK, inside, "is a symbolic link")
    size, packed, header = _sizes((fields[9], fields[8], fields[16]), extra, inside)
    if method == _STORED and packed != size:
        raise ReadError(Kind.HEADER, inside, f"stored in {packed} bytes, but {size} bytes long")
    if size > RATIO_FREE and size > RATIO_LIMIT * packed:
        raise ReadError(Kind.ZIP_BOMB, inside, f"{packed} bytes inflate to {size}")
    return Member(name=name, method=method, packed=packed, size=size, crc=crc, header=header, start=0)


def _sizes(narrow: tuple[int, int, int], extra: bytes, where: str) -> tuple[int, int, int]:
    """Size, packed size and offset; the ZIP64 extra field holds those that do not fit into 32 bits."""
    if _SENTINEL not in narrow:
        return narrow
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, position)
        if tag == 1:
            field = extra[position + 4 : position + 4 + length]
            wide = iter(struct.unpack_from(f"<{len(field) // 8}Q", field))
            size, packed, header = (next(wide, -1) if value == _SENTINEL else value for value in narrow)
            if min(size, packed, header) >= 0:
                return size, packed, header
        position += 4 + length
    raise ReadError(Kind.HEADER, where, "sizes that do not fit into 32 bits are given nowhere else")


def _name(raw: bytes, where: str) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, f"a member named {shown(raw)}") from error
    parts = name.split("/")
    if "\0" in name or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        raise ReadError(Kind.OUTSIDE, where, f"a member named {shown(name)}")
    return name


def _located(stream: BinaryIO, member: Member, where: str) -> Member:
    """*member* with the place of its data, after a look at its local header."""
    inside = f"{where}!{one_line(member.name)}"
    stream.seek(member.header)
    fields = _LOCAL.unpack(_exactly(stream, _LOCAL.size, inside))
    name_length, extra_length = fields[9:11]
    name = _exactly(stream, name_length, inside)
    if fields[0] != b"PK\3\4" or name != member.name.encode() or fields[3] != member.method:
        raise ReadError(Kind.HEADER, inside, "the local header contradicts the directory")
    start = member.header + _LOCAL.size + name_length + extra_length
    return replace(member, start=start)


def _check_together(members: Iterable[Member], end: int, where: str, limit: int) -> None:
    names: set[str] = set()
    taken = total = 0
    for member in sorted(members, key=lambda member: member.header):
        inside = f"{where}!{one_line(member.name)}"
        if member.name in names:
            raise ReadError(Kind.DUPLICATE_MEMBER, inside, "stands twice in the archive")
        if member.header < taken:
            raise ReadError(Kind.OVERLAP, inside, "shares bytes with another member")
        names.add(member.name)
        taken = member.start + member.packed
        total += member.size
        if taken > end:
            raise ReadError(Kind.TRUNCATED, inside, "reaches beyond the end of the archive's data")
    if total > limit:
        raise ReadError(Kind.TOO_LARGE, where, f"{total} bytes when inflated; at most {limit} are read")


def _inflated(packed: bytes, size: int, where: str) -> bytes:
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = machine.decompress(packed, size + 1)
    except zlib.error as error:
        raise ReadError(Kind.COMPRESSION, where, f"not a deflate stream: {error}") from error
    if len(data) != size or not machine.eof or machine.unused_data:
        raise ReadError(Kind.ZIP_BOMB, where, f"does not inflate to the declared {size} bytes")
    return data


def _exactly(stream: BinaryIO, size: int, where: str) -> bytes:
    """*size* bytes, taken in pieces: a size that lies costs no memory."""
    pieces = []
    while size > 0:
        piece = stream.read(min(size, _CHUNK))
        if not piece:
            raise ReadError(Kind.TRUNCATED, where, "the file ends before it should")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
