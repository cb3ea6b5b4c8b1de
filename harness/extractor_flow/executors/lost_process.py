"""The record of a job whose process ended without publishing one."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.run.hardware import probe
from extractor_flow.run.job import EX_TEMPFAIL
from extractor_flow.study.records import Failed, JobRecord

if TYPE_CHECKING:
    from extractor_flow.run.jobdir import JobDirectory


class Stopwatch:
    """When a job's process was started, and how long ago that is."""

    def __init__(self) -> None:
        self.started_at = timestamp(utc_now())
        self._clock = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the start, to the microsecond."""
        return round(time.monotonic() - self._clock, 6)


def record_without_result(
    directory: JobDirectory,
    watch: Stopwatch,
    *,
    exit_code: int | None,
    reason: str | None = None,
    interrupted: bool = False,
) -> JobRecord:
    """A ``failed`` record for *directory*, made from how its process ended on this machine; not yet published."""
    job = directory.job
    reason = reason or how_it_ended(exit_code)
    return JobRecord(
        flow=job.flow,
        name=job.name,
        seed=job.seed,
        job_key=job.key,
        directory=job.directory,
        outcome=Failed(reason=reason, log_tail=directory.log_tail(), interrupted=interrupted),
        start_time=watch.started_at,
        worker_mode=job.worker_mode,
        end_time=timestamp(utc_now()),
        duration_seconds=watch.seconds(),
        hardware=probe(),
        attempt=max(1, directory.attempts()),
    )


def how_it_ended(exit_code: int | None) -> str:
    """A process's exit code in words; negative codes are signals."""
    match exit_code:
        case None:
            return "its process did not end"
        case code if code == EX_TEMPFAIL:
            return "another process holds this job; wait for it, then resume"
        case code if code < 0:
            return f"killed by {_signal_name(-code)}{_HINTS.get(-code, '')}"
        case code:
            return f"its process ended with exit code {code} and left no result"


_HINTS: dict[int, str] = {
    signal.SIGKILL: " (from outside; on Linux often the kernel when memory runs out)",
    signal.SIGSEGV: " (a crash in native code)",
}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
