"""The check of slim copies of runs: whether the list of what was left out is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.layout import ARCHIVE, CHARTS, FIGURES, is_hidden, tells_of_a_job
from extractor_flow.study.flow import SupportsPrepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.verify.subject.context import RunSubject

_KIND = "inconsistent"
_COPY = (Requirement.ARCHIVE, Requirement.REQUEST)


@check("left-out-files", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(ARCHIVE,), requires=_COPY)
def left_out_files(run: RunSubject) -> Iterator[Violation]:
    """What a slim copy left out is absent, lies in a job's directory, and is larger than the files that were kept.

    Catches: small or run-level evidence left out of a copy. Cannot catch: a copy made with a low limit, which lists
    what it leaves out; another digest on the list, which is that of ``subjects``.
    """
    yield from run.archive.wrong
    # A flow that prepares data may leave files that jobs share anywhere in the run.
    shared = run.restudied[0] is None or isinstance(run.flow, SupportsPrepare)
    jobs = run.matrix.directories | {entry.record.directory for entry in run.latest.values()}
    limit = run.archive.largest
    for path, left_out in run.archive.left_out.items():
        if problem := _problem(run, path, None if shared else jobs):
            yield Violation(ARCHIVE, f"left_out: {path}", "was left out", problem, _KIND)
        elif left_out["size_bytes"] <= limit:
            what = f"files of up to {limit} bytes were kept"
            yield Violation(ARCHIVE, f"left_out: {path}: size_bytes", str(left_out["size_bytes"]), what, _KIND)


def _problem(run: RunSubject, path: str, jobs: frozenset[str] | None) -> str | None:
    folder, _, name = path.rpartition("/")
    if not folder:
        return "a file of the run itself is never left out"
    if folder in {CHARTS, FIGURES} or is_hidden(path) or tells_of_a_job(name):
        return "such a file is never left out"
    if path in run.listing.files:
        return "it is there"
    if jobs is not None and not any(path.startswith(f"{job}/") for job in jobs):
        return "it lies in the directory of no job"
    return None


CHECKS = (left_out_files,)
