"""The list of what was left out of a slim copy of a run, and what it means for a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Unchecked, Violation, Why
from extractor_flow.layout import ARCHIVE
from extractor_flow.readers.errors import Kind
from extractor_flow.verify.subject.documents import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.readers.paths import ConfinedDirectory

CONTRACT = "archive"
_REPLACED = "names or secrets were replaced in this copy of it"
_LIMIT = 64 * 1024 * 1024  # a list of some 300,000 files


@dataclass(frozen=True)
class ArchiveList:
    """What was left out of a copy, by path; nothing for a whole run, which has no such list (``is_there``).

    ``largest`` is the size up to which files of jobs were kept. With ``accepted``, whatever was left out is unchecked;
    else it is missed, once. So is what is wrong with the files in which names and secrets were replaced, ``redacted``:
    by the copy's own word, so it is never verified.
    """

    is_there: bool
    left_out: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    wrong: tuple[Violation, ...] = ()
    largest: int = 0
    accepted: bool = False
    redacted: frozenset[str] = frozenset()

    def settle(self, finding: Finding) -> Finding:
        """*finding*, or what it comes to where it is that a file is missing which was left out, or was redacted."""
        if isinstance(finding, Violation) and finding.file in self.redacted and self.accepted:
            what = f"{finding.file}: {finding.path or 'all of it'}"
            return Unchecked(what, _REPLACED, Why.REDACTED, finding.check)
        left_out = isinstance(finding, Violation) and finding.kind == Kind.MISSING and finding.file in self.left_out
        if not left_out or not isinstance(finding, Violation):
            return finding
        if self.accepted:
            return self._unchecked(finding.file)
        what = f"{len(self.left_out)} files were left out of this archived copy; accept that with --archived"
        return Violation(ARCHIVE, "", "the whole run is here", what, "left-out", finding.check)

    def omissions(self) -> Iterator[Unchecked]:
        """Where it is accepted, every file on the list, also one that no check asks for."""
        if self.accepted:
            yield from map(self._unchecked, self.left_out)
            for path in sorted(self.redacted):
                yield Unchecked(path, _REPLACED, Why.REDACTED)

    def _unchecked(self, path: str) -> Unchecked:
        size = self.left_out[path]["size_bytes"]
        return Unchecked(path, f"left out of this archived copy: {size} bytes", Why.LEFT_OUT)


def read_archive_list(files: ConfinedDirectory, *, accepted: bool) -> ArchiveList:
    """The list in *files*, and what is wrong with it."""
    data, wrong = read_document(files, ARCHIVE, CONTRACT, limit=_LIMIT)
    if data is None:
        is_there = any(violation.kind != Kind.MISSING for violation in wrong)
        return ArchiveList(is_there, wrong=wrong if is_there else ())
    left_out = {entry["path"]: entry for entry in data["left_out"]}
    redacted = frozenset(data.get("redacted", {}).get("files", ()))
    repeated = tuple(_repeated(data["left_out"]))
    return ArchiveList(
        is_there=True,
        left_out=left_out,
        wrong=repeated,
        largest=data["largest"],
        accepted=accepted,
        redacted=redacted,
    )


def _repeated(entries: list[Mapping[str, Any]]) -> Iterator[Violation]:
    seen: set[str] = set()
    for entry in entries:
        if entry["path"] in seen:
            yield Violation(ARCHIVE, f"left_out: {entry['path']}", "was left out", "it is listed twice", "inconsistent")
        seen.add(entry["path"])
