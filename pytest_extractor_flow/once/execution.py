"""One execution of a command a session, whatever the number of xdist workers and whatever happens to them.

The controller makes a directory and hands it to its workers. Whoever needs a command first finds no ``started.json``,
writes it and starts the command under a supervisor (``supervise.py``) that inherits the lock; everybody waits for that
lock and then reads the same stored outcome. ``started.json`` without an outcome once the lock is free means that the
supervisor died: the command counts as crashed and is not run again. A worker that dies while it waits takes nothing
with it.

Inside the session's directory: ``alive`` (locked by the controller), ``stop`` (asks every command to end) and, for each
command, ``flows/<name>/`` with ``lock``, ``command.json``, ``started.json``, ``process.json``, ``ended.json``,
``outcome.json``, ``reported.json``, ``run_result.json``, ``log`` and ``output/``.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pytest_extractor_flow.once.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Status = Literal["ok", "failed", "skipped", "crashed", "timeout"]

DEFAULT_GRACE = 15.0
_PATIENCE = 60.0
_RESULT = "run_result.json"
_LOG_TAIL_BYTES = 16 * 1024
_SUPERVISOR = Path(__file__).with_name("supervise.py")
# The command must not depend on which worker happened to start it.
_WORKER_VARIABLES = re.compile(r"PYTEST_CURRENT_TEST|PYTEST_XDIST_\w+")


@dataclass(frozen=True)
class Command:
    """What to run once: ``name`` is its identity within the session, the rest decides what runs.

    ``timeout`` and ``grace`` are seconds: how long it may run, and how long it may then take to end in good order after
    SIGTERM. ``environment`` is added to that of the session. It runs in ``cwd``, or else where pytest was started.
    """

    name: str
    argv: tuple[str, ...]
    timeout: float
    grace: float = DEFAULT_GRACE
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """A fingerprint of everything that decides what runs."""
        parts = [
            *self.argv,
            "\0",
            str(self.cwd),
            *(f"{key}={value}" for key, value in sorted(self.environment.items())),
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True)
class Execution:
    """How the one execution of a command ended; equal in every worker.

    ``reason`` is one sentence. ``returncode`` is ``None`` if the command never ran or its end was not seen, ``seconds``
    likewise. ``left_processes`` says that it left processes which had to be ended. ``output`` is the directory it could
    write to, ``log`` holds what it printed; both live until the session ends.
    """

    name: str
    status: Status
    reason: str
    returncode: int | None
    seconds: float | None
    left_processes: bool
    output: Path
    log: Path

    @property
    def result(self) -> Path:
        """The file in which the command may say what it did."""
        return self.output.with_name(_RESULT)

    def log_tail(self, lines: int = 40) -> str:
        """The last *lines* of what the command printed, without control characters; may be empty."""
        return tail(self.log, lines)


def tail(log: Path, lines: int) -> str:
    """The last *lines* of a text file, without control characters; empty if it cannot be read."""
    from extractor_flow.files import printable

    try:
        with log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(printable(text).splitlines()[-lines:])


def by_exit_status(status: int) -> Status:
    """The plainest reading of an exit status: 0 is ok, anything else failed."""
    return "ok" if status == 0 else "failed"


class Once:
    """The commands of one session, seen from any of its processes."""

    def __init__(self, session: Path) -> None:
        self._session = session
        self._supervisors: list[subprocess.Popen[bytes]] = []

    def output(self, name: str) -> Path:
        """The directory that the command called *name* may write to; it exists and lives until the session ends."""
        output = self._directory(name) / "output"
        output.mkdir(parents=True, exist_ok=True)
        return output

    def result(self, name: str) -> Path:
        """The file in which the command called *name* may say what it did; it lives until the session ends."""
        return self.output(name).with_name(_RESULT)

    def execute(self, command: Command, read: Callable[[int], Status] = by_exit_status) -> Execution:
        """Run *command*, or wait for its one execution; the stored outcome either way.

        *read* turns an exit status into an outcome; it is asked once a session, and not about a command that was killed
        or ran out of time. A second command under the same name raises ``ValueError``.
        """
        self.output(command.name)
        until = time.monotonic() + command.timeout + command.grace + _PATIENCE
        while True:
            with Lock(self._directory(command.name) / "lock") as lock:
                if not lock.wait(until):
                    return self._no_outcome(command, "its supervisor does not answer")
                settled = self._settle(command, read)
                if settled is not None:
                    break
                if (self._session / "stop").exists():
                    return self._no_outcome(command, "the session ended first")
                self._start(command, lock)
        self.reap()
        return settled

    def reap(self) -> None:
        """Wait for the supervisors that this process started; each has freed its lock or is about to."""
        while self._supervisors:
            self._supervisors.pop().wait()

    def claim_report(self, name: str, reader: str) -> bool:
        """Whether *reader* is the one to report a bad outcome in full; the first to ask is, and stays it."""
        from extractor_flow.files import read_text

        claim = self._directory(name) / "reported.json"
        with suppress(FileExistsError), claim.open("x", encoding="utf-8") as stream:
            stream.write(reader)
        return read_text(claim) == reader

    def _directory(self, name: str) -> Path:
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-40:].strip("-.")
        return self._session / "flows" / f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"

    def _start(self, command: Command, lock: Lock) -> None:
        from extractor_flow.files import write_json

        directory = self._directory(command.name)
        order = {
            "name": command.name,
            "argv": list(command.argv),
            "cwd": str(command.cwd or Path.cwd()),
            "timeout": command.timeout,
            "grace": command.grace,
        }
        write_json(directory / "command.json", order, durable=False)
        write_json(directory / "started.json", {"pid": os.getpid(), "digest": command.digest()}, durable=False)
        environment = {key: value for key, value in os.environ.items() if not _WORKER_VARIABLES.fullmatch(key)}
        with (directory / "log").open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), str(directory), str(lock.descriptor)],
                env={**environment, **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock.descriptor,),
                start_new_session=True,
            )
        self._supervisors.append(supervisor)

    def _settle(self, command: Command, read: Callable[[int], Status]) -> Execution | None:
        """The outcome, stored now if that is still to be done; ``None`` if the command was never started."""
        from extractor_flow.files import write_json

        directory = self._directory(command.name)
        if not (directory / "started.json").exists():
            return None
        if load(directory / "started.json")["digest"] != command.digest():
            msg = f"{command.name}: another command ran under this name in this session; give it a name of its own"
            raise ValueError(msg)
        if not (directory / "outcome.json").exists():
            write_json(directory / "outcome.json", conclude(directory, read), durable=False)
        return execution_in(directory)

    def _no_outcome(self, command: Command, why: str) -> Execution:
        directory = self._directory(command.name)
        return Execution(
            name=command.name,
            status="crashed",
            reason=f"no outcome: {why}",
            returncode=None,
            seconds=None,
            left_processes=False,
            output=directory / "output",
            log=directory / "log",
        )


def load(path: Path) -> dict[str, Any]:
    """A JSON object that this package wrote."""
    from extractor_flow.files import read_json

    return cast("dict[str, Any]", read_json(path))


def execution_in(directory: Path) -> Execution:
    """The stored outcome of the command whose directory this is."""
    return Execution(**load(directory / "outcome.json"), output=directory / "output", log=directory / "log")


def conclude(directory: Path, read: Callable[[int], Status]) -> dict[str, Any]:
    """What ``outcome.json`` is to hold for a command that has been started and whose lock is free."""
    name = load(directory / "command.json")["name"]
    if not (directory / "ended.json").exists():
        end_orphan(directory)
        reason = "its supervisor died, so its end was not seen"
        return _outcome(name, "crashed", reason, {"returncode": None, "seconds": None, "left_processes": False})
    facts = load(directory / "ended.json")
    status, reason = _judge(facts, read)
    return _outcome(name, status, reason, facts)


def end_orphan(directory: Path) -> None:
    """Kill the process group of a command whose supervisor is gone."""
    if (directory / "process.json").exists() and not (directory / "ended.json").exists():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(load(directory / "process.json")["group"], signal.SIGKILL)


def _judge(facts: Mapping[str, Any], read: Callable[[int], Status]) -> tuple[Status, str]:
    match facts["ended"], facts["returncode"]:
        case "not started", _:
            return "crashed", f"it could not be started: {facts['error']}"
        case "timeout", _:
            return "timeout", f"it did not end in time and was ended after {facts['seconds']:.0f} s"
        case "stopped", _:
            return "crashed", "it was ended because the session ended"
        case _, code if code < 0:
            return "crashed", f"killed by {_signal_name(-code)}"
        case _, code:
            return read(code), f"exit status {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _outcome(name: str, status: Status, reason: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: facts[key] for key in ("returncode", "seconds", "left_processes")}
    return {"name": name, "status": status, "reason": reason, **kept}
