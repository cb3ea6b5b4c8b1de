"""The directory that the processes of one session share: made, guarded and removed by its controller alone."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_extractor_flow.once.execution import by_exit_status, conclude, end_orphan, execution_in, load
from pytest_extractor_flow.once.locks import Lock
from pytest_extractor_flow.shared import DIRECTORY_PREFIX

if TYPE_CHECKING:
    from types import FrameType

from pytest_extractor_flow.once.execution import Execution

_MARGIN = 20.0
_SIGTERM_STATUS = 128 + signal.SIGTERM


class SessionDirectory:
    """The directory *path*, made unless a worker has just done so, and locked for as long as this process lives.

    While it exists, SIGTERM ends pytest in good order (exit status 143), so that commands are ended and the directory
    is removed; a second SIGTERM is not held back. What a killed controller left behind is removed by the next one.
    """

    def __init__(self, path: Path) -> None:
        _sweep(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        self.path = path
        # Locked before it gets its name: a sweeping session never sees a free lock on a living directory.
        self._alive = Lock(self.path / "alive.new")
        self._alive.__enter__()
        self._alive.take()
        (self.path / "alive.new").rename(self.path / "alive")
        self._guards_sigterm = _may_guard_sigterm()
        if self._guards_sigterm:
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def ask_to_stop(self) -> None:
        """Have every command that still runs end, without waiting; none can be started afterwards."""
        (self.path / "stop").touch()

    def stop(self) -> None:
        """End every command that still runs and store its outcome."""
        self.ask_to_stop()
        for directory in self._started():
            _stop(directory)

    def executions(self) -> list[Execution]:
        """Every command that was started and has an outcome."""
        return [execution_in(directory) for directory in self._started() if (directory / "outcome.json").exists()]

    def remove(self) -> None:
        """Remove the directory with all that is in it and give SIGTERM back; harmless when repeated."""
        if self._guards_sigterm and signal.getsignal(signal.SIGTERM) == self._on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._guards_sigterm = False
        _remove_tree(self.path)
        self._alive.close()

    def _started(self) -> list[Path]:
        return sorted(path.parent for path in self.path.glob("flows/*/started.json"))

    def _on_sigterm(self, _signum: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._guards_sigterm = False
        if self._started():
            msg = "ended by SIGTERM"
            raise pytest.exit.Exception(msg, returncode=_SIGTERM_STATUS)
        self.remove()
        os.kill(os.getpid(), signal.SIGTERM)


class EndsEarly:
    """Registered in the controller: a session that is to stop, as under ``-x``, does not wait for its commands.

    xdist lets each worker finish its current test first, and that test may wait for hours of training.
    """

    def __init__(self, session: pytest.Session, directory: SessionDirectory) -> None:
        self._session = session
        self._directory = directory

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        """Look whether this report was one failure too many."""
        if self._session.shouldfail or self._session.shouldstop:
            self._directory.ask_to_stop()


def _may_guard_sigterm() -> bool:
    """Nobody else handles it, and this is the thread in which handlers can be set."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    return on_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _stop(directory: Path) -> None:
    """End the command whose directory this is, if it still runs, and store its outcome."""
    from extractor_flow.files import write_json

    with Lock(directory / "lock") as lock:
        grace = load(directory / "command.json")["grace"]
        if not lock.wait(time.monotonic() + grace + _MARGIN):
            _kill_supervisor(directory)
        if not (directory / "outcome.json").exists():
            write_json(directory / "outcome.json", conclude(directory, by_exit_status), durable=False)


def _kill_supervisor(directory: Path) -> None:
    """The last resort for a supervisor that does not stop: it, and then the command's process group."""
    if (directory / "process.json").exists():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(load(directory / "process.json")["supervisor"], signal.SIGKILL)
        end_orphan(directory)


def _sweep(parent: Path) -> None:
    """Remove the directories of this user's sessions whose controller was killed."""
    for directory in parent.glob(f"{DIRECTORY_PREFIX}*"):
        with suppress(OSError):
            if directory.lstat().st_uid != os.getuid() or directory.is_symlink():
                continue
            if not (directory / "alive").is_file():
                continue
            with Lock(directory / "alive") as lock:
                # A supervisor may still be ending its command: it removes the directory itself.
                if lock.take() and not _in_use(directory):
                    _remove_tree(directory)


def _in_use(directory: Path) -> bool:
    for path in directory.glob("flows/*/lock"):
        with Lock(path) as lock:
            if not lock.take():
                return True
    return False


def _remove_tree(directory: Path) -> None:
    """Remove *directory*, also where something in it was made read-only."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        for root, names, _ in os.walk(directory):
            for path in (Path(root, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(directory, ignore_errors=True)
