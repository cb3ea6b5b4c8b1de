"""The record of a job whose process ended without publishing one."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from harness.clock import timestamp, utc_now
from harness.job import EX_TEMPFAIL
from harness.records import Failed, JobRecord

if TYPE_CHECKING:
    from harness.jobdir import JobDirectory


def record_without_result(
    directory: JobDirectory, *, exit_code: int | None, reason: str | None = None, interrupted: bool = False
) -> JobRecord:
    """A ``failed`` record for *directory*, made from how its process ended and what it left; not yet published."""
    job = directory.job
    ended = timestamp(utc_now())
    outcome = Failed(reason=reason or how_it_ended(exit_code), log_tail=directory.log_tail(), interrupted=interrupted)
    return JobRecord(
        flow=job.flow,
        name=job.name,
        seed=job.seed,
        job_key=job.key,
        directory=job.directory,
        outcome=outcome,
        start_time=directory.attempt_facts().get("started_at", ended),
        worker_mode=job.worker_mode,
        end_time=ended,
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
