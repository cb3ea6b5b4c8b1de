"""Chained lines of JSON: each carries the SHA-256 of the line before, so that none can be removed unnoticed."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

from extractor_flow.files import dump_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import FileIO
    from pathlib import Path

    from extractor_flow.files import Json

PREVIOUS = "previous"
NOTHING = hashlib.sha256(b"").hexdigest()
"""What the first line of a chain carries that continues nothing."""
_CHUNK = 64 * 1024


def append(path: Path, value: Mapping[str, Json], first: Callable[[], str]) -> str:
    """Add *value* to the chain in *path*, durably; the SHA-256 of its line.

    The first line carries what *first* answers. When the disk refuses, the file ends where it did before.
    """
    with open(path, "a+b", buffering=0, opener=_without_links) as stream:
        end = stream.seek(0, os.SEEK_END)
        before = _last_line(stream, end)
        previous = hashlib.sha256(before).hexdigest() if before else first()
        line = dump_line({**value, PREVIOUS: previous}).encode("utf-8")
        try:
            _write_all(stream, line)
        except OSError:
            stream.truncate(end)
            raise
    return hashlib.sha256(line).hexdigest()


def cut_torn_line(path: Path) -> bool:
    """Cut off a last line that has no line end, as a stopped writer leaves it; whether there was one."""
    if not path.exists():
        return False
    with open(path, "r+b", buffering=0, opener=_without_links) as stream:
        end = stream.seek(0, os.SEEK_END)
        torn = _after_last_line_end(stream, end)
        if not torn:
            return False
        stream.truncate(end - len(torn))
        os.fsync(stream.fileno())
    return True


def _without_links(path: str, flags: int) -> int:
    """Open *path* itself, never what a link of that name leads to."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _last_line(stream: FileIO, end: int) -> bytes:
    """The line that ends at *end*, with its line end; empty in an empty file."""
    return _after_last_line_end(stream, end - 1) + _read(stream, end - 1, end) if end > 0 else b""


def _after_last_line_end(stream: FileIO, end: int) -> bytes:
    """What stands between the last line end before *end* and *end*."""
    tail: list[bytes] = []
    while end > 0:
        start = max(0, end - _CHUNK)
        chunk = _read(stream, start, end)
        tail.append(chunk[chunk.rfind(b"\n") + 1 :])
        if b"\n" in chunk:
            break
        end = start
    return b"".join(reversed(tail))


def _read(stream: FileIO, start: int, end: int) -> bytes:
    stream.seek(start)
    return stream.read(end - start)


def _write_all(stream: FileIO, line: bytes) -> None:
    written = stream.write(line)
    if written != len(line):
        msg = f"only {written} of {len(line)} bytes were written"
        raise OSError(errno.ENOSPC, msg, stream.name)
    os.fsync(stream.fileno())
