"""What the logs say: a job's own, of which a failure quotes the end, and the run's, with a line for each record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.files import dump_line, parse_json, printable
from extractor_flow.readers.errors import ReadError
from extractor_flow.run import rundir
from extractor_flow.study.records import Failed
from extractor_flow.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor_flow.files import Json
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.verify.checks.documents import Entry

_KIND = "inconsistent"
_JOB_LOG, _RUN_LOG = 1024 * 1024, 16 * 1024 * 1024
_CUT = "\ufffd"  # stands for half a character at either end of what was quoted


def check_failures(files: ConfinedDirectory, latest: Iterable[Entry]) -> Iterator[Violation | Unchecked]:
    """A failure that was started quotes its log."""
    for entry in latest:
        record = entry.record
        if isinstance(record.outcome, Failed) and record.end_time is not None and record.outcome.log_tail:
            yield from _quoted(files, entry, record.outcome.log_tail)


def check_run_log(files: ConfinedDirectory, journal: Iterable[Entry]) -> Iterator[Violation]:
    """Every record that the run's log tells of is in the journal; the log may have lost lines, or be lost."""
    recorded = {dump_line(entry.record.facts) for entry in journal}
    try:
        text, _ = _end_of(files, rundir.LOG, _RUN_LOG)
    except ReadError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        fields = _fields(line)
        if "status" in fields and dump_line(fields) not in recorded:
            what = f"{rundir.LOG} line {number}: {brief(fields)}"
            yield Violation(rundir.JOURNAL, "", "has every record that was logged", what, _KIND)


def _fields(line: str) -> dict[str, Json]:
    """The fields at the end of a *line* of the log; none where it has lost them."""
    start = line.rfind(' {"')  # inside of a text of JSON a quotation mark has a backslash before it
    try:
        value = parse_json(line[start:], where=rundir.LOG) if start >= 0 else None
    except DataError:
        return {}
    return value if isinstance(value, dict) else {}


def _quoted(files: ConfinedDirectory, entry: Entry, tail: Sequence[str]) -> Iterator[Violation | Unchecked]:
    """A log only ever grows, and an earlier attempt's is kept under the attempt's name."""
    folder, attempt = entry.record.directory, entry.record.attempt
    wanted = _plain("\n".join(tail).strip(_CUT))
    read = {}
    for name in (f"{folder}/train.log", f"{folder}/attempt-{attempt}.log"):
        try:
            text, read[name] = _end_of(files, name, _JOB_LOG)
        except ReadError:
            continue
        if wanted in _plain("\n".join(printable(line) for line in text.splitlines() if line.strip())):
            return
    if read and all(read.values()):
        place = f"line {entry.line}: $.log_tail"
        yield Violation(rundir.JOURNAL, place, brief(tail[-1]), f"{' and '.join(read)}: no such piece", _KIND)
    else:
        yield Unchecked(
            f"what {rundir.JOURNAL} line {entry.line} quotes", f"{folder}/train.log cannot be read to its end"
        )


def _plain(text: str) -> str:
    """*text* with all but ASCII spelled out, as the run's Python may have done: what it calls printable differs."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _end_of(files: ConfinedDirectory, name: str, most: int) -> tuple[str, bool]:
    """The last *most* bytes of the log *name*, and whether that is all of it."""
    with files.open(name) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - most))
        return stream.read(most).decode("utf-8", errors="replace"), size <= most
