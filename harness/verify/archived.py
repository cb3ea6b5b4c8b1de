"""Slim copies of runs: which files were left out, and what that means for a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from harness.contracts import violations
from harness.evidence import Violation
from harness.readers.errors import Kind, ReadError
from harness.readers.text import read_json
from harness.records import Completed
from harness.rundir import ARCHIVE, JOURNAL
from harness.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.readers.paths import Inside, Listing
    from harness.verify.schema import Entry

CONTRACT = "archive"
_KIND = "inconsistent"
_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True)
class Archived:
    """The archive list of a run: what was left out of it, by path; empty for a whole run."""

    left_out: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    found: tuple[Violation, ...] = ()

    @classmethod
    def read(cls, files: Inside) -> Self:
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
        return cls({entry["path"]: entry for entry in entries})

    def check(self, listing: Listing, latest: Iterable[Entry]) -> Iterator[Violation]:
        """Whether the list itself is true: only files of jobs are on it, none is there, and their digests are known."""
        for path in self.left_out:
            if "/" not in path:
                what = "a file of the run itself is never left out"
                yield Violation(ARCHIVE, f"left_out: {path}", "was left out", what, _KIND)
            elif path in listing.files:
                yield Violation(ARCHIVE, f"left_out: {path}", "was left out", "it is there", _KIND)
        for entry in latest:
            if isinstance(entry.record.outcome, Completed):
                yield from self._against(entry, entry.record.outcome)

    def _against(self, entry: Entry, outcome: Completed) -> Iterator[Violation]:
        for name, artifact in outcome.artifacts.items():
            listed = self.left_out.get(artifact.path)
            claimed = {"sha256": artifact.sha256, "size_bytes": artifact.size_bytes}
            for key, value in claimed.items():
                if listed is not None and listed[key] != value:
                    what = f"{JOURNAL} line {entry.line} has {value} for its artifact {name}"
                    yield Violation(ARCHIVE, f"left_out: {artifact.path}: {key}", str(listed[key]), what, _KIND)

    def settle(self, findings: Iterable[Violation | Unchecked], *, accepted: bool) -> Iterator[Violation | Unchecked]:
        """*findings*, in which a file that was left out is unchecked where that is *accepted*, and told once."""
        yield from self.found
        for finding in findings:
            left_out = isinstance(finding, Violation) and finding.kind == Kind.MISSING and finding.file in self.left_out
            if not (left_out and isinstance(finding, Violation)):
                yield finding
            elif accepted:
                size = self.left_out[finding.file]["size_bytes"]
                yield Unchecked(finding.file, f"left out of this archived copy: {size} bytes")
            else:
                yield Violation(
                    finding.file, "", "is there", "left out of an archived copy; allow it with --archived", "left-out"
                )
