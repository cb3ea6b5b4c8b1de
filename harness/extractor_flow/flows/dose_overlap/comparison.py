"""What the cells of a study show together: by dose and by view, over the seeds; pure.

Only completed jobs count. The order of the records changes nothing.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap.conclusion import Trained, conclude
from extractor_flow.flows.dose_overlap.contract import CONTRACT
from extractor_flow.flows.dose_overlap.jobs import cells_of
from extractor_flow.flows.dose_overlap.plan import BASELINE
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Completed, Skipped
from extractor_flow.study.statistics import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.plan import Cell
    from extractor_flow.study.records import JobRecord

_AVERAGED = ("amplitude_psnr", "amplitude_ssim", "phase_psnr")


def compare_records(records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
    """The comparison of *records* under the study's *settings*."""
    cells = cells_of(settings)
    trained = trained_cells(records, cells)
    return Comparison(
        aggregate_metrics=_aggregates(trained, settings["design"]),
        statistics=tuple(
            {"config_name": cell.name, "metric": metric, "seeds": list(seeds), **describe(values).to_json()}
            for metric in CONTRACT.described
            for cell in cells
            for seeds, values in [_values(trained, cell, metric)]
            if values
        ),
        notes=tuple(_notes(records, trained, cells)),
        verdict=conclude(trained),
        skipped_views=tuple(_skipped(records, cells)),
    )


def trained_cells(records: Sequence[JobRecord], cells: Sequence[Cell]) -> list[Trained]:
    """The completed jobs of *records*, in the order of *cells* and of their seeds."""
    by_name = {cell.name: cell for cell in cells}
    trained = [
        Trained(by_name[record.name], record.seed or 0, record.outcome.metrics, _seconds(record.outcome))
        for record in records
        if isinstance(record.outcome, Completed)
    ]
    return sorted(trained, key=lambda job: (cells.index(job.cell), job.seed))


def _seconds(outcome: Completed) -> dict[str, float]:
    """The CPU seconds among a job's details; what is no number is left out."""
    data = outcome.details.get("cpu_seconds")
    return {name: each for name, each in data.items() if isinstance(each, float)} if isinstance(data, dict) else {}


def _aggregates(trained: Sequence[Trained], design: Mapping[str, Any]) -> dict[str, float]:
    """The best of all, and means over the completed jobs of a dose and of a view; none over variants."""
    best = [job.metrics["amplitude_psnr"] for job in trained if "amplitude_psnr" in job.metrics]
    found: dict[str, float] = {"amplitude_psnr": max(best)} if best else {}
    for metric in _AVERAGED:
        for dose in () if design["variants"] else design["doses"]:
            found |= _mean(f"avg_{metric}_dose_{dose}", [job for job in trained if job.cell.dose == dose], metric)
        for view in () if design["variants"] else design["views"]:
            found |= _mean(f"avg_{metric}_{view}", [job for job in trained if job.cell.view == view], metric)
    return found


def _mean(name: str, jobs: Sequence[Trained], metric: str) -> dict[str, float]:
    values = [job.metrics[metric] for job in jobs if metric in job.metrics]
    return {name: fmean(values)} if values else {}


def _values(trained: Sequence[Trained], cell: Cell, metric: str) -> tuple[list[int], list[float]]:
    found = [(job.seed, job.metrics[metric]) for job in trained if job.cell == cell and metric in job.metrics]
    return [seed for seed, _ in found], [value for _, value in found]


def _skipped(records: Sequence[JobRecord], cells: Sequence[Cell]) -> Iterator[dict[str, Json]]:
    """The skips by dose and view, in the order of the study."""
    for cell in cells:
        mine = [record for record in records if record.name == cell.name]
        for record in sorted(mine, key=lambda record: record.seed or 0):
            if isinstance(record.outcome, Skipped):
                seed: dict[str, Json] = {} if record.seed is None else {"seed": record.seed}
                yield {**cell.as_dict(), **seed, "reason": record.outcome.reason}


def _notes(records: Sequence[JobRecord], trained: Sequence[Trained], cells: Sequence[Cell]) -> Iterator[str]:
    skipped = [record.name for record in records if isinstance(record.outcome, Skipped)]
    if skipped and trained:
        yield f"means by dose and by view leave out what was skipped: {', '.join(sorted(set(skipped)))}"
    if any(job.cell.view == BASELINE for job in trained) and len({cell.view for cell in cells}) > 1:
        yield (
            "baseline has every frame of the scan, the other views a part of them: compare coverage and frames before "
            "comparing views"
        )
