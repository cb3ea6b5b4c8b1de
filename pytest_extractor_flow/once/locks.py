"""Locks between processes that the kernel frees when their holder dies, however it dies."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

import pytest

try:
    import fcntl
except ImportError:  # Windows; nothing imports this module in a session that needs no lock
    _MSG = (
        "extractor-flow: without fcntl, which this system lacks, tests cannot share a run and no report of a lane can "
        "be written; use Linux or macOS, or WSL on Windows"
    )
    raise pytest.UsageError(_MSG) from None

if TYPE_CHECKING:
    from pathlib import Path

_POLL = 0.02


class Lock:
    """An exclusive lock on a file, freed once every process that has this descriptor open has closed it.

    A context manager that opens the file (making it if need be) and closes it; entering does not take the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1

    def __enter__(self) -> Self:
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> bool:
        """Take the lock now; ``False`` if another holds it."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self, until: float) -> bool:
        """Take the lock by the monotonic time *until*; ``False`` if that passed."""
        while not self.take():
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL)
        return True

    def is_current(self) -> bool:
        """Whether the path still names the file that was opened, and not another that has taken its place."""
        try:
            return os.path.samestat(os.fstat(self.descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the descriptor; harmless when repeated."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
