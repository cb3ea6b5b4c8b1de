"""Runs whole pytest sessions, each in a process of its own that need not load pytest first."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, Self

import pytest

from support.plugin.warm_orders import Ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVER = Path(__file__).with_name("warm_server.py")


class WarmSessions:
    """A context manager: a process that has loaded pytest, from which sessions are forked."""

    def __enter__(self) -> Self:
        # Not where the tests put their files: the path of a socket has to be short.
        self._directory = TemporaryDirectory(prefix="warm-")
        self._place = f"{self._directory.name}/s"
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER), self._place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._server.stdout is not None
        self._server.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        with self._server:
            assert self._server.stdin is not None
            self._server.stdin.close()
        self._directory.cleanup()

    def run(self, pytester: pytest.Pytester, *arguments: str, timeout: float | None = None) -> pytest.RunResult:
        """What ``pytester.runpytest_subprocess`` does."""
        began = time.perf_counter()
        number = len(list(pytester.path.glob("session-*.out")))
        paths = [pytester.path / f"session-{number}.{name}" for name in ("out", "err")]
        words = (f"--basetemp={pytester.path / f'session-{number}'}", *arguments)
        with paths[0].open("wb") as out, paths[1].open("wb") as err:
            # A process that pytester starts can import what is in the directory, wherever it goes.
            path = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))  # noqa: PTH109
            code = self.start(Path.cwd(), words, (out, err), PYTHONPATH=path).wait(timeout)
        told = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
        print(*told, sep="\n")
        return pytest.RunResult(code, *(text.splitlines() for text in told), time.perf_counter() - began)

    def start(
        self, directory: Path, arguments: Sequence[str], streams: tuple[BinaryIO, BinaryIO], **environment: str
    ) -> Ordered:
        """``python -m pytest ARGUMENTS`` in *directory*, in the background; it writes to *streams*."""
        order = {"arguments": arguments, "directory": str(directory), "environment": {**os.environ, **environment}}
        with Path(os.devnull).open("rb") as nothing:
            return Ordered(self._place, [each.fileno() for each in (nothing, *streams)], **order)
