"""Checks that the times in the journal are possible in one run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.files import dump_line
from extractor_flow.study.records import Completed, Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.subject.context import RunSubject
    from extractor_flow.verify.subject.documents import Entry

CLOCK_STEP = 60.0
"""Seconds by which no honest clock goes wrong within a run. Synchronising sets a clock back by seconds, also in the
middle of a job; two machines, or a machine before and after a pause, differ by as much. A job is also not ended to the
second: a call into native code runs to its end after the time limit."""

_KIND = "inconsistent"
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("times-of-records", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_RECORDED)
def times_of_records(run: RunSubject) -> Iterator[Violation]:
    """Each job began after the run and ended after it began, and its duration fits in between, to the minute.

    Catches: jobs dated before the run, durations longer than the time that passed. Cannot catch: times that were
    shifted together, or by less than a minute.
    """
    for entry in without_repeats(run.journal):
        yield from _in_time(entry, run.request["created_at"])


def _in_time(entry: Entry, created_at: str) -> Iterator[Violation]:
    record, where = entry.record, f"line {entry.line}: $"
    created, started = datetime.fromisoformat(created_at), datetime.fromisoformat(record.start_time)
    if (created - started).total_seconds() > CLOCK_STEP:
        yield Violation(layout.JOURNAL, f"{where}.start_time", record.start_time, f"the run began {created_at}", _KIND)
    if record.end_time is None or isinstance(record.outcome, Skipped):
        return
    elapsed = (datetime.fromisoformat(record.end_time) - started).total_seconds()
    if elapsed < -CLOCK_STEP:
        yield Violation(layout.JOURNAL, f"{where}.end_time", record.end_time, f"began {record.start_time}", _KIND)
    if record.duration_seconds == 0:
        yield Violation(layout.JOURNAL, f"{where}.duration_seconds", "0", "every job takes some time", _KIND)
    # The other way round is possible: a machine that sleeps stops the clock that durations are measured with.
    if record.duration_seconds is not None and record.duration_seconds > elapsed + CLOCK_STEP:
        what = f"from start to end {elapsed:.3f} s passed"
        yield Violation(layout.JOURNAL, f"{where}.duration_seconds", str(record.duration_seconds), what, _KIND)


@check("records-in-order", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_RECORDED)
def records_in_order(run: RunSubject) -> Iterator[Violation]:
    """Records are written as jobs end: none is of an earlier time than one before it, but for jobs side by side.

    Catches: lines that were put in later or moved. Cannot catch: lines whose times were changed with their places.
    """
    one_at_a_time = run.request["executor"] == "serial"
    latest: Entry | None = None
    for entry in without_repeats(run.journal):
        moment = _moment(entry.record)
        if latest is None or moment >= _moment(latest.record):
            latest = entry
            continue
        behind = (_moment(latest.record) - moment).total_seconds()
        if behind > CLOCK_STEP and (one_at_a_time or not _side_by_side(entry.record, latest.record)):
            member = "start_time" if latest.record.end_time is None else "end_time"
            place = f"line {latest.line}: $.{member}"
            what = f"line {entry.line}, which was written after it, tells of {_time(entry.record)}"
            yield Violation(layout.JOURNAL, place, _time(latest.record), what, _KIND)


@check("time-limits", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_RECORDED)
def time_limits(run: RunSubject) -> Iterator[Violation]:
    """No job succeeded more than a minute after the time limit at which it would have been ended.

    Catches: a limit that was lowered, a duration that was raised. Cannot catch: shorter durations.
    """
    for entry in run.journal:
        job = run.matrix.jobs.get(entry.record.job_key)
        limit = None if job is None else job.limits.seconds
        seconds = entry.record.duration_seconds
        done = isinstance(entry.record.outcome, Completed)
        if done and limit is not None and seconds is not None and seconds > limit + CLOCK_STEP:
            place = f"line {entry.line}: $.duration_seconds"
            yield Violation(layout.JOURNAL, place, f"{seconds} s", f"its job is ended after {limit:g} s", _KIND)


def without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    """*entries* but for failures that are the same as an earlier one.

    A job whose process died before its first attempt leaves a result, which a resumed run finds and records once more.
    """
    failures: set[str] = set()
    fresh = []
    for entry in entries:
        told = dump_line(entry.record.to_json()) if isinstance(entry.record.outcome, Failed) else None
        if told is None or told not in failures:
            fresh.append(entry)
        if told is not None:
            failures.add(told)
    return fresh


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


CHECKS = (times_of_records, records_in_order, time_limits)
