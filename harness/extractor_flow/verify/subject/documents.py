"""Reads a run's own files: each is strict JSON under its contract, or what is wrong with it is a violation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from extractor_flow import layout
from extractor_flow.binding.chain import PREVIOUS
from extractor_flow.contracts import summary_schema, violations
from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Violation
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import Torn, read_json, read_json_lines
from extractor_flow.study.records import JobRecord

if TYPE_CHECKING:
    from extractor_flow.files import Json
    from extractor_flow.readers.paths import ConfinedDirectory

CONTRACTS = {
    layout.RUN: "run",
    layout.MANIFEST: "training_manifest",
    layout.SKIPS: "skip_summary",
    layout.HISTORICAL: "complete_results",
}
RECORD_CONTRACT = "job_record"
SUMMARY_CONTRACT = "training_summary"
DEFAULT_RESULTS = "extractor_results"
SMALL = 4 * 1024 * 1024
LARGE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the journal and its line, from 1.

    ``sha256`` is the digest of the line, ``previous`` what it carries as that of the line before.
    """

    line: int
    record: JobRecord
    sha256: str = field(default="", compare=False)
    previous: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Documents:
    """The run's own files that are JSON: the request and the journal, and the published ones for who asks.

    ``wrong_journal`` is what is wrong with the journal, of which ``journal`` has the records.
    """

    files: ConfinedDirectory
    journal: tuple[Entry, ...]
    wrong_journal: tuple[Violation, ...]
    _read: dict[str, tuple[dict[str, Any] | None, tuple[Violation, ...]]] = field(default_factory=dict, repr=False)

    @property
    def complete(self) -> bool:
        """Whether every line of the journal is a record."""
        return not self.wrong_journal

    def get(self, name: str) -> dict[str, Any] | None:
        """The value of the file *name*; ``None`` where it cannot be read or breaks its contract."""
        return self._document(name)[0]

    def wrong(self, name: str) -> tuple[Violation, ...]:
        """What is wrong with the file *name*."""
        return self._document(name)[1]

    def _document(self, name: str) -> tuple[dict[str, Any] | None, tuple[Violation, ...]]:
        """Read once, and only when it is asked for: what is byte for byte as it should be needs no parsing."""
        if name not in self._read:
            self._read[name] = read_document(self.files, name, self._contract(name))
        return self._read[name]

    def _contract(self, name: str) -> str | dict[str, Any]:
        if name != layout.SUMMARY:
            return CONTRACTS[name]
        request = self.get(layout.RUN)
        key = DEFAULT_RESULTS if request is None else request["results_key"]
        return SUMMARY_CONTRACT if key == DEFAULT_RESULTS else summary_schema(key)


def load_documents(files: ConfinedDirectory) -> Documents:
    """The journal of *files*, as far as it can be read, and its other documents."""
    entries: list[Entry] = []
    wrong = _wrong_with_journal(files, entries)
    return Documents(files, tuple(entries), wrong)


def read_document(
    files: ConfinedDirectory, name: str, contract: str | dict[str, Any], *, limit: int = LARGE
) -> tuple[dict[str, Any] | None, tuple[Violation, ...]]:
    """The JSON object in the file *name* if it satisfies *contract* (a name or a schema), and what is wrong with it."""
    try:
        with files.open(name, limit=limit) as stream:
            value = read_json(stream, name, limit=limit)
    except ReadError as error:
        return None, (Violation.refused(name, error),)
    wrong = _against(contract, name, "", value)
    return (value if isinstance(value, dict) and not wrong else None), wrong


def _against(contract: str | dict[str, Any], name: str, place: str, value: Json) -> tuple[Violation, ...]:
    claim = f"satisfies the contract {contract if isinstance(contract, str) else SUMMARY_CONTRACT}"
    return tuple(
        Violation(name, f"{place}{each.path}", claim, each.message, "schema") for each in violations(value, contract)
    )


def _wrong_with_journal(files: ConfinedDirectory, entries: list[Entry]) -> tuple[Violation, ...]:
    """What is wrong with the journal; *entries* gets its records, up to what cannot be read."""
    found: list[Violation] = []
    try:
        with files.open(layout.JOURNAL) as stream:
            for line in read_json_lines(stream, layout.JOURNAL):
                if isinstance(line, Torn):
                    what = f"{len(line.data)} bytes without a line end"
                    place = f"line {line.number}"
                    return (*found, Violation(layout.JOURNAL, place, "is a whole line", what, Kind.TRUNCATED))
                wrong = _against(RECORD_CONTRACT, layout.JOURNAL, f"line {line.number}: ", line.value)
                found += wrong
                if not wrong and isinstance(line.value, dict):
                    previous = cast("str | None", line.value.get(PREVIOUS))  # as the contract says
                    if entries and previous == entries[-1].sha256:
                        previous = entries[-1].sha256  # one text in memory in place of two
                    entries.append(Entry(line.number, record_of(line.value), line.sha256, previous))
    except ReadError as error:
        found.append(Violation.refused(layout.JOURNAL, error))
    return tuple(found)


def record_of(data: dict[str, Any]) -> JobRecord:
    """The record in *data*, which satisfies its contract; a :class:`ReadError` if it is none all the same."""
    try:
        return JobRecord.from_json(data)
    except DataError as error:
        raise ReadError(Kind.NOT_JSON, layout.JOURNAL, str(error)) from error
