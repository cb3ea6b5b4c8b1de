"""One job after another in this process: the simplest executor, and the one for debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from extractor_flow.executors.asking import NO_SETTINGS
from extractor_flow.executors.events import Event, Finished, Started, Stop
from extractor_flow.executors.lost_process import Stopwatch, conclude
from extractor_flow.run.job import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.executors.asking import ExecutorRequest
    from extractor_flow.run.jobdir import JobDirectory


class SerialExecutor:
    """Runs jobs in the order given. A job that kills its process takes this one with it."""

    name = "serial"
    remote = False
    schema: ClassVar[Mapping[str, Any]] = NO_SETTINGS

    @classmethod
    def made_for(cls, request: ExecutorRequest) -> Self:
        """Takes no options."""
        del request
        return cls()

    def execute(self, directories: Sequence[JobDirectory], stop: Stop) -> Iterator[Event]:
        """Run the jobs; Ctrl-C and SIGTERM interrupt the one that runs."""
        for directory in directories:
            if stop.signum is not None:
                return
            yield Started(directory.job)
            watch = Stopwatch(directory)
            code = run_job(directory, capture=True)
            record = conclude(directory, watch, exit_code=code)
            if code > 128:  # noqa: PLR2004 - the shell's convention: 128 + the signal's number
                stop.request(code - 128)
            yield Finished(directory.job, record)
