"""Whether each job's own directory tells the same as the journal, and holds the artifacts that it claims."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import json_path
from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Violation, brief, read_or_violation
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.run import rundir
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Completed, Failed
from extractor_flow.verify.checks.documents import RECORD_CONTRACT, SMALL, Loading, record_of
from extractor_flow.verify.json_diff import differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.study.records import Artifact, JobRecord
    from extractor_flow.verify.checks.documents import Entry
    from extractor_flow.verify.checks.matrix import Matrix

ORDER, RESULT = "job.json", "result.json"
# A flow may well claim its log.
_PROTOCOL = re.compile(r"(?:job|result|progress|attempt-[0-9]+)\.json|attempt-[0-9]+\.log|\.lock")


class JobDirectories:
    """The directories of the jobs in *latest*; *manifest* holds the published records by job key, a third opinion."""

    def __init__(
        self, files: ConfinedDirectory, listing: Listing, matrix: Matrix, manifest: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._files = files
        self._listing = listing
        self._matrix = matrix
        self._manifest = manifest

    def check(self, latest: Iterable[Entry], started: Mapping[str, Entry]) -> Iterator[Violation]:
        """What is wrong with the directories and the artifacts in them.

        *started* has the last record of each job that was ever started, by job key: its result stays where it was when
        the job is not started again.
        """
        claimed: dict[str, str] = {}
        for entry in latest:
            if entry.record.end_time is not None:
                yield from self._order(entry)
                yield from self._result(entry)
                yield from self._attempt(entry)
            elif f"{entry.record.directory}/{RESULT}" in self._listing.files:
                name = f"{entry.record.directory}/{RESULT}"
                yield from read_or_violation(name, self._never_started(entry, started.get(entry.record.job_key)))
            if isinstance(entry.record.outcome, Completed):
                yield from self._artifacts(entry, claimed)

    def _order(self, entry: Entry) -> Iterator[Violation]:
        """``job.json`` holds exactly the job of the matrix."""
        name = f"{entry.record.directory}/{ORDER}"
        yield from read_or_violation(name, self._read_order(name, entry))

    def _read_order(self, name: str, entry: Entry) -> Iterator[Violation]:
        with self._files.open(name, limit=SMALL) as stream:
            data = require_object(read_json(stream, name, limit=SMALL), name)
        try:
            job = Job.from_json(data)
        except (DataError, ValueError, AttributeError) as error:
            yield Violation(name, "$", "is the job's order", brief(str(error)), "schema")
            return
        demanded = self._matrix.jobs.get(entry.record.job_key)
        for steps, wanted, there in differences((job if demanded is None else demanded).to_json(), data):
            yield Violation(name, json_path(steps), brief(there), f"the study has {brief(wanted)}", "inconsistent")
        if demanded is None and job.key != entry.record.job_key:
            yield Violation(name, "$.key", job.key, f"the journal has {entry.record.job_key}", "inconsistent")

    def _result(self, entry: Entry) -> Iterator[Violation]:
        """``result.json`` is the journal's record. Where they differ, the manifest says which of them was changed."""
        record = entry.record
        name = f"{record.directory}/{RESULT}"
        if isinstance(record.outcome, Failed) and name not in self._listing.files:
            return  # the job's process died before it could publish one, and the executor recorded how
        if self._equals(name, record.to_json()):
            return  # what equals a valid record needs no look at the contract
        loading = Loading(self._files)
        data = loading.json(name, RECORD_CONTRACT, limit=SMALL)
        yield from loading.found
        if data is None:
            return
        published = self._manifest.get(record.job_key, {})
        for steps, journal, result in differences(record.to_json(), data):
            third = _at(published, steps)
            if third != journal or steps[0] == "details":
                place = f"line {entry.line}: {json_path(steps)}"
                yield Violation(rundir.JOURNAL, place, brief(journal), f"{name} has {brief(result)}", "inconsistent")
            if third != result or steps[0] == "details":
                what = f"{rundir.JOURNAL} has {brief(journal)}"
                yield Violation(name, json_path(steps), brief(result), what, "inconsistent")

    def _never_started(self, entry: Entry, before: Entry | None) -> Iterator[Violation]:
        """There is a result of a job whose last record says that it was not started.

        It may be that of *before*, or of a failure that a killed run did not record any more. But a success
        would have been kept, and a job that was to be started has no result of an earlier attempt any more.
        """
        name = f"{entry.record.directory}/{RESULT}"
        loading = Loading(self._files)
        data = loading.json(name, RECORD_CONTRACT, limit=SMALL)
        yield from loading.found
        result = None if data is None else record_of(data)
        if before is not None and result is not None and result.attempt == before.record.attempt:
            yield from self._result(before)
        outcome = None if result is None else result.outcome
        stands = isinstance(outcome, Completed) and all(map(self._is_there, outcome.artifacts.values()))
        # What was attempted is cleared away before the jobs of a sitting start.
        attempted = f"{entry.record.directory}/attempt-1.json" in self._listing.files
        last = entry.record.outcome
        if stands or (attempted and isinstance(last, Failed) and last.code is Code.NOT_STARTED):
            what = f"{name} tells of an attempt"
            claim = f"{entry.record.status}, never started"
            yield Violation(rundir.JOURNAL, f"line {entry.line}: $.status", claim, what, "inconsistent")

    def _is_there(self, artifact: Artifact) -> bool:
        return not any(
            read_or_violation(artifact.path, self._content(artifact.path, artifact.sha256, artifact.size_bytes))
        )

    def _equals(self, name: str, demanded: Mapping[str, Any]) -> bool:
        try:
            with self._files.open(name, limit=SMALL) as stream:
                return not any(differences(dict(demanded), read_json(stream, name, limit=SMALL)))
        except ReadError:
            return False

    def _attempt(self, entry: Entry) -> Iterator[Violation]:
        """The recorded attempt left the note it begins with; a job that was killed early may not have come that far."""
        record = entry.record
        name = f"{record.directory}/attempt-{record.attempt}.json"
        if isinstance(record.outcome, Completed) or name in self._listing.files:
            yield from read_or_violation(name, self._read_attempt(name, entry.record))

    def _read_attempt(self, name: str, record: JobRecord) -> Iterator[Violation]:
        with self._files.open(name, limit=SMALL) as stream:
            note = require_object(read_json(stream, name, limit=SMALL), name)
        if note.get("attempt") != record.attempt:
            yield Violation(name, "$.attempt", brief(note.get("attempt")), str(record.attempt), "inconsistent")
        latest = record.start_time if isinstance(record.outcome, Completed) else record.end_time
        began = note.get("started_at")
        if not isinstance(began, str) or began > str(latest):
            what = f"the journal has {record.start_time} to {record.end_time}"
            yield Violation(name, "$.started_at", brief(began), what, "inconsistent")

    def _artifacts(self, entry: Entry, claimed: dict[str, str]) -> Iterator[Violation]:
        record = entry.record
        if not isinstance(record.outcome, Completed):
            return
        for name, artifact in record.outcome.artifacts.items():
            place = f"line {entry.line}: {json_path(('artifacts', name, 'path'))}"
            if not artifact.path.startswith(f"{record.directory}/"):
                what = f"the job's directory is {record.directory}"
                yield Violation(rundir.JOURNAL, place, artifact.path, what, Kind.OUTSIDE)
            if _PROTOCOL.fullmatch(artifact.path.removeprefix(f"{record.directory}/")):
                what = "a file of every job's own, which is no product of its training"
                yield Violation(rundir.JOURNAL, place, artifact.path, what, "inconsistent")
            if (other := claimed.setdefault(artifact.path, record.label)) != record.label:
                yield Violation(rundir.JOURNAL, place, artifact.path, f"{other} claims it too", "inconsistent")
            yield from read_or_violation(
                artifact.path, self._content(artifact.path, artifact.sha256, artifact.size_bytes)
            )

    def _content(self, path: str, sha256: str, size: int) -> Iterator[Violation]:
        there = self._files.size(path)
        if there != size:
            yield Violation(path, "", f"has {size} bytes", f"{there} bytes", "size")
        elif (digest := self._files.sha256(path)) != sha256:
            yield Violation(path, "", f"has the SHA-256 {sha256}", digest, "digest")


def _at(data: Mapping[str, Any], steps: tuple[str | int, ...]) -> object:
    """What *data* holds at *steps*; ``None`` where it has no such place."""
    found: Any = data
    for step in steps:
        inside = isinstance(found, dict) and step in found
        inside = inside or (isinstance(found, list) and isinstance(step, int) and step < len(found))
        if not inside:
            return None
        found = found[step]
    return found
