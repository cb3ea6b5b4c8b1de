"""What executors tell the runner, and how the runner tells them to stop."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from extractor_flow.run.job import heeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord


@dataclass(frozen=True)
class Started:
    """The job has a process now."""

    job: Job


@dataclass(frozen=True)
class Progressed:
    """The job's latest note: ``done`` of ``total`` steps, and the flow's own ``facts``."""

    job: Job
    note: Mapping[str, Any]


@dataclass(frozen=True)
class Finished:
    """The job has an outcome, by running or by being skipped."""

    job: Job
    record: JobRecord


Event = Started | Progressed | Finished


class Stop:
    """Whether the user asked to stop (Ctrl-C, SIGTERM or a closed terminal); ``urgent`` after asking twice."""

    def __init__(self) -> None:
        self.signum: int | None = None
        self.urgent = False

    def request(self, signum: int, _frame: FrameType | None = None) -> None:
        """Ask to stop; usable as a signal handler."""
        self.urgent = self.signum is not None
        self.signum = self.signum or signum

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP as requests in here; a hangup only if nobody ignores it already."""
        numbers = heeded((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        before = {number: signal.signal(number, self.request) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Executor(Protocol):
    """Gets the job runner to run somewhere, once for each directory.

    One that is ``remote`` starts ``python -m extractor_flow.job`` on machines that are asked there what they lack, and
    has what the jobs share prepared there, too. ``extractor_flow.testing.check_executor`` tells a sound one.
    """

    name: str
    remote: bool

    def execute(self, directories: Sequence[JobDirectory], stop: Stop) -> Iterator[Event]:
        """Run the jobs; every one that was started is finished by the time the iterator ends.

        After a request to stop nothing new is started and what runs is ended. A job's failure is its own.
        """
        ...


@runtime_checkable
class Queueing(Executor, Protocol):
    """An executor with a queue to which jobs can be left, and which publishes the run in the end."""

    def submit(self, directories: Sequence[JobDirectory]) -> tuple[int, str]:
        """Have the jobs run that are not in the queue already: how many that are, and what was done, for people."""
        ...
