"""What the logs say: a job's own, of which a failure quotes the end, and the run's, with a line for each record."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.files import printable
from extractor_flow.readers.errors import ReadError
from extractor_flow.run import rundir
from extractor_flow.study.records import Completed, Failed, Skipped
from extractor_flow.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.checks.documents import Entry

_KIND = "inconsistent"
_JOB_LOG, _RUN_LOG = 1024 * 1024, 16 * 1024 * 1024
_CUT = "\ufffd"  # stands for half a character at either end of what was quoted
_INTERRUPTED = re.compile(r"interrupted by SIG[A-Z0-9]+(; killed, as it went on)?")
_LOGGED = re.compile(r"[0-9-]{10}T[0-9:]{8}Z (?:WARNING|ERROR|INFO) job (skipped|failed|succeeded)")
_WHOSE = re.compile(r"'directory': '([^']+)', 'attempt': ([0-9]{1,9})\}\Z")


def check_failures(files: ConfinedDirectory, latest: Iterable[Entry]) -> Iterator[Violation | Unchecked]:
    """A failure that was started quotes its log, and one that was interrupted says by what."""
    for entry in latest:
        record = entry.record
        if not isinstance(record.outcome, Failed) or record.end_time is None:
            continue
        if record.outcome.interrupted and not _INTERRUPTED.fullmatch(record.outcome.reason):
            place, what = f"line {entry.line}: $.interrupted", f"its reason is {brief(record.outcome.reason)}"
            yield Violation(rundir.JOURNAL, place, "true", what, _KIND)
        if record.outcome.log_tail:
            yield from _quoted(files, entry, record.outcome.log_tail)


def check_run_log(files: ConfinedDirectory, journal: Iterable[Entry]) -> Iterator[Violation]:
    """Every record that the run's log tells of is in the journal; the log may have lost lines, or be lost."""
    told: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for entry in journal:
        word, rest = _logged(entry.record)
        told[word, entry.record.directory, entry.record.attempt].append(rest)
    beginnings = {whose: _Beginnings(texts) for whose, texts in told.items()}
    try:
        text, _ = _end_of(files, rundir.LOG, _RUN_LOG)
    except ReadError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        found, whose = _LOGGED.match(line), _WHOSE.search(line)
        if found is None or whose is None:
            continue
        rest = line[found.end() : whose.start()]
        known = beginnings.get((found[1], whose[1], int(whose[2])))
        if known is None or not known.has_one_of(rest):
            what = f"{rundir.LOG} line {number}: {brief(line[found.start(1) :])}"
            yield Violation(rundir.JOURNAL, "", "has every record that was logged", what, _KIND)


class _Beginnings:
    """Texts, one of which another text may begin with; how many there are costs a look-up next to nothing."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts: list[str] = []
        for text in sorted(texts):
            # What begins with a shorter one adds nothing; without such ones a beginning of a text is right before it.
            if not (self._texts and text.startswith(self._texts[-1])):
                self._texts.append(text)

    def has_one_of(self, text: str) -> bool:
        """Whether *text* begins with one of them."""
        position = bisect_right(self._texts, text)
        return position > 0 and text.startswith(self._texts[position - 1])


def _logged(record: JobRecord) -> tuple[str, str]:
    """How the run's log begins to tell of *record*."""
    match record.outcome:
        case Skipped(reason=reason):
            return "skipped", f": {reason} {{"
        case Failed(reason=reason):
            return "failed", f": {reason} {{"
        case Completed(training_steps=steps):
            return "succeeded", f" after {steps} training steps {{"


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
