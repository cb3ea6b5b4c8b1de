"""Checks of slim copies of runs: whether the list of what was left out is true."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.files import dumps
from extractor_flow.layout import ARCHIVE, CHARTS, FIGURES, JOB, JOURNAL, RESULT, is_hidden, tells_of_a_job
from extractor_flow.study.flow import SupportsPrepare
from extractor_flow.study.job_contract import small_artifacts
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.files import Json
    from extractor_flow.verify.subject.context import RunSubject
    from extractor_flow.verify.subject.documents import Entry

_KIND = "inconsistent"
_COPY = (Requirement.ARCHIVE, Requirement.REQUEST)


@check("left-out-files", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(ARCHIVE,), requires=_COPY)
def left_out_files(run: RunSubject) -> Iterator[Violation]:
    """What a slim copy left out is absent, lies in a job's directory, and is larger than the files that were kept.

    Catches: small or run-level evidence left out of a copy. Cannot catch: a copy made with a low limit, which lists
    what it leaves out.
    """
    yield from run.archive.wrong
    # A flow that prepares data may leave files that jobs share anywhere in the run.
    shared = run.restudied[0] is None or isinstance(run.flow, SupportsPrepare)
    jobs = run.matrix.directories | {entry.record.directory for entry in run.latest.values()}
    limit = _limit(run)
    for path, left_out in run.archive.left_out.items():
        if problem := _problem(run, path, None if shared else jobs):
            yield Violation(ARCHIVE, f"left_out: {path}", "was left out", problem, _KIND)
        elif left_out["size_bytes"] <= limit:
            what = f"files of up to {limit} bytes were kept"
            yield Violation(ARCHIVE, f"left_out: {path}: size_bytes", str(left_out["size_bytes"]), what, _KIND)


def _limit(run: RunSubject) -> int:
    """The size up to which files were kept: at least that of the largest that is there for its size alone."""
    records = [entry.record for entry in run.latest.values()]
    small = frozenset() if isinstance(run.flow, RequestError) else small_artifacts(run.flow.contract, records)
    files = run.listing.files.items()
    sizes = [size for path, size in files if path not in small and not _is_always_kept(run, path)]
    return max([run.archive.largest or 0, *sizes])


def _is_always_kept(run: RunSubject, path: str) -> bool:
    *folders, name = path.split("/")
    if not folders or folders[0] in {CHARTS, FIGURES} or is_hidden(path):
        return True
    # Copies of before the size was recorded left out any file of a job above it.
    return run.archive.largest is not None and tells_of_a_job(name)


def _problem(run: RunSubject, path: str, jobs: frozenset[str] | None) -> str | None:
    if "/" not in path:
        return "a file of the run itself is never left out"
    if _is_always_kept(run, path):
        return "such a file is never left out"
    if path in run.listing.files:
        return "it is there"
    if jobs is not None and not any(path.startswith(f"{job}/") for job in jobs):
        return "it lies in the directory of no job"
    return None


@check("left-out-digests", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(ARCHIVE,), requires=_COPY)
def left_out_digests(run: RunSubject) -> Iterator[Violation]:
    """The list's sizes and digests are those that the journal and the study give.

    Catches: another file passed off later as the one that was left out. Cannot catch: files that nobody claims.
    """
    for entry in run.latest.values():
        if isinstance(entry.record.outcome, Completed):
            yield from _of_artifacts(run, entry, entry.record.outcome)
        yield from _of_protocol(run, entry)


def _of_artifacts(run: RunSubject, entry: Entry, outcome: Completed) -> Iterator[Violation]:
    for name, artifact in outcome.artifacts.items():
        listed = run.archive.left_out.get(artifact.path)
        claimed = {"sha256": artifact.sha256, "size_bytes": artifact.size_bytes}
        for key, value in claimed.items():
            if listed is not None and listed[key] != value:
                what = f"{JOURNAL} line {entry.line} has {value} for its artifact {name}"
                yield Violation(ARCHIVE, f"left_out: {artifact.path}: {key}", str(listed[key]), what, _KIND)


def _of_protocol(run: RunSubject, entry: Entry) -> Iterator[Violation]:
    """The orders and results that older copies left out are those that the study and the journal give."""
    record = entry.record
    job = run.matrix.jobs.get(record.job_key)
    given: dict[str, dict[str, Json]] = {} if job is None else {JOB: job.to_json()}
    if record.end_time is not None:
        given[RESULT] = record.to_json()
    for name, data in given.items():
        listed = run.archive.left_out.get(f"{record.directory}/{name}")
        digest = hashlib.sha256(dumps(data).encode("utf-8")).hexdigest()
        if listed is not None and listed["sha256"] != digest:
            place, what = f"left_out: {record.directory}/{name}: sha256", f"the run gives a file with {digest}"
            yield Violation(ARCHIVE, place, str(listed["sha256"]), what, _KIND)


CHECKS = (left_out_files, left_out_digests)
