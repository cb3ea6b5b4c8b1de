"""Reads a run's own files: each is strict JSON under its contract, or what is wrong with it is a violation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import summary_schema, violations
from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Violation, read_or_violation
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import Torn, read_json, read_json_lines, read_text
from extractor_flow.run import rundir
from extractor_flow.study.records import JobRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.readers.paths import ConfinedDirectory

CONTRACTS = {
    rundir.RUN: "run",
    rundir.MANIFEST: "training_manifest",
    rundir.SKIPS: "skip_summary",
    rundir.HISTORICAL: "complete_results",
}
TEXTS = (rundir.MARKDOWN, rundir.PAGE)
RECORD_CONTRACT = "job_record"
SUMMARY_CONTRACT = "training_summary"
DEFAULT_RESULTS = "extractor_results"
SMALL = 4 * 1024 * 1024
LARGE = 256 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """A record of the journal and its line, from 1."""

    line: int
    record: JobRecord


@dataclass(frozen=True)
class Documents:
    """What could be read and satisfies its contract: run-level JSON by file name, texts likewise, and the journal.

    ``complete`` says whether every line of the journal is a record.
    """

    json: Mapping[str, dict[str, Any]]
    texts: Mapping[str, str]
    journal: tuple[Entry, ...]
    complete: bool


class Loading:
    """Loads the documents of a run; ``found`` collects what is wrong with them."""

    def __init__(self, files: ConfinedDirectory) -> None:
        self._files = files
        self.found: list[Violation] = []

    def documents(self) -> Documents:
        """All that can be read."""
        loaded = {name: self.json(name, contract) for name, contract in CONTRACTS.items()}
        request = loaded[rundir.RUN]
        key = DEFAULT_RESULTS if request is None else request["results_key"]
        contract = SUMMARY_CONTRACT if key == DEFAULT_RESULTS else summary_schema(key)
        loaded[rundir.SUMMARY] = self.json(rundir.SUMMARY, contract)
        texts = {name: text for name in TEXTS if (text := self._text(name)) is not None}
        entries, complete = self._journal()
        there = {name: value for name, value in loaded.items() if value is not None}
        return Documents(there, texts, entries, complete)

    def json(self, name: str, contract: str | dict[str, Any], *, limit: int = LARGE) -> dict[str, Any] | None:
        """The JSON object in the file *name* when it satisfies *contract*, a contract's name or a schema."""
        try:
            with self._files.open(name, limit=limit) as stream:
                value = read_json(stream, name, limit=limit)
        except ReadError as error:
            self.found.append(Violation.refused(name, error))
            return None
        wrong = violations(value, contract)
        claim = f"satisfies the contract {contract if isinstance(contract, str) else SUMMARY_CONTRACT}"
        self.found += [Violation(name, each.path, claim, each.message, "schema") for each in wrong]
        return value if isinstance(value, dict) and not wrong else None

    def _text(self, name: str) -> str | None:
        try:
            with self._files.open(name, limit=LARGE) as stream:
                return read_text(stream, name, limit=LARGE)
        except ReadError as error:
            self.found.append(Violation.refused(name, error))
            return None

    def _journal(self) -> tuple[tuple[Entry, ...], bool]:
        entries: list[Entry] = []
        before = len(self.found)
        self.found += read_or_violation(rundir.JOURNAL, self._read_journal(entries))
        return tuple(entries), len(self.found) == before

    def _read_journal(self, entries: list[Entry]) -> Iterator[Violation]:
        with self._files.open(rundir.JOURNAL) as stream:
            for line in read_json_lines(stream, rundir.JOURNAL):
                if isinstance(line, Torn):
                    what = f"{len(line.data)} bytes without a line end"
                    yield Violation(rundir.JOURNAL, f"line {line.number}", "is a whole line", what, Kind.TRUNCATED)
                    return
                wrong = violations(line.value, RECORD_CONTRACT)
                for each in wrong:
                    claim = f"satisfies the contract {RECORD_CONTRACT}"
                    yield Violation(rundir.JOURNAL, f"line {line.number}: {each.path}", claim, each.message, "schema")
                if not wrong and isinstance(line.value, dict):
                    entries.append(Entry(line.number, record_of(line.value)))


def record_of(data: dict[str, Any]) -> JobRecord:
    """The record in *data*, which satisfies its contract; a :class:`ReadError` if it is none all the same."""
    try:
        return JobRecord.from_json(data)
    except DataError as error:
        raise ReadError(Kind.NOT_JSON, rundir.JOURNAL, str(error)) from error
