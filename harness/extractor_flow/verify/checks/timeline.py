"""The check that the times in the journal are possible in one run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.files import dump_line
from extractor_flow.study.records import Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extractor_flow.verify.subject.context import RunSubject
    from extractor_flow.verify.subject.documents import Entry

CLOCK_STEP = 60.0
"""Seconds by which no honest clock goes wrong within a run. Synchronising sets a clock back by seconds, also in the
middle of a job; two machines, or a machine before and after a pause, differ by as much."""

_KIND = "inconsistent"
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("times-of-records", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_RECORDED)
def times_of_records(run: RunSubject) -> Iterator[Violation]:
    """Each job began after the run and ended after it began, and its duration fits in between, to the minute.

    Catches: results of an earlier day told as this run's, durations longer than the time that passed. Cannot catch:
    times that were shifted together, or by less than a minute; shorter durations.
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
    # The other way round is possible: a machine that sleeps stops the clock that durations are measured with.
    if record.duration_seconds is not None and record.duration_seconds > elapsed + CLOCK_STEP:
        what = f"from start to end {elapsed:.3f} s passed"
        yield Violation(layout.JOURNAL, f"{where}.duration_seconds", str(record.duration_seconds), what, _KIND)


def without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    """*entries* but for failures that are the same as an earlier one.

    A job whose process died before its first attempt leaves a result, which a resumed run finds and records once more.
    """
    failures: set[str] = set()
    fresh = []
    for entry in entries:
        failure = dump_line(entry.record.to_json()) if isinstance(entry.record.outcome, Failed) else None
        if failure is None or failure not in failures:
            fresh.append(entry)
        if failure is not None:
            failures.add(failure)
    return fresh


CHECKS = (times_of_records,)
