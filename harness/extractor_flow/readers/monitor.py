"""Stable-Baselines3's monitor files from a stranger: one row per episode."""

from __future__ import annotations

import io
import math
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.readers.errors import Kind, ReadError, shown
from extractor_flow.readers.text import decode, parse, require_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.files import Json

ROW_LIMIT = 2_000_000
"""Of a training with more episodes the monitor is not checked; so many take a second, and 50 MB."""
LINE_LIMIT = 64 * 1024
_BLOCK = 64 * 1024
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)
_ROWS = re.compile(f"(?:{_NUMBER.pattern},{_COUNT.pattern},{_NUMBER.pattern}\r?\n)*+".encode(), re.ASCII)


@dataclass(frozen=True)
class Monitor:
    """The episodes of a training: rewards (n,) float64, lengths in steps (n,) int64, times in seconds (n,) float64.

    ``header`` is the JSON object of the first line; ``columns`` are the names of all, of which these three are read.
    """

    header: dict[str, Json]
    columns: tuple[str, ...]
    rewards: NDArray[Any]
    lengths: NDArray[Any]
    times: NDArray[Any]


def read_monitor(stream: BinaryIO, where: str) -> Monitor:
    """The episodes in *stream*; a row that is not a reward, a length and a time raises with its line."""
    first = _line(stream, f"{where}:1")
    columns = _line(stream, f"{where}:2").split(",")
    if not first.startswith("#") or columns[:3] != ["r", "l", "t"]:
        raise ReadError(Kind.TABLE, where, "does not begin with '#{...}' and a line 'r,l,t'")
    header = require_object(parse(first[1:], f"{where}:1"), f"{where}:1")
    values = array("d")
    while block := stream.read(_BLOCK):
        block += stream.readline(LINE_LIMIT)
        values.extend(_plain_rows(block, columns) or _rows(block, len(columns), where, len(values) // 3 + 3))
        if len(values) > 3 * ROW_LIMIT:
            raise ReadError(Kind.TOO_MANY, where, f"more than {ROW_LIMIT} episodes")
    # A double holds every length of at most fifteen digits.
    rewards, lengths, times = np.array(values).reshape(-1, 3).T.copy()
    return Monitor(header, tuple(columns), rewards, lengths.astype(np.int64), times)


def _plain_rows(block: bytes, columns: list[str]) -> array[float] | None:
    """The numbers of whole lines, where all of them are as they should be; fifteen times as fast as line by line."""
    if len(columns) != 3 or not _ROWS.fullmatch(block):  # noqa: PLR2004 - reward, length, time
        return None
    numbers = array("d", map(float, block.replace(b"\n", b",").split(b",")[:-1]))
    return numbers if all(map(math.isfinite, numbers)) else None


def _rows(block: bytes, width: int, where: str, first: int) -> Iterator[float]:
    """The numbers of the lines in *block*, of which the first is line *first*; the first wrong one raises."""
    stream = io.BytesIO(block)
    while line := _line(stream, f"{where}:{first}"):
        yield from _row(line, width, f"{where}:{first}")
        first += 1


def _line(stream: BinaryIO, where: str) -> str:
    """The next line without its end; empty at the end of the file."""
    data = stream.readline(LINE_LIMIT)
    if data and not data.endswith(b"\n"):
        kind = Kind.TOO_LARGE if len(data) == LINE_LIMIT else Kind.TRUNCATED
        raise ReadError(kind, where, f"a line of {len(data)} bytes without an end")
    if data.strip() == b"" and data:
        raise ReadError(Kind.TABLE, where, "an empty line")
    return decode(data, where).removesuffix("\n").removesuffix("\r")


def _row(line: str, width: int, where: str) -> tuple[float, int, float]:
    fields = line.split(",")
    if len(fields) != width:
        raise ReadError(Kind.TABLE, where, f"{len(fields)} fields; expected {width}")
    return _number(fields[0], where), _count(fields[1], where), _number(fields[2], where)


def _number(field: str, where: str) -> float:
    if field.strip("+-").lower() in {"nan", "inf", "infinity"}:
        raise ReadError(Kind.NOT_FINITE, where, f"{shown(field)} is no number")
    if not _NUMBER.fullmatch(field) or abs(float(field)) == float("inf"):
        raise ReadError(Kind.TABLE, where, f"{shown(field)} is not a finite number")
    return float(field)


def _count(field: str, where: str) -> int:
    if not _COUNT.fullmatch(field):
        raise ReadError(Kind.TABLE, where, f"{shown(field)} is not a number of steps")
    return int(field)
