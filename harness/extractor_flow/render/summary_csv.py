"""The summary as a table for spreadsheets and data frames: one row a job, one column a metric (``summary.csv``)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from extractor_flow.files import printable
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from extractor_flow.study.records import JobRecord, RunSummary

COLUMNS = (
    "config_name",
    "seed",
    "status",
    "code",
    "reason",
    "duration_seconds",
    "training_steps",
    "attempt",
    "directory",
    "job_key",
)
_OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n")


def table(summary: RunSummary) -> str:
    """*summary* as CSV with ``\\n`` at the end of each line; what does not exist is an empty cell.

    Numbers are written in full. A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    done = [record.outcome.metrics for record in summary.records if isinstance(record.outcome, Completed)]
    metrics = sorted({key for known in done for key in known})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *map(_text, metrics)])
    for record in summary.records:
        known = record.outcome.metrics if isinstance(record.outcome, Completed) else {}
        writer.writerow([*_described(record), *(_number(known.get(key)) for key in metrics)])
    return stream.getvalue()


def _described(record: JobRecord) -> list[str]:
    outcome = record.outcome
    return [
        _text(record.name),
        _number(record.seed),
        record.status,
        "" if isinstance(outcome, Completed) else outcome.code.value,
        "" if isinstance(outcome, Completed) else _text(outcome.reason),
        _number(record.duration_seconds),
        _number(outcome.training_steps if isinstance(outcome, Completed) else None),
        _number(record.attempt),
        _text(record.directory),
        record.job_key,
    ]


def _text(value: str) -> str:
    shown = printable(value)
    return f"'{shown}" if shown.startswith(_OBEYED) else shown


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
