"""Whether the times that the journal tells can be those of one run after the other."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation
from extractor_flow.run import rundir
from extractor_flow.study.records import Completed
from extractor_flow.verify.checks.matrix import without_repeats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.checks.documents import Entry
    from extractor_flow.verify.checks.matrix import Matrix

CLOCK_TOLERANCE = 60.0
"""Seconds by which the clocks of two sittings may differ, or one may be set back."""
LIMIT_TOLERANCE = 10.0
"""Seconds by which a job may outlive its time limit: a call into native code is not stopped in the middle."""

_KIND = "inconsistent"


def check_order(entries: Sequence[Entry], *, one_at_a_time: bool) -> Iterator[Violation]:
    """Records are written as jobs end: no record is of an earlier time than one before it.

    Jobs that ran side by side may be recorded the other way round, unless the run had *one_at_a_time*.
    """
    latest: Entry | None = None
    for entry in without_repeats(entries):
        moment = _moment(entry.record)
        if latest is None or moment >= _moment(latest.record):
            latest = entry
            continue
        behind = (_moment(latest.record) - moment).total_seconds()
        if behind > CLOCK_TOLERANCE and (one_at_a_time or not _side_by_side(entry.record, latest.record)):
            member = "start_time" if latest.record.end_time is None else "end_time"
            place = f"line {latest.line}: $.{member}"
            what = f"line {entry.line}, which was written after it, tells of {_time(entry.record)}"
            yield Violation(rundir.JOURNAL, place, _time(latest.record), what, _KIND)


def check_limits(entries: Sequence[Entry], matrix: Matrix) -> Iterator[Violation]:
    """No job succeeded long after the time limit at which it would have been ended."""
    for entry in entries:
        job: Job | None = matrix.jobs.get(entry.record.job_key)
        limit = None if job is None else job.limits.seconds
        seconds = entry.record.duration_seconds
        done = isinstance(entry.record.outcome, Completed)
        if done and limit is not None and seconds is not None and seconds > limit + LIMIT_TOLERANCE:
            place = f"line {entry.line}: $.duration_seconds"
            yield Violation(rundir.JOURNAL, place, f"{seconds} s", f"its job is ended after {limit:g} s", _KIND)


def _time(record: JobRecord) -> str:
    """When *record* was made."""
    return record.start_time if record.end_time is None else record.end_time


def _moment(record: JobRecord) -> datetime:
    return datetime.fromisoformat(_time(record))


def _side_by_side(one: JobRecord, other: JobRecord) -> bool:
    """Whether both jobs ran at some moment."""
    if one.end_time is None or other.end_time is None:
        return False
    starts = (datetime.fromisoformat(record.start_time) for record in (one, other))
    return max(starts) <= min(_moment(one), _moment(other))
