"""Why a stranger's file is refused."""

from __future__ import annotations

from enum import StrEnum

from extractor_flow.errors import DataError
from extractor_flow.files import printable


class Kind(StrEnum):
    """What is wrong with the file; the value is the name that a verdict shows."""

    MISSING = "missing"  # no such file
    UNREADABLE = "unreadable"  # the operating system refuses
    SYMLINK = "symlink"  # a link, in the path or inside an archive
    OUTSIDE = "outside"  # a path that leaves, or could leave, the directory or the archive
    NOT_A_FILE = "not-a-file"  # a directory, a FIFO, a socket or a device stands where a file should
    TOO_LARGE = "too-large"  # more bytes, rows or elements than any genuine file of its kind has
    TOO_MANY = "too-many"  # more members, files or names than any genuine file of its kind has
    TOO_DEEP = "too-deep"  # directories inside directories
    TRUNCATED = "truncated"  # the file ends before it should
    NOT_UTF8 = "not-utf8"
    BOM = "bom"
    NUL_BYTE = "nul-byte"
    NOT_JSON = "not-json"
    NESTED = "nested"  # JSON inside JSON inside JSON
    DUPLICATE_KEY = "duplicate-key"
    NOT_FINITE = "not-finite"  # NaN or Infinity where JSON or a table must hold a number
    NUMBER_RANGE = "number-range"  # a number that no double or index can hold
    NOT_ZIP = "not-zip"
    ZIP_BOMB = "zip-bomb"
    ENCRYPTED = "encrypted"
    DUPLICATE_MEMBER = "duplicate-member"
    OVERLAP = "overlap"  # two things claim the same bytes
    COMPRESSION = "compression"  # a compression method that is not read
    CHECKSUM = "checksum"
    HEADER = "header"  # a header that contradicts itself or its file
    DTYPE = "dtype"
    SHAPE = "shape"
    PICKLE = "pickle"  # data that only running code could read
    IMAGE = "image"
    CHAIN = "chain"  # a line that does not continue the line before it


_SHOWN = 80
_LINE = 1000
_BREAKS = {ord(character): character.encode("unicode_escape").decode() for character in "\n\t\u2028\u2029"}


class ReadError(DataError):
    """A file is unsafe to read or is not what its name promises; ``kind`` says which."""

    def __init__(self, kind: Kind, where: str, what: str) -> None:
        self.kind = kind
        self.where = one_line(where)
        self.what = one_line(what)
        super().__init__(f"{self.where}: {self.what}")


def one_line(text: str) -> str:
    """*text* on one line, safe for a terminal, at most 1,000 characters: a name must not forge a second message."""
    short = text if len(text) <= _LINE else f"{text[:_LINE]}..."
    return printable(short).translate(_BREAKS)


def shown(value: object) -> str:
    """*value* as it may stand in a message: at most 80 characters, safe for a terminal.

    Only for text, bytes and numbers: nothing nested, which could be huge before it is cut.
    """
    if isinstance(value, str | bytes):
        return one_line(repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}...")
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return f"an integer of {value.bit_length()} bits"
    return one_line(str(value)[:_SHOWN])
