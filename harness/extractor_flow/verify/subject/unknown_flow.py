"""A run whose flow is not installed: what it says of its own comparison is believed, all the rest is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.study.flow import Comparison, ReportSpec
from extractor_flow.study.summary import core_aggregates
from extractor_flow.study.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.subject.documents import Documents


class UninstalledFlow:
    """Stands for a flow of which only its published files are known; a :class:`SupportsCompare`.

    Its comparison is what ``summary.json`` adds to the journal: metrics that a job's record does not have, aggregates
    other than the counts, statistics, notes and the verdict. So the counts, statuses, metrics, artifacts and reasons
    of the published files can be compared with the journal, and the files with one another.
    """

    def __init__(self, documents: Documents) -> None:
        request = documents.get(layout.RUN) or {"notes": (), "flow": "", "results_key": ""}
        self._summary = documents.get(layout.SUMMARY) or {}
        self._notes = len(request["notes"])
        self.name: str = request["flow"]
        self.vocabulary = ReportSpec("", "", request["results_key"], "", "", {})

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:  # noqa: ARG002
        """What the summary adds to *records*."""
        told = {record.job_key: record.to_json().get("metrics", {}) for record in records}
        results = self._summary.get(self.vocabulary.results_key, [])
        counted = core_aggregates(records).keys()
        return Comparison(
            aggregate_metrics=_added(self._summary.get("aggregate_metrics", {}), counted),
            job_metrics={
                result["job_key"]: _added(result.get("metrics", {}), told.get(result["job_key"], ()))
                for result in results
            },
            statistics=tuple(self._summary.get("statistics", ())),
            notes=tuple(self._summary.get("notes", ())[self._notes :]),
            verdict=Verdict.from_json(self._summary["verdict"]) if "verdict" in self._summary else None,
        )


def _added(found: Mapping[str, Any], known: Any) -> dict[str, Any]:  # noqa: ANN401 - any container of names
    return {name: value for name, value in found.items() if name not in known}
