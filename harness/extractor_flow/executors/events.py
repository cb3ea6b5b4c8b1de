"""What executors tell the runner, and how the runner tells them to stop."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

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


ONE_THREAD_EACH = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What tells numerical libraries to take one thread a process, unless the user has said otherwise."""


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
    """Gets ``extractor_flow.run.job`` to run somewhere, once for each directory."""

    name: str

    def execute(self, directories: Sequence[JobDirectory], stop: Stop) -> Iterator[Event]:
        """Run the jobs; every one that was started is finished by the time the iterator ends.

        After a request to stop nothing new is started and what runs is ended. A job's failure is its own.
        """
        ...
