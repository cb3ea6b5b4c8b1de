"""Slim copies of runs: which files were left out, and what that means for a verdict."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.contracts import violations
from extractor_flow.evidence.findings import Violation
from extractor_flow.files import dumps
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import read_json
from extractor_flow.run.rundir import ARCHIVE, FIGURES, JOURNAL
from extractor_flow.study.records import Completed
from extractor_flow.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from extractor_flow.files import Json
    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.verify.checks.documents import Entry
    from extractor_flow.verify.checks.matrix import Matrix

CONTRACT = "archive"
_KIND = "inconsistent"
_LIMIT = 64 * 1024 * 1024
_PROTOCOL = re.compile(r"(?:job|result|attempt-[0-9]+)\.json")


@dataclass(frozen=True)
class Archived:
    """The archive list of a run: what was left out of it, by path; empty for a whole run.

    ``largest`` is the size up to which files of jobs were kept; copies of before it was recorded do not say.
    """

    left_out: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    found: tuple[Violation, ...] = ()
    largest: int | None = None

    @classmethod
    def read(cls, files: ConfinedDirectory) -> Self:
        """The list in *files*, and what is wrong with it."""
        try:
            with files.open(ARCHIVE, limit=_LIMIT) as stream:
                data = read_json(stream, ARCHIVE, limit=_LIMIT)
        except ReadError as error:
            return cls() if error.kind == Kind.MISSING else cls(found=(Violation.refused(ARCHIVE, error),))
        wrong = violations(data, CONTRACT)
        found = tuple(
            Violation(ARCHIVE, each.path, f"satisfies the contract {CONTRACT}", each.message, "schema")
            for each in wrong
        )
        if found or not isinstance(data, dict):
            return cls(found=found)
        entries: Any = data["left_out"]
        largest: Any = data.get("largest")
        return cls({entry["path"]: entry for entry in entries}, tuple(_repeated(entries)), largest)

    def check(self, listing: Listing, latest: Iterable[Entry], matrix: Matrix, *, shared: bool) -> Iterator[Violation]:
        """Whether the list itself is true: large files of jobs are on it, none is there, and their digests are known.

        *shared* says that the run's flow may leave files that jobs share anywhere in the run.
        """
        entries = tuple(latest)
        jobs = None if shared else matrix.directories | {entry.record.directory for entry in entries}
        limit = self._limit(listing)
        for path, left_out in self.left_out.items():
            if problem := self._problem(path, listing, jobs):
                yield Violation(ARCHIVE, f"left_out: {path}", "was left out", problem, _KIND)
            elif left_out["size_bytes"] <= limit:
                what = f"files of up to {limit} bytes were kept"
                yield Violation(ARCHIVE, f"left_out: {path}: size_bytes", str(left_out["size_bytes"]), what, _KIND)
        for entry in entries:
            if isinstance(entry.record.outcome, Completed):
                yield from self._against(entry, entry.record.outcome)
            yield from self._against_protocol(entry, matrix)

    def _limit(self, listing: Listing) -> int:
        """The size up to which files were kept: at least that of the largest that is there for its size alone."""
        sizes = [size for path, size in listing.files.items() if not self._is_always_kept(path)]
        return max([self.largest or 0, *sizes])

    def _is_always_kept(self, path: str) -> bool:
        *folders, name = path.split("/")
        if not folders or folders[0] == FIGURES or name.startswith("."):
            return True
        # Copies of before the size was recorded left out any file of a job above it.
        return self.largest is not None and _PROTOCOL.fullmatch(name) is not None

    def _problem(self, path: str, listing: Listing, jobs: frozenset[str] | None) -> str | None:
        if "/" not in path:
            return "a file of the run itself is never left out"
        if self._is_always_kept(path):
            return "such a file is never left out"
        if path in listing.files:
            return "it is there"
        if jobs is not None and not any(path.startswith(f"{job}/") for job in jobs):
            return "it lies in the directory of no job"
        return None

    def _against(self, entry: Entry, outcome: Completed) -> Iterator[Violation]:
        for name, artifact in outcome.artifacts.items():
            listed = self.left_out.get(artifact.path)
            claimed = {"sha256": artifact.sha256, "size_bytes": artifact.size_bytes}
            for key, value in claimed.items():
                if listed is not None and listed[key] != value:
                    what = f"{JOURNAL} line {entry.line} has {value} for its artifact {name}"
                    yield Violation(ARCHIVE, f"left_out: {artifact.path}: {key}", str(listed[key]), what, _KIND)

    def _against_protocol(self, entry: Entry, matrix: Matrix) -> Iterator[Violation]:
        """The orders and results that older copies left out are those that the study and the journal give."""
        record = entry.record
        job = matrix.jobs.get(record.job_key)
        given: dict[str, dict[str, Json]] = {} if job is None else {"job.json": job.to_json()}
        if record.end_time is not None:
            given["result.json"] = record.to_json()
        for name, data in given.items():
            path = f"{record.directory}/{name}"
            digest = hashlib.sha256(dumps(data).encode("utf-8")).hexdigest()
            if path in self.left_out and self.left_out[path]["sha256"] != digest:
                claim, what = str(self.left_out[path]["sha256"]), f"the run gives a file with {digest}"
                yield Violation(ARCHIVE, f"left_out: {path}: sha256", claim, what, _KIND)

    def settle(self, findings: Iterable[Violation | Unchecked], *, accepted: bool) -> Iterator[Violation | Unchecked]:
        """*findings*, in which a file that was left out is unchecked where that is *accepted*, and told once.

        Where it is accepted, every file on the list is told, also one that no check asks for.
        """
        yield from self.found
        for finding in findings:
            left_out = isinstance(finding, Violation) and finding.kind == Kind.MISSING and finding.file in self.left_out
            if not (left_out and isinstance(finding, Violation)):
                yield finding
            elif accepted:
                yield self._unchecked(finding.file)
            else:
                yield Violation(
                    finding.file, "", "is there", "left out of an archived copy; allow it with --archived", "left-out"
                )
        if accepted:
            yield from map(self._unchecked, self.left_out)

    def _unchecked(self, path: str) -> Unchecked:
        return Unchecked(path, f"left out of this archived copy: {self.left_out[path]['size_bytes']} bytes")


def _repeated(entries: Iterable[Mapping[str, Any]]) -> Iterator[Violation]:
    seen: set[str] = set()
    for entry in entries:
        if entry["path"] in seen:
            yield Violation(ARCHIVE, f"left_out: {entry['path']}", "was left out", "it is listed twice", _KIND)
        seen.add(entry["path"])
