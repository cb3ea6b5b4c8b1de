"""Runs the command in a fork of this process, and ends that at a chosen one of its operations on files."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.symlink", "os.chmod"}
"""What changes a disk, as Python's audit hooks call it; opening counts when it is for writing."""


class Crash:
    """Counts the operations of this process below *place*, and calls *end* at number *at*."""

    def __init__(self, place: Path, at: int, end: Callable[[], None]) -> None:
        self._place, self._at, self._end = str(place), at, end
        self.count = 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in EVENTS or self._place not in str(arguments[0]):
            return
        if event == "open" and not int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        self.count += 1
        if self.count == self._at:
            self._end()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashed(place: Path, at: int, *words: object, end: Callable[[], None] = _kill) -> tuple[int, int]:
    """Run ``extractor-flow WORDS`` in a fork that ends at its operation *at* below *place*.

    The exit code, negative for a signal, and how many operations there were if the fork got to its end.
    """
    counted = place.with_name(f"{place.name}.operations")
    counted.unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: none of them holds a lock here
        child = os.fork()
    if child == 0:
        code = 70
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            crash = Crash(place, at, end)
            sys.addaudithook(crash)
            code = main([str(word) for word in words])
            counted.write_text(str(crash.count))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    operations = int(counted.read_text()) if counted.exists() else 0
    return os.waitstatus_to_exitcode(status), operations
