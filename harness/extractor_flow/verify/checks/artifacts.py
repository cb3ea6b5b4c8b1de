"""Checks of the files that completed jobs claim: where they are, whose they are, and what is in them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.contracts import json_path
from extractor_flow.evidence.check import Requirement, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.study.records import Artifact
    from extractor_flow.verify.subject.context import JobSubject

_TEXT_LIMIT = 16 * 1024 * 1024  # no text that a job leaves is larger; models are, and git does not rewrite them
REWRITTEN = Unchecked(
    "line ends of text files",
    "git's core.autocrlf rewrote them; compared is the text that was recorded (git config core.autocrlf false)",
    Why.LINE_ENDS,
)


@check("artifact-places", requires=(Requirement.REQUEST,))
def artifact_places(job: JobSubject) -> Iterator[Violation]:
    """Each artifact lies in its job's own directory, is no file of the harness's own, and is claimed by one job only.

    Catches: a job that passes off another's model. Cannot catch: a copy of it, which is another file.
    """
    if not isinstance(job.record.outcome, Completed):
        return
    for name, artifact in job.record.outcome.artifacts.items():
        place = f"line {job.entry.line}: {json_path(('artifacts', name, 'path'))}"
        if not artifact.path.startswith(job.path("")):
            what = f"the job's directory is {job.record.directory}"
            yield Violation(layout.JOURNAL, place, artifact.path, what, Kind.OUTSIDE)
        if layout.is_protocol(artifact.path.removeprefix(job.path(""))):
            what = "a file of every job's own, which is no product of its training"
            yield Violation(layout.JOURNAL, place, artifact.path, what, "inconsistent")
        if (other := job.run.claimed[artifact.path]) != job.record.label:
            yield Violation(layout.JOURNAL, place, artifact.path, f"{other} claims it too", "inconsistent")


@check("artifact-digests", requires=(Requirement.REQUEST,))
def artifact_digests(job: JobSubject) -> Iterator[Finding]:
    """Each artifact of a completed job is there, with the size and the SHA-256 that the journal records.

    Catches: a file that was lost, cut short or exchanged. Cannot catch: a digest that was set right again.
    """
    if isinstance(job.record.outcome, Completed):
        yield from wrong_artifacts(job, job.record.outcome)


def wrong_artifacts(job: JobSubject, outcome: Completed) -> Iterator[Finding]:
    """What the artifacts of *outcome* are instead; one that cannot be read does not keep the others from it."""
    for artifact in outcome.artifacts.values():
        try:
            yield from _content(job, artifact)
        except ReadError as error:
            yield Violation.refused(artifact.path, error)


def _content(job: JobSubject, artifact: Artifact) -> Iterator[Finding]:
    path = artifact.path
    size = job.run.listing.files[path] if path in job.run.listing.files else job.run.files.size(path)
    digest = job.run.files.sha256(path) if size == artifact.size_bytes else None
    if digest == artifact.sha256:
        return
    if digest is None and is_rewritten(job.run.files, artifact):
        yield REWRITTEN
    elif digest is None:
        yield Violation(path, "", f"has {artifact.size_bytes} bytes", f"{size} bytes", "size")
    else:
        yield Violation(path, "", f"has the SHA-256 {artifact.sha256}", digest, "digest")


def is_rewritten(files: ConfinedDirectory, subject: Artifact) -> bool:
    """Whether git has made each line end one byte longer, as it does when it checks out a text on Windows.

    *subject* says what the file was.
    """
    size = files.size(subject.path)
    if not subject.size_bytes < size <= min(2 * subject.size_bytes, _TEXT_LIMIT):
        return False
    with files.open(subject.path, limit=_TEXT_LIMIT) as stream:
        text = stream.read(size).replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest() == subject.sha256


CHECKS = (artifact_places, artifact_digests)
