"""What the page folds away: every job with its log's end, every number, every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import duration, metric_of, number, quantity
from extractor_flow.render.page.failures import link_to
from extractor_flow.render.page.jobs_by_name import seed_text
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.render.page.jobs_by_name import Named
    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import JobRecord, RunSummary


def job_rows(summary: RunSummary, vocabulary: ReportSpec) -> list[dict[str, Any]]:
    """One row a job: what became of it, its headline metric, and why it has none."""
    metric = metric_of(vocabulary.headline, vocabulary)
    return [
        {
            "label": record.label,
            "link": link_to(record),
            "status": record.status,
            "seconds": None if record.duration_seconds is None else duration(record.duration_seconds),
            "headline": _headline(record, vocabulary.headline, metric.decimals),
            "note": _note(record),
        }
        for record in summary.records
    ]


def numbers(named: Sequence[Named], vocabulary: ReportSpec) -> list[dict[str, Any]]:
    """For each name a table with a row a metric and a column a completed job."""
    return [table for each in named if (table := _numbers(each, vocabulary))["rows"]]


def glossary(summary: RunSummary, vocabulary: ReportSpec) -> list[tuple[str, str, str, str | None]]:
    """Each metric of a job and of the run: its key, what it means, its unit, and its value for the run."""
    keys = {key for record in _completed(summary) for key in record[1].metrics} | summary.aggregate_metrics.keys()
    words = {key: metric_of(key, vocabulary) for key in sorted(keys)}
    run = summary.aggregate_metrics
    return [
        (key, metric.title, metric.unit, quantity(run[key], metric) if key in run else None)
        for key, metric in words.items()
    ]


def files(summary: RunSummary) -> list[tuple[str, int, str]]:
    """Path, size and digest of each file that a job left."""
    return [
        (artifact.path, artifact.size_bytes, artifact.sha256)
        for _, outcome in _completed(summary)
        for _, artifact in sorted(outcome.artifacts.items())
    ]


def _completed(summary: RunSummary) -> Iterator[tuple[JobRecord, Completed]]:
    return ((record, record.outcome) for record in summary.records if isinstance(record.outcome, Completed))


def _headline(record: JobRecord, metric: str, decimals: int) -> str | None:
    value = record.outcome.metrics.get(metric) if isinstance(record.outcome, Completed) else None
    return None if value is None else number(value, decimals)


def _note(record: JobRecord) -> str:
    if not isinstance(record.outcome, Completed):
        return record.outcome.reason
    attempt = "" if record.attempt == 1 else f", attempt {record.attempt}"
    return f"{record.outcome.training_steps:,} steps{attempt}"


def _numbers(named: Named, vocabulary: ReportSpec) -> dict[str, Any]:
    done = [(record.seed, record.outcome.metrics) for record in named.records if isinstance(record.outcome, Completed)]
    words = {key: metric_of(key, vocabulary) for key in sorted({key for _, metrics in done for key in metrics})}
    rows = [
        (
            metric.title,
            metric.unit,
            [number(metrics[key], metric.decimals) if key in metrics else None for _, metrics in done],
        )
        for key, metric in words.items()
    ]
    return {"name": named.name, "columns": [seed_text(seed) for seed, _ in done], "rows": rows}
