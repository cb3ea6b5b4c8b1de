"""Whether every published file says what the journal supports: all of them are made again and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.render import legacy_results, manifest, summary_json
from extractor_flow.run import rundir
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.records import HardwareProfile
from extractor_flow.study.summary import RunIdentity, summarize
from extractor_flow.verify.json_diff import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from extractor_flow.study.flow import Comparison, SupportsCompare
    from extractor_flow.study.records import JobRecord, RunSummary
    from extractor_flow.verify.checks.documents import Documents, Entry
    from extractor_flow.verify.json_diff import Steps

_RECOMPUTED = {"aggregate_metrics", "statistics"}


@dataclass(frozen=True)
class Supported:
    """What the journal supports: the run's summary, and the names of the metrics that the comparison computed."""

    summary: RunSummary
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


def supported(
    records: Iterable[JobRecord], request: Mapping[str, Any], flow: SupportsCompare, found: list[Violation]
) -> Supported | None:
    """The summary that *records* support; ``None`` when the flow cannot compare them, which goes to *found*."""
    told = tuple(records)
    try:
        comparison: Comparison = flow.compare(told, request["config"])
        here = HardwareProfile.from_json(request["hardware"])
        summary = summarize(_identity(request), told, comparison, here)
    except FLOW_ERRORS as error:
        what = f"{type(error).__name__}: {error}"
        found.append(
            Violation(rundir.JOURNAL, "", f"holds records that {flow.name} can compare", brief(what), "inconsistent")
        )
        return None
    names = {name for metrics in comparison.job_metrics.values() for name in metrics}
    return Supported(summary, frozenset(names))


def check_views(documents: Documents, support: Supported, flow: SupportsCompare) -> Iterator[Violation]:
    """The differences of the published JSON files from what *support* makes of them."""
    request = documents.json[rundir.RUN]
    summary = support.summary
    views: dict[str, Callable[[], Any]] = {
        rundir.SUMMARY: lambda: summary_json.to_json(summary, flow.vocabulary),
        rundir.MANIFEST: lambda: manifest.training_manifest(
            summary, selection=request["selection"], dry_run=request["dry_run"], skip_summary_path=rundir.SKIPS
        ),
        rundir.SKIPS: lambda: manifest.skip_summary(summary),
        rundir.HISTORICAL: lambda: legacy_results.complete_results(summary, request["config"]),
    }
    for name, view in views.items():
        if name in documents.json:
            yield from violations(name, view(), documents.json[name], "the journal gives", support.rounded)


def check_against_views(
    latest: Mapping[str, Entry], documents: Documents, flow: SupportsCompare
) -> Iterator[Violation]:
    """Where the manifest and the summary agree with each other and not with the journal, the journal was changed."""
    jobs = documents.json.get(rundir.MANIFEST, {}).get("jobs", [])
    results = documents.json.get(rundir.SUMMARY, {}).get(flow.vocabulary.results_key, [])
    listed = {job["job_key"]: job for job in jobs}
    summarized = {result["job_key"]: result for result in results}
    for key, entry in latest.items():
        told, job, result = entry.record.to_json(), listed.get(key, {}), summarized.get(key, {})
        for name in sorted((job.keys() & result.keys()) - {"metrics", "artifacts"}):
            if job[name] == result[name] != told.get(name):
                place = f"line {entry.line}: $.{name}"
                what = f"{rundir.MANIFEST} and {rundir.SUMMARY} have {brief(job[name])}"
                yield Violation(rundir.JOURNAL, place, brief(told.get(name)), what, "inconsistent")


def _identity(request: Mapping[str, Any]) -> RunIdentity:
    return RunIdentity(
        run_id=request["run_id"],
        flow=request["flow"],
        created_at=request["created_at"],
        output_root=request["output_root"],
        run_directory=request["run_directory"],
        notes=tuple(request["notes"]),
    )
