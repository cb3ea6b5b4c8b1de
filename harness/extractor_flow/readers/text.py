"""Text, JSON and JSON lines from a stranger."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from extractor_flow.files import JSON_DEPTH_LIMIT, JSON_SIZE_LIMIT
from extractor_flow.readers.errors import Kind, ReadError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.files import Json

CONTAINER_LIMIT = 2_000_000
VALUE_LIMIT = 10_000_000
"""A summary of 10,000 trainings has some 250 values for each."""
LINE_LIMIT = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_DIGITS = 300  # a double holds 308
# A number too large for a double has an exponent of three digits, or some 300 digits: others need no look at each.
_LARGE_NUMBER = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{200}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Possessive, and a string without its end runs to the end of the text: linear on any input.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[{]++|[\]}]++', re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One value of a JSON lines file, the number of its line, from 1, and the SHA-256 of the line with its end."""

    number: int
    value: Json
    sha256: str = field(default="", compare=False)


@dataclass(frozen=True)
class Torn:
    """A last line without its line end: a writer was stopped in the middle of it."""

    number: int
    data: bytes


def read_bytes(stream: BinaryIO, where: str, *, limit: int) -> bytes:
    """Everything in *stream*, which must be at most *limit* bytes."""
    begin = stream.tell()
    length = stream.seek(0, 2) - begin
    if length > limit:
        raise ReadError(Kind.TOO_LARGE, where, f"larger than {limit} bytes")
    stream.seek(begin)
    return stream.read(length)  # memory for so many is taken before the first is read


def decode(data: bytes, where: str) -> str:
    """*data* as UTF-8 text, without a byte order mark and without NUL."""
    if data.startswith(_BOM):
        raise ReadError(Kind.BOM, where, "begins with a byte order mark")
    if b"\0" in data:
        raise ReadError(Kind.NUL_BYTE, where, f"holds a NUL byte at offset {data.index(0)}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"not UTF-8: byte {data[error.start]:#04x} at offset {error.start}"
        raise ReadError(Kind.NOT_UTF8, where, what) from error


def read_text(stream: BinaryIO, where: str, *, limit: int = JSON_SIZE_LIMIT) -> str:
    """The UTF-8 text of *stream*, of at most *limit* bytes."""
    return decode(read_bytes(stream, where, limit=limit), where)


def read_json(stream: BinaryIO, where: str, *, limit: int = JSON_SIZE_LIMIT) -> Json:
    """The strict JSON value of *stream*; every integer in it fits into a double."""
    return parse(read_text(stream, where, limit=limit), where)


def parse(text: str, where: str) -> Json:
    """The strict JSON value of *text*: no NaN, no duplicate keys, no deep nesting, only numbers a double holds."""
    _refuse_deep_nesting(text, where)
    decoder = _CAREFUL if _LARGE_NUMBER.search(text) else _PLAIN
    try:
        value: Json = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ReadError(Kind.NOT_JSON, where, f"line {error.lineno}: not JSON: {error.msg}") from error
    except _RefusedError as error:
        raise ReadError(error.kind, where, error.what) from error
    if _SURROGATE.search(text):
        _refuse_lone_surrogates(value, where)
    return value


def _refuse_lone_surrogates(value: Json, where: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, "holds half of a surrogate pair") from error


class _RefusedError(Exception):
    """What a decoder refuses, wherever it stands."""

    def __init__(self, kind: Kind, what: str) -> None:
        self.kind, self.what = kind, what
        super().__init__(what)


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(Kind.NOT_FINITE, f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _RefusedError(Kind.DUPLICATE_KEY, f"the key {shown(twice)} stands twice in one object")
    return result


def _integer(literal: str) -> int:
    if len(literal) > _DIGITS:
        raise _RefusedError(Kind.NUMBER_RANGE, f"an integer of {len(literal)} digits")
    return int(literal)


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise _RefusedError(Kind.NUMBER_RANGE, f"{shown(literal)} is too large for a double")
    return value


_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)
_CAREFUL = json.JSONDecoder(
    parse_constant=_refuse_constant, object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite
)


def _refuse_deep_nesting(text: str, where: str) -> None:
    """Bound the depth before the parser recurses, and the objects before it allocates them."""
    containers = text.count("[") + text.count("{")  # those inside strings too: only stricter
    if containers > CONTAINER_LIMIT:
        raise ReadError(Kind.TOO_MANY, where, f"more than {CONTAINER_LIMIT} objects and arrays")
    if text.count(",") > VALUE_LIMIT:
        raise ReadError(Kind.TOO_MANY, where, f"more than {VALUE_LIMIT} values")
    if containers <= JSON_DEPTH_LIMIT:
        return
    depth = 0
    for token in _BRACKETS.finditer(text):
        brackets = token.group()
        if brackets[0] in "[{":
            depth += len(brackets)
        elif brackets[0] in "]}":
            depth -= len(brackets)
        if depth > JSON_DEPTH_LIMIT:
            raise ReadError(Kind.NESTED, where, f"nested deeper than {JSON_DEPTH_LIMIT} levels")


def read_json_lines(stream: BinaryIO, where: str) -> Iterator[Line | Torn]:
    """The values of a JSON lines file, one at a time; a torn last line comes last, as itself.

    A complete line that is not strict JSON raises, with its number; no line is longer than 4 MiB.
    """
    number = 0
    while data := stream.readline(LINE_LIMIT + 1):
        number += 1
        if len(data) > LINE_LIMIT:
            raise ReadError(Kind.TOO_LARGE, f"{where}:{number}", f"a line longer than {LINE_LIMIT} bytes")
        if not data.endswith(b"\n"):
            yield Torn(number, data)
            return
        value = parse(decode(data, f"{where}:{number}"), f"{where}:{number}")
        # Git may have rewritten the line's end, which is no part of the value.
        yield Line(number, value, hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest())


def require_object(value: Json, where: str) -> dict[str, Json]:
    """*value*, when it is a JSON object."""
    if not isinstance(value, dict):
        raise ReadError(Kind.NOT_JSON, where, f"expected an object; found {shown(type(value).__name__)}")
    return value
