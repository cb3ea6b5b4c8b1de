"""The record of a job whose process ended without publishing one."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import DataError
from extractor_flow.run.hardware import probe
from extractor_flow.run.job import EX_TEMPFAIL
from extractor_flow.run.jobdir import unstarted
from extractor_flow.study.codes import Code, signal_name
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.study.records import JobRecord

HELD = Failed(Code.HELD, "another process holds this job; wait for it, then resume")
# Workers of a job that was killed inherit its lock, and take a moment to die of the same signal.
_LOCK_PATIENCE = 10.0


class Stopwatch:
    """When a job's process was started, the time since, and the number of earlier attempts."""

    def __init__(self, directory: JobDirectory) -> None:
        self.started_at = timestamp(utc_now())
        self.attempts = directory.attempts()
        self._clock = time.monotonic()

    @classmethod
    def of_the_last_attempt(cls, directory: JobDirectory, recorded: int) -> Self:
        """Of the attempt that began last, by its own note; *recorded* attempts have a record already."""
        watch = cls(directory)
        begun, watch.attempts = watch.attempts, recorded
        if begun > recorded and (started_at := directory.began_at(begun)) is not None:
            passed = utc_now() - datetime.fromisoformat(started_at)
            watch.started_at = started_at
            watch._clock -= max(0.0, passed.total_seconds())
        return watch

    def seconds(self) -> float:
        """Seconds since the start, to the microsecond."""
        return round(time.monotonic() - self._clock, 6)


def conclude(
    directory: JobDirectory,
    watch: Stopwatch,
    *,
    exit_code: int | None,
    cause: Failed | None = None,
) -> JobRecord:
    """The record of a job whose process has ended: the published one, else one of how it ended, published now.

    *cause* is why the executor ended the process, if it did. A job that another process holds is left to it, and
    recorded as not started here.
    """
    with directory.lock(patience=0 if exit_code == EX_TEMPFAIL else _LOCK_PATIENCE) as mine:
        if (record := result_of(directory)) is not None:
            return record
        if not mine:
            return unstarted(directory.job, HELD)
        outcome = replace(cause or how_it_ended(exit_code), log_tail=directory.log_tail())
        record = _lost(directory, watch, outcome)
        directory.publish(record)
        return record


def result_of(directory: JobDirectory) -> JobRecord | None:
    """The published outcome; ``None`` where there is none that can be read."""
    try:
        return directory.result()
    except DataError:
        return None


def _lost(directory: JobDirectory, watch: Stopwatch, outcome: Failed) -> JobRecord:
    """The record of a started process that published none; it always gets an attempt number of its own."""
    if directory.attempts() == watch.attempts:
        directory.begin_attempt({"started_at": watch.started_at})
    return replace(
        unstarted(directory.job, outcome),
        start_time=watch.started_at,
        end_time=timestamp(utc_now()),
        duration_seconds=watch.seconds(),
        hardware=probe(),
        attempt=directory.attempts(),
    )


def how_it_ended(exit_code: int | None) -> Failed:
    """What a process's exit code says about a job without a result; negative codes are signals."""
    match exit_code:
        case None:
            return Failed(Code.LOST, "its process did not end")
        case code if code < 0:
            name = signal_name(-code)
            return Failed(Code.KILLED, f"killed by {name}{_HINTS.get(-code, '')}", signal=name)
        case code:
            return Failed(Code.LOST, f"its process ended with exit code {code} and left no result")


_HINTS: dict[int, str] = {
    signal.SIGKILL: " (from outside; on Linux often the kernel when memory runs out)",
    signal.SIGSEGV: " (a crash in native code)",
}
