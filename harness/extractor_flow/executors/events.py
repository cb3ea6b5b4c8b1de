"""The events executors report to the runner, and how the runner asks them to stop."""

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
        """Treat SIGINT, SIGTERM and SIGHUP as requests to stop; SIGHUP only if it is not ignored already."""
        numbers = heeded((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        before = {number: signal.signal(number, self.request) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Executor(Protocol):
    """Runs the job runner somewhere, once for each job directory.

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
        """Submit the jobs that are not in the queue yet; returns how many, and what was done as a sentence."""
        ...
