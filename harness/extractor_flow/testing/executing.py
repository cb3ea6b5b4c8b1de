"""A conformance suite for executors: whoever writes one calls :func:`check_executor` in a test of their own.

    def test_my_executor_conforms(tmp_path):
        check_executor(lambda: MyExecutor(...), Path("configs/tiny.yaml"), tmp_path)

The config is one of an installed flow with two jobs or more that can be trained where the executor runs them, in
seconds; each is trained several times. *tmp_path* has to be seen from there, too.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor_flow.config import read_config
from extractor_flow.errors import DataError
from extractor_flow.executors.events import Event, Finished, Started, Stop
from extractor_flow.files import read_json
from extractor_flow.layout import attempt_note
from extractor_flow.registry import DEFAULT_FLOW, find_flow
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Failed, JobRecord
from extractor_flow.testing.findings import ConformanceError, Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from extractor_flow.executors.events import Executor
    from extractor_flow.study.jobs import Job

_POLL_SECONDS = 0.01


def check_executor(make: Callable[[], Executor], config: Path, tmp_path: Path) -> None:
    """Check the executors that *make* makes with the jobs of *config* against everything that a run relies on.

    Each job is run once and its record is the one in its directory; a result that is there is left alone, and so is a
    job that another process holds; a job that fails or is killed takes no other with it; nothing is started after a
    request to stop, and what was started is ended. :class:`ConformanceError` lists every finding.
    """
    found = Findings()
    trial = _Trial(make, _jobs(config), tmp_path / "conformance", found)
    for check in (trial.once, trial.failing, trial.held, trial.killed, trial.stopped_before, trial.stopped_meanwhile):
        found.attempt(check.__name__, "execute()", check)
    if found.all:
        raise ConformanceError(make().name, found.all, "executor")


def _jobs(config: Path) -> Sequence[Job]:
    document = read_config(config)
    return find_flow(str(document.data.get("flow", DEFAULT_FLOW))).study(document, {}).jobs


class _Trial:
    """The jobs, given to an executor under one condition after the other, each in a run of its own."""

    def __init__(self, make: Callable[[], Executor], jobs: Sequence[Job], place: Path, found: Findings) -> None:
        self._make, self._jobs, self._place, self._found = make, jobs, place, found

    def once(self) -> None:
        """Every job has one attempt, and a result that a second execution leaves as it is."""
        directories = self._directories("once")
        records = self._execute("once", directories)
        self._require_success("once", records)
        before = [(directory.attempts(), directory.result()) for directory in directories]
        self._execute("again", directories)
        after = [(directory.attempts(), directory.result()) for directory in directories]
        self._found.require(after == before, "again", f"jobs with a result were run again: {before} became {after}")
        self._found.require([number for number, _ in before] == [1] * len(before), "once", "a job was run repeatedly")

    def failing(self) -> None:
        """A job that its flow cannot run is failed, and the others go on."""
        first, *others = self._jobs
        directories = self._directories("failing", [replace(first, parameters={}), *others])
        records = self._execute("failing", directories)
        bad = records.pop(directories[0].job.key, None)
        failed = bad is not None and isinstance(bad.outcome, Failed)
        self._found.require(failed, "failing", f"a job that cannot be run has the record {bad}")
        self._require_success("failing", records)

    def held(self) -> None:
        """A job that another process is at is left alone, and recorded as such."""
        directories = self._directories("held")
        with directories[0].lock():
            record = self._execute("held", directories).get(directories[0].job.key)
        left = record is not None and isinstance(record.outcome, Failed) and record.outcome.code is Code.HELD
        self._found.require(left, "held", f"a job that another process holds has the record {record}")
        self._found.require(directories[0].attempts() == 0, "held", "a job that another process holds was begun")

    def killed(self) -> None:
        """A job whose process is killed is failed, and the others go on."""
        directories = self._directories("killed")
        ended = threading.Event()
        killer = threading.Thread(target=_kill_the_process_of, args=(directories[0], ended))
        killer.start()
        records = self._execute("killed", directories)
        ended.set()
        killer.join()
        victim = records.pop(directories[0].job.key, None)
        recorded = victim is not None and (isinstance(victim.outcome, Completed) or victim.outcome.code in _DEAD)
        self._found.require(recorded, "killed", f"a job whose process was killed has the record {victim}")
        self._require_success("killed", records)

    def stopped_before(self) -> None:
        """Nothing is started after a request to stop."""
        stop = Stop()
        stop.request(signal.SIGTERM)
        directories = self._directories("stopped")
        events = list(self._make().execute(directories, stop))
        begun = [directory.job.label for directory in directories if directory.attempts()]
        self._found.require(not events and not begun, "stop", f"started after a request to stop: {begun or events}")

    def stopped_meanwhile(self) -> None:
        """Every job that was started is finished, also after a request to stop."""
        stop = Stop()
        events: list[Event] = []
        for event in self._make().execute(self._directories("stopping"), stop):
            events.append(event)
            if isinstance(event, Started) and stop.signum is None:
                stop.request(signal.SIGTERM)
        started = {event.job.key for event in events if isinstance(event, Started)}
        finished = {event.job.key for event in events if isinstance(event, Finished)}
        self._found.require(started <= finished, "stop", "a job that was started has no record after a request to stop")

    def _directories(self, name: str, jobs: Sequence[Job] | None = None) -> list[JobDirectory]:
        (self._place / name).mkdir(parents=True)
        return [JobDirectory.create(self._place / name, job) for job in jobs or self._jobs]

    def _execute(self, rule: str, directories: Sequence[JobDirectory]) -> dict[str, JobRecord]:
        """The record of each job, by its key."""
        records: dict[str, JobRecord] = {}
        for event in self._make().execute(directories, Stop()):
            if isinstance(event, Finished):
                self._found.require(event.job.key not in records, rule, f"{event.job.label} was finished twice")
                records[event.job.key] = event.record
        for directory in directories:
            record = records.get(directory.job.key)
            if self._found.require(record is not None, rule, f"{directory.job.label} has no record"):
                held = record is not None and record.end_time is None
                same = held or directory.result() == record
                self._found.require(same, rule, f"{directory.job.label}: the record is not that of its directory")
        return records

    def _require_success(self, rule: str, records: dict[str, JobRecord]) -> None:
        for record in records.values():
            if not isinstance(record.outcome, Completed):
                message = f"{record.label} {record.status}: {record.outcome.code}: {record.outcome.reason}"
                self._found.add(rule, message)


_DEAD = {Code.KILLED, Code.LOST}


def _kill_the_process_of(directory: JobDirectory, ended: threading.Event) -> None:
    """Kill the job's process as soon as there is one, if it is on this machine and not this one."""
    while not ended.wait(_POLL_SECONDS):
        with suppress(DataError):
            note = read_json(directory.path / attempt_note(1))
            if isinstance(note, dict) and isinstance(pid := note["pid"], int):
                if pid != os.getpid() and note.get("node", platform.node()) == platform.node():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
