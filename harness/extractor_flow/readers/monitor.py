"""Stable-Baselines3's monitor files from a stranger: one row an episode."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.readers.errors import Kind, ReadError, shown
from extractor_flow.readers.text import decode, parse, require_object

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor_flow.files import Json

ROW_LIMIT = 10_000_000
LINE_LIMIT = 64 * 1024
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)


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
    rewards, lengths, times = array("d"), array("q"), array("d")
    while line := _line(stream, inside := f"{where}:{len(lengths) + 3}"):
        if len(lengths) >= ROW_LIMIT:
            raise ReadError(Kind.TOO_MANY, where, f"more than {ROW_LIMIT} episodes")
        reward, length, time = _row(line, len(columns), inside)
        rewards.append(reward)
        lengths.append(length)
        times.append(time)
    return Monitor(header, tuple(columns), np.array(rewards), np.array(lengths), np.array(times))


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
