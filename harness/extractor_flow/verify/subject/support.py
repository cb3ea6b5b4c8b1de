"""What a run's journal supports: the summary that the published files are views of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.run.publish import summary_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extractor_flow.study.flow import ReportSpec, SupportsCompare
    from extractor_flow.study.records import JobRecord, RunSummary
    from extractor_flow.verify.json_diff import Steps
    from extractor_flow.verify.subject.documents import Entry

_RECOMPUTED = {"aggregate_metrics", "statistics"}


@dataclass(frozen=True)
class Supported:
    """What the journal supports: the run's summary, its flow's *words*, and the metrics that it computed."""

    summary: RunSummary
    words: ReportSpec
    compared: frozenset[str]

    def rounded(self, steps: Steps) -> bool:
        """Whether the number at *steps* of a published file was computed from others: its last bits may differ."""
        if steps[:1] and steps[0] in _RECOMPUTED:
            return True
        return steps[-2:-1] == ("metrics",) and steps[-1] in self.compared


def latest_records(entries: Iterable[Entry], request: Mapping[str, Any]) -> dict[str, Entry]:
    """The last entry of each job, by job key, in the order of the study."""
    latest = {entry.record.job_key: entry for entry in entries}
    order = {job["job_key"]: position for position, job in enumerate(request["jobs"])}
    keys = sorted(latest, key=lambda key: order.get(key, len(order)))
    return {key: latest[key] for key in keys}


def supported(records: Iterable[JobRecord], request: Mapping[str, Any], flow: SupportsCompare) -> Supported:
    """The summary that *records* support; raises what *flow* raises when it cannot compare them."""
    latest = tuple(records)
    comparison = flow.compare(latest, request["config"])
    names = {name for metrics in comparison.job_metrics.values() for name in metrics}
    return Supported(summary_of(request, latest, comparison), flow.vocabulary, frozenset(names))
