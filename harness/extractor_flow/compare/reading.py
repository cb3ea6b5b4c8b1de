"""Reads a run for a comparison, as a stranger's: its request and the last record of each job, in bounded amounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.errors import RunDirectoryError
from extractor_flow.readers.errors import one_line
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.registry import find_flow
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.records import Completed
from extractor_flow.verify.subject.documents import load_documents
from extractor_flow.verify.subject.support import latest_records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from extractor_flow.study.flow import Flow
    from extractor_flow.study.records import JobRecord


@dataclass(frozen=True)
class ComparedRun:
    """A run as it describes itself: nothing is verified here."""

    place: str
    request: Mapping[str, Any]
    records: tuple[JobRecord, ...]
    flow: Flow

    def scores(self, metric: str) -> dict[str, dict[int, float]]:
        """The completed jobs' values of *metric*, by name and seed."""
        found: dict[str, dict[int, float]] = {}
        for record in self.records:
            if isinstance(record.outcome, Completed) and metric in record.outcome.metrics:
                found.setdefault(record.name, {})[record.seed or 0] = record.outcome.metrics[metric]
        return found


def read_run(directory: Path) -> ComparedRun:
    """The run in *directory*; :class:`RunDirectoryError` with exit code 2 when there is none that can be read."""
    documents = load_documents(ConfinedDirectory(RunDirectory.open(directory).path))
    request = documents.get(layout.RUN)
    for violation in (*documents.wrong(layout.RUN), *documents.wrong_journal):
        place = f"{directory / violation.file}: {violation.path}: {violation.claim}: {violation.found}"
        raise RunDirectoryError(one_line(f"{place}; expected a run directory"), exit_code=2)
    if request is None:
        msg = f"{directory / layout.RUN}: cannot be used; expected a run directory"
        raise RunDirectoryError(one_line(msg), exit_code=2)
    records = tuple(entry.record for entry in latest_records(documents.journal, request).values())
    return ComparedRun(one_line(str(directory)), request, records, find_flow(request["flow"]))
