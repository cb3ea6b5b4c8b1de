"""Checks of the logs: a job's own, of which a failure quotes the end, and the run's, with a line for each record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.errors import DataError
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.files import dump_line, parse_json, printable
from extractor_flow.readers.errors import ReadError
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.files import Json
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.verify.subject.context import JobSubject, RunSubject

_KIND = "inconsistent"
_JOB_LOG, _RUN_LOG = 1024 * 1024, 4 * 1024 * 1024  # 20,000 records of some 200 bytes
_CUT = "\ufffd"  # stands for half a character at either end of what was quoted


@check("failures-quote-logs", reads=(layout.JOB_LOG,), requires=(Requirement.REQUEST,))
def failures_quote_logs(job: JobSubject) -> Iterator[Finding]:
    """A failure that was started quotes the end of its train.log.

    Catches: a log's end that was made up. Cannot catch: a log that was rewritten with it.
    """
    outcome = job.record.outcome
    if isinstance(outcome, Failed) and job.record.end_time is not None and outcome.log_tail:
        yield from _quoted(job, outcome.log_tail)


@check(
    "run-log",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.LOG,),
    requires=(Requirement.REQUEST, Requirement.JOURNAL),
)
def run_log(run: RunSubject) -> Iterator[Violation]:
    """Every record that run.log tells of is in the journal.

    Catches: records that were taken out of the journal. Cannot catch: that, if the log lost its lines too.
    """
    recorded = {dump_line(entry.record.facts) for entry in run.journal}
    try:
        text, _ = _end_of(run.files, layout.LOG, _RUN_LOG)
    except ReadError:
        return  # a log may be lost
    for number, line in enumerate(text.split("\n"), 1):
        fields = _fields(line)
        if "status" in fields and dump_line(fields) not in recorded:
            what = f"{layout.LOG} line {number}: {brief(fields)}"
            yield Violation(layout.JOURNAL, "", "has every record that was logged", what, _KIND)


def _fields(line: str) -> dict[str, Json]:
    """The fields at the end of a *line* of the log; none where it has lost them."""
    start = line.rfind(' {"')  # inside of a text of JSON a quotation mark has a backslash before it
    try:
        value = parse_json(line[start:], where=layout.LOG) if start >= 0 else None
    except DataError:
        return {}
    return value if isinstance(value, dict) else {}


def _quoted(job: JobSubject, tail: Sequence[str]) -> Iterator[Finding]:
    """A log only ever grows, and an earlier attempt's is kept under the attempt's name."""
    wanted = _plain("\n".join(tail).strip(_CUT))
    read = {}
    for name in (job.path(layout.JOB_LOG), job.path(layout.attempt_log(job.record.attempt))):
        try:
            text, read[name] = _end_of(job.run.files, name, _JOB_LOG)
        except ReadError:
            continue
        if wanted in _plain("\n".join(printable(line) for line in text.splitlines() if line.strip())):
            return
    if read and all(read.values()):
        what = f"{' and '.join(read)}: no such piece"
        yield Violation(layout.JOURNAL, job.place("log_tail"), brief(tail[-1]), what, _KIND)
    else:
        what = f"what {layout.JOURNAL} line {job.entry.line} quotes"
        yield Unchecked(what, f"{job.path(layout.JOB_LOG)} cannot be read to its end", Why.NO_WITNESS)


def _plain(text: str) -> str:
    """*text* with all but ASCII spelled out, as the run's Python may have done: what it calls printable differs."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _end_of(files: ConfinedDirectory, name: str, most: int) -> tuple[str, bool]:
    """The last *most* bytes of the log *name*, and whether that is all of it."""
    with files.open(name) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - most))
        return stream.read(most).decode("utf-8", errors="replace"), size <= most


CHECKS = (failures_quote_logs, run_log)
