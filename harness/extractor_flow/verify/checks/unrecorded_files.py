"""What lies in a run's directory although no record tells of it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Violation
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.run import rundir
from extractor_flow.study.flow import SupportsPrepare
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Completed
from extractor_flow.verify.checks.documents import SMALL
from extractor_flow.verify.checks.html import is_figure
from extractor_flow.verify.checks.job_directories import ORDER, RESULT
from extractor_flow.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.study.flow import Flow
    from extractor_flow.verify.checks.documents import Entry
    from extractor_flow.verify.checks.matrix import Matrix

_KIND = "inconsistent"
_PROGRESS = "progress.json"
_ATTEMPT = re.compile(r"attempt-([0-9]{1,9})\.(json|log)")
_OF_A_RUN = {
    rundir.RUN,
    rundir.PREPARED,
    rundir.JOURNAL,
    rundir.SUMMARY,
    rundir.MARKDOWN,
    rundir.MANIFEST,
    rundir.SKIPS,
    rundir.HISTORICAL,
    rundir.PAGE,
    rundir.LOG,
    rundir.ARCHIVE,
    rundir.UNPUBLISHED,
}


@dataclass(frozen=True)
class Leftovers:
    """The files of a run, the jobs that its settings span and its journal tells of, and its flow where it is known."""

    files: ConfinedDirectory
    listing: Listing
    matrix: Matrix
    journal: Sequence[Entry]
    flow: Flow | None

    def check(self, latest: Iterable[Entry]) -> Iterator[Violation | Unchecked]:
        """What contradicts the records, and what nothing is known of; *latest* are the last records of the jobs."""
        yield from self._later_attempts(latest)
        yield from self._unknown_jobs()
        yield from self._preparation()
        yield from self._unknown_files()

    def _later_attempts(self, latest: Iterable[Entry]) -> Iterator[Violation]:
        """A success is final: nothing was tried after it."""
        noted = self._attempts()
        for entry in latest:
            record = entry.record
            if not isinstance(record.outcome, Completed):
                continue
            for path, number, kind in noted[record.directory]:
                if number > record.attempt or (kind == "log" and number == record.attempt):
                    what = f"{rundir.JOURNAL} line {entry.line}: attempt {record.attempt} succeeded"
                    yield Violation(path, "", "is of an attempt before the recorded one", what, _KIND)

    def _attempts(self) -> Mapping[str, list[tuple[str, int, str]]]:
        """By directory, the files of attempts with their numbers and kinds."""
        noted: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for path in self.listing.files:
            folder, _, name = path.rpartition("/")
            if found := _ATTEMPT.fullmatch(name):
                noted[folder].append((path, int(found[1]), found[2]))
        return noted

    def _unknown_jobs(self) -> Iterator[Violation]:
        """Every order of a job is in the directory of a job of the study, or below one."""
        if not self.matrix.jobs:
            return
        known = self.matrix.directories | {entry.record.directory for entry in self.journal}
        for path in self.listing.files:
            folder, _, name = path.rpartition("/")
            if name == ORDER and not any(place in known for place in _upwards(folder)) and self._is_order(path):
                what = f"neither {rundir.RUN} nor {rundir.JOURNAL} has a job in {folder or 'the run itself'}"
                yield Violation(path, "", "is the order of a job of this run", what, _KIND)

    def _is_order(self, path: str) -> bool:
        try:
            with self.files.open(path, limit=SMALL) as stream:
                Job.from_json(require_object(read_json(stream, path, limit=SMALL), path))
        except (DataError, ReadError, ValueError, AttributeError, TypeError):
            return False
        return True

    def _preparation(self) -> Iterator[Violation]:
        there = rundir.PREPARED in self.listing.files
        if there and self.flow is not None and not isinstance(self.flow, SupportsPrepare):
            what = f"the flow {self.flow.name} prepares nothing"
            yield Violation(rundir.PREPARED, "", "says what was prepared for the jobs", what, _KIND)

    def _unknown_files(self) -> Iterator[Unchecked]:
        for path in self.listing.files:
            folder, _, name = path.rpartition("/")
            if name.startswith("."):
                continue
            of_the_run = folder in {"", rundir.FIGURES}
            if of_the_run and path not in _OF_A_RUN and not is_figure(path):
                yield Unchecked(path, "no file that a run has: nothing is known of it")
            elif name == _PROGRESS and f"{folder}/{RESULT}" in self.listing.files:
                yield Unchecked(path, "a note of a job that is under way, beside its result")


def _upwards(folder: str) -> Iterator[str]:
    """*folder* and those above it."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
