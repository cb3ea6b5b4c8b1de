"""Checks of files in a run's directory that no record mentions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.errors import DataError
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.layout import JOB, PROGRESS, RESULT
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Completed
from extractor_flow.verify.subject.documents import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.verify.subject.context import RunSubject

_KIND = "inconsistent"
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("success-is-final", scope=Scope.RUN, requires=_RECORDED)
def success_is_final(run: RunSubject) -> Iterator[Violation]:
    """Nothing in a job's directory is of an attempt after the one that the journal records as its success.

    Catches: training again until it looks better, told as the first attempt. Cannot catch: attempts that were deleted.
    """
    noted: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for path in run.listing.files:
        folder, _, name = path.rpartition("/")
        if found := layout.ATTEMPT.fullmatch(name):
            noted[folder].append((path, int(found[1]), found[2]))
    for entry in run.latest.values():
        record = entry.record
        if not isinstance(record.outcome, Completed):
            continue
        for path, number, kind in noted[record.directory]:
            if number > record.attempt or (kind == "log" and number == record.attempt):
                what = f"{layout.JOURNAL} line {entry.line}: attempt {record.attempt} succeeded"
                yield Violation(path, "", "is of an attempt before the recorded one", what, _KIND)


@check("unannounced-jobs", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(JOB,), requires=_RECORDED)
def unannounced_jobs(run: RunSubject) -> Iterator[Violation]:
    """Every job.json is in the directory of a job of the study, or below one.

    Catches: jobs that were trained and then left out of settings and journal. Cannot catch: that, if their directories
    were removed.
    """
    if not run.matrix.jobs:
        return
    known = run.matrix.directories | {entry.record.directory for entry in run.journal}
    for path in run.listing.files:
        folder, _, name = path.rpartition("/")
        if name == JOB and not any(place in known for place in _upwards(folder)) and _is_order(run, path):
            what = f"neither {layout.RUN} nor {layout.JOURNAL} has a job in {folder or 'the run itself'}"
            yield Violation(path, "", "is the order of a job of this run", what, _KIND)


def _is_order(run: RunSubject, path: str) -> bool:
    try:
        with run.files.open(path, limit=SMALL) as stream:
            Job.from_json(require_object(read_json(stream, path, limit=SMALL), path))
    except (DataError, ReadError, ValueError, AttributeError, TypeError):
        return False
    return True


@check("unknown-files", scope=Scope.RUN, requires=_RECORDED)
def unknown_files(run: RunSubject) -> Iterator[Unchecked]:
    """Every file of the run, and of a job that completed, is one that the harness or the job's record tells of.

    Others are listed, not accused. Catches: nothing by itself: it shows what nobody looked at. Cannot catch: what is in
    those files, or in hidden ones.
    """
    ends = {entry.record.directory for entry in run.latest.values() if isinstance(entry.record.outcome, Completed)}
    for path in run.listing.files:
        folder, _, name = path.rpartition("/")
        if layout.is_hidden(path):
            continue
        if folder in {"", layout.FIGURES, layout.CHARTS}:
            if path not in layout.OF_A_RUN and not layout.is_figure(path) and not layout.is_chart(path):
                yield Unchecked(path, "no file that a run has: nothing is known of it")
        elif name == PROGRESS and f"{folder}/{RESULT}" in run.listing.files:
            yield Unchecked(path, "a note of a job that is under way, beside its result")
        elif path not in run.claimed and not _is_known(path, ends):
            yield Unchecked(path, "no file that the job's record claims: nothing is known of it")


def _is_known(path: str, ends: set[str]) -> bool:
    """Whether *path* lies in none of the jobs' directories *ends*, or is a file that every job may have."""
    job = next((each for each in _upwards(path) if each in ends), None)
    return job is None or layout.is_of_every_job(path.removeprefix(f"{job}/"))


def _upwards(folder: str) -> Iterator[str]:
    """*folder* and those above it."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


CHECKS = (success_is_final, unannounced_jobs, unknown_files)
