"""Follows submitted jobs until the last one has ended."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import LeftAlone
from extractor_flow.executors.events import Event, Finished, Progressed, Started, Stop
from extractor_flow.executors.lost_process import Stopwatch, conclude
from extractor_flow.executors.slurm.client import cancel
from extractor_flow.executors.slurm.queue import SlurmQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.study.records import JobRecord

_POLL_SECONDS = 0.5
_PATIENCE = 0.1
"""The queue is asked each time another tenth of the time so far has passed: its controller has others to serve."""
_MOST_PATIENCE = 30.0


@dataclass
class Following:
    """Tells what happens to tasks by looking into the directories of those that run, and asks the queue which ended."""

    directories: Sequence[JobDirectory]
    watches: Mapping[str, Stopwatch]
    stop: Stop
    _queue: SlurmQueue = field(init=False)
    _notes: dict[str, Any] = field(default_factory=dict, init=False)
    _states: Mapping[str, str] = field(default_factory=dict, init=False)
    _cancelled: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """The jobs of one run."""
        self._queue = SlurmQueue(self.directories[0].run_path)

    def events(self) -> Iterator[Event]:
        """Starts, progress and ends; :class:`LeftAlone` when the terminal is closed."""
        left = {each.job.directory: each for each in self.directories}
        began = asked = time.monotonic()
        while left:
            self._obey()
            ended: Sequence[JobRecord] = ()
            if (now := time.monotonic()) - asked >= min(_PATIENCE * (now - began), _MOST_PATIENCE):
                asked = now
                ended = self._ended(left)
            for directory in left.values():
                if self._states.get(directory.job.directory, "PENDING") != "PENDING":
                    yield from self._news(directory)
            for record in ended:
                yield Finished(left.pop(record.directory).job, record)
            if left:
                threading.Event().wait(_POLL_SECONDS)

    def _obey(self) -> None:
        if self.stop.signum == signal.SIGHUP:
            path = self.directories[0].run_path
            msg = f"{path}: left to Slurm, which runs its jobs and publishes it; see: extractor-flow status {path}"
            raise LeftAlone(msg)
        if self.stop.signum is not None and not self._cancelled:
            cancel([array for each in self._queue.submissions() for array in each.arrays])
            self._cancelled = True

    def _ended(self, left: Mapping[str, JobDirectory]) -> list[JobRecord]:
        """The records of the jobs that the queue does nothing more for, in the order in which they ended."""
        states = self._queue.states()
        if states is None:
            return []
        self._states = states
        causes = self._queue.causes(left, states)
        records = [conclude(left[at], self.watches[at], exit_code=None, cause=cause) for at, cause in causes.items()]
        return sorted(records, key=lambda record: record.end_time or record.start_time)

    def _news(self, directory: JobDirectory) -> Iterator[Event]:
        """That the job has begun, and each new note of its progress."""
        place, job = directory.job.directory, directory.job
        if place not in self._notes:
            if directory.attempts() == self.watches[place].attempts:
                return
            self._notes[place] = None
            yield Started(job)
        note = directory.read_progress()
        if note is not None and note != self._notes[place]:
            self._notes[place] = note
            yield Progressed(job, note)
