"""Runs one command to its end and stores how it ended, whatever becomes of the process that asked for it.

Started as a script under ``python -I -S`` with a directory and an open, locked file descriptor: standard library only,
nothing of this package in reach. The lock is held for as long as this process lives, so whoever can take it knows that
the command is over. Three things end a command early: its deadline, the file ``stop`` in the session's directory, and
the death of the controller, which shows in the lock on ``alive`` being free. In the last case nobody else is left to
clean up, so the session's directory goes too.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_TICK = 0.2
_POLL = 0.02
_PR_SET_CHILD_SUBREAPER = 36
# What a command leaves behind first gets the time to end by itself: multiprocessing's resource tracker outlives its
# parent by a moment, on purpose.
_FAREWELL = ((0, 3.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0))


class Supervisor:
    """One command in its own process group, its deadline, and what it leaves behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.session = directory.parent.parent
        self.order: dict[str, Any] = json.loads((directory / "command.json").read_text(encoding="utf-8"))
        self.asked_to_stop = False
        self.sees_descendants = _become_subreaper()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._stop)

    def run(self) -> None:
        """Run the command and write ``ended.json``; when the controller is gone, remove the session's directory."""
        started = time.monotonic()
        facts: dict[str, Any] = {"returncode": None, "left_processes": False, "error": None}
        try:
            process = self._start()
        except OSError as error:
            facts |= {"ended": "not started", "error": str(error)}
        else:
            facts["ended"] = self._watch(process, started + self.order["timeout"])
            if facts["ended"] != "exited":
                self._terminate(process)
            facts["returncode"] = process.returncode
            facts["left_processes"] = self._end_the_rest(process.pid)
        facts["seconds"] = time.monotonic() - started
        _write_whole(self.directory / "ended.json", facts)
        if not _is_held(self.session / "alive"):
            shutil.rmtree(self.session, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                self.order["argv"],
                cwd=self.order["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _write_whole(self.directory / "process.json", {"supervisor": os.getpid(), "group": process.pid})
        return process

    def _watch(self, process: subprocess.Popen[bytes], deadline: float) -> str:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_TICK)
                return "exited"
            if time.monotonic() >= deadline:
                return "timeout"
            if self.asked_to_stop or (self.session / "stop").exists():
                return "stopped"
            if not _is_held(self.session / "alive"):
                return "abandoned"

    def _terminate(self, process: subprocess.Popen[bytes]) -> None:
        """Ask the command's group to end, so that it can publish what it has; after the grace, end it."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=self.order["grace"])
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _end_the_rest(self, group: int) -> bool:
        """End every process the command left; whether any had to be told."""
        signalled = False
        for signum, patience in _FAREWELL:
            until = time.monotonic() + patience
            while left := self._left(group):
                signalled = signalled or signum != 0
                for target in left:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(target, signum)
                if time.monotonic() >= until:
                    break
                time.sleep(_POLL)
        return signalled

    def _left(self, group: int) -> list[int]:
        """What is left, as targets for ``os.kill``: every descendant, or where they cannot be seen, the group."""
        if not self.sees_descendants:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, 0)
                return [-group]
            return []
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        return _children()

    def _stop(self, *_: object) -> None:
        self.asked_to_stop = True


def _become_subreaper() -> bool:
    """On Linux, have orphans of the command become children of this process: they cannot hide in another group."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _children() -> list[int]:
    """The processes whose parent is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The second field is the program's name in brackets and may itself hold blanks and brackets.
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[1]) == os.getpid():
                    found.append(int(entry.name))
    return found


def _is_held(path: Path) -> bool:
    """Whether another process has locked *path*; a file that is gone is not held."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _write_whole(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[2]), False)  # noqa: FBT003 - the lock is this process's, not the command's
    Supervisor(Path(sys.argv[1])).run()
