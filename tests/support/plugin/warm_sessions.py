"""Runs whole pytest sessions, each in a process of its own that need not load pytest first."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest

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
            self._server.kill()
        self._directory.cleanup()

    def run(self, pytester: pytest.Pytester, *arguments: str, timeout: float | None = None) -> pytest.RunResult:
        """What ``pytester.runpytest_subprocess`` does."""
        began = time.perf_counter()
        number = len(list(pytester.path.glob("session-*.out")))
        paths = [pytester.path / f"session-{number}.{name}" for name in ("out", "err")]
        words = (f"--basetemp={pytester.path / f'session-{number}'}", *arguments)
        with Path(os.devnull).open("rb") as nothing, paths[0].open("wb") as out, paths[1].open("wb") as err:
            code = self._ended([nothing.fileno(), out.fileno(), err.fileno()], words, timeout)
        told = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
        print(*told, sep="\n")
        return pytest.RunResult(code, *(text.splitlines() for text in told), time.perf_counter() - began)

    def _ended(self, descriptors: list[int], arguments: tuple[str, ...], timeout: float | None) -> int:
        # A process that pytester starts can import what is in the directory, wherever it goes.
        path = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))  # noqa: PTH109
        order = {"arguments": arguments, "directory": os.getcwd(), "environment": {**os.environ, "PYTHONPATH": path}}  # noqa: PTH109
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(self._place)
            socket.send_fds(line, [b"!"], descriptors)
            line.sendall(json.dumps(order).encode() + b"\n")
            with line.makefile() as answers:
                session = int(answers.readline())
                try:
                    return int(answers.readline())
                except TimeoutError:
                    os.kill(session, signal.SIGKILL)
                    raise
