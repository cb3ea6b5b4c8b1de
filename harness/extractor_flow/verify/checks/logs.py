"""Checks of the logs: a job's own, of which a failure quotes the end, and the run's, with a line for each record."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.files import printable
from extractor_flow.readers.errors import ReadError
from extractor_flow.run import rundir
from extractor_flow.study.records import Completed, Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.subject.context import JobSubject, RunSubject

_KIND = "inconsistent"
_JOB_LOG, _RUN_LOG = 1024 * 1024, 16 * 1024 * 1024
_CUT = "\ufffd"  # stands for half a character at either end of what was quoted
_INTERRUPTED = re.compile(r"interrupted by SIG[A-Z0-9]+(; killed, as it went on)?")
_LOGGED = re.compile(r"[0-9-]{10}T[0-9:]{8}Z (?:WARNING|ERROR|INFO) job (skipped|failed|succeeded)")
_WHOSE = re.compile(r"'directory': '([^']+)', 'attempt': ([0-9]{1,9})\}\Z")


@check("failures-quote-logs", reads=("train.log",), requires=(Requirement.REQUEST,))
def failures_quote_logs(job: JobSubject) -> Iterator[Finding]:
    """A failure that was started quotes the end of its train.log, and one that was interrupted says by what.

    Catches: a reason or a log's end that was made up. Cannot catch: a log that was rewritten with it.
    """
    outcome = job.record.outcome
    if not isinstance(outcome, Failed) or job.record.end_time is None:
        return
    if outcome.interrupted and not _INTERRUPTED.fullmatch(outcome.reason):
        what = f"its reason is {brief(outcome.reason)}"
        yield Violation(rundir.JOURNAL, job.place("interrupted"), "true", what, _KIND)
    if outcome.log_tail:
        yield from _quoted(job, outcome.log_tail)


@check(
    "run-log",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(rundir.LOG,),
    requires=(Requirement.REQUEST, Requirement.JOURNAL),
)
def run_log(run: RunSubject) -> Iterator[Violation]:
    """Every record that run.log tells of is in the journal.

    Catches: records that were taken out of the journal. Cannot catch: that, if the log lost its lines too.
    """
    told: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for entry in run.journal:
        word, rest = _logged(entry.record)
        told[word, entry.record.directory, entry.record.attempt].append(rest)
    beginnings = {whose: _Beginnings(texts) for whose, texts in told.items()}
    try:
        text, _ = _end_of(run.files, rundir.LOG, _RUN_LOG)
    except ReadError:
        return  # a log may be lost
    for number, line in enumerate(text.splitlines(), 1):
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


def _quoted(job: JobSubject, tail: Sequence[str]) -> Iterator[Finding]:
    """A log only ever grows, and an earlier attempt's is kept under the attempt's name."""
    wanted = _plain("\n".join(tail).strip(_CUT))
    read = {}
    for name in (job.path("train.log"), job.path(f"attempt-{job.record.attempt}.log")):
        try:
            text, read[name] = _end_of(job.run.files, name, _JOB_LOG)
        except ReadError:
            continue
        if wanted in _plain("\n".join(printable(line) for line in text.splitlines() if line.strip())):
            return
    if read and all(read.values()):
        what = f"{' and '.join(read)}: no such piece"
        yield Violation(rundir.JOURNAL, job.place("log_tail"), brief(tail[-1]), what, _KIND)
    else:
        what = f"what {rundir.JOURNAL} line {job.entry.line} quotes"
        yield Unchecked(what, f"{job.path('train.log')} cannot be read to its end", Why.NO_WITNESS)


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
