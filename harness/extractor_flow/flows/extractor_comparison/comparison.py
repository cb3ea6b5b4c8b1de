"""What the jobs of a comparison say together: sample efficiency against the baseline, and statistics over seeds; pure.

Only completed jobs count. Two extractors are compared seed by seed: with the same seed they were evaluated on the same
episodes. The order of the records changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.flows.extractor_comparison.repeatability import limits_of
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import describe, probability_of_improvement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord

ENOUGH_SEEDS = 4
"""With fewer seeds an interval over them says next to nothing, and trimming removes nothing."""


@dataclass(frozen=True)
class Trained:
    """A completed job, as the comparison sees it."""

    name: str
    seed: int
    key: str
    metrics: Mapping[str, float]
    curve: Curve


def compare_records(records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
    """The comparison of *records* under the study's *settings*."""
    run = settings["run"]
    names = [entry["name"] for entry in settings["extractors"]]
    trained = sorted(_trained(records), key=lambda job: (names.index(job.name), job.seed))
    baseline = {job.seed: job for job in trained if job.name == run["baseline_extractor"]}
    ratios = _efficiency_ratios(trained, baseline, run["convergence_fraction"])
    return Comparison(
        aggregate_metrics=_aggregates(trained, ratios) | _baseline_aggregates(baseline, run["convergence_fraction"]),
        job_metrics={key: {"sample_efficiency_ratio": ratio} for key, ratio in ratios.items()},
        statistics=tuple(
            _statistics(name, metric, trained, run["baseline_extractor"])
            for metric in CONTRACT.described
            for name in _present(names, trained)
        ),
        notes=(*_notes(names, trained, run["baseline_extractor"]), *limits_of(records)),
    )


def sample_efficiency_ratio(curve: Curve, baseline: Curve, fraction: float) -> float | None:
    """How many times fewer steps *curve* needs than *baseline* to reach the reward at which the baseline has converged.

    ``None`` where that is undefined: the baseline gained nothing, or *curve* never gets there, or was there untrained.
    """
    target = baseline.target(fraction)
    if target is None:
        return None
    needed, reference = curve.reaches(target), baseline.reaches(target)
    return reference / needed if needed and reference else None


def _trained(records: Iterable[JobRecord]) -> list[Trained]:
    return [
        Trained(
            name=record.name,
            seed=record.seed or 0,
            key=record.job_key,
            metrics=record.outcome.metrics,
            curve=Curve.from_json(record.outcome.details["curve"]),
        )
        for record in records
        if isinstance(record.outcome, Completed)
    ]


def _efficiency_ratios(
    trained: Iterable[Trained], baseline: Mapping[int, Trained], fraction: float
) -> dict[str, float]:
    pairs = [(job, baseline[job.seed]) for job in trained if job.seed in baseline]
    ratios = {job.key: sample_efficiency_ratio(job.curve, reference.curve, fraction) for job, reference in pairs}
    return {key: ratio for key, ratio in ratios.items() if ratio is not None}


def _aggregates(trained: Sequence[Trained], ratios: Mapping[str, float]) -> dict[str, float]:
    """Over single jobs: every completed one counts once, the baseline's with its ratio of 1."""
    best = [job.metrics["best_mean_reward"] for job in trained]
    converged = [job.metrics["convergence_timestep"] for job in trained if "convergence_timestep" in job.metrics]
    return {
        **({"best_mean_reward": max(best)} if best else {}),
        **_average_and_median("convergence_timestep", converged),
        **_average_and_median("sample_efficiency_ratio", list(ratios.values())),
    }


def _baseline_aggregates(baseline: Mapping[int, Trained], fraction: float) -> dict[str, float]:
    """The means over the baseline's seeds."""
    curves = [job.curve for job in baseline.values()]
    found: dict[str, list[float | None]] = {
        "baseline_target_reward": [curve.target(fraction) for curve in curves],
        "baseline_convergence_timestep": [curve.convergence_timestep(fraction) for curve in curves],
    }
    defined = {name: [value for value in values if value is not None] for name, values in found.items()}
    return {name: fmean(values) for name, values in defined.items() if values}


def _average_and_median(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"avg_{name}": fmean(values), f"median_{name}": float(median(values))} if values else {}


def _statistics(name: str, metric: str, trained: Sequence[Trained], baseline: str | None) -> dict[str, Json]:
    """One metric of one extractor over its seeds, and how often it is better than the baseline's."""
    mine = [job for job in trained if job.name == name]
    values = [job.metrics[metric] for job in mine]
    theirs = [job.metrics[metric] for job in trained if job.name == baseline]
    compared: dict[str, Json] = {}
    spec = CONTRACT.metrics[metric]
    if theirs and name != baseline and spec.compared:
        better, worse = (values, theirs) if spec.larger_is_better else (theirs, values)
        compared = {"baseline": baseline, "probability_of_improvement": probability_of_improvement(better, worse)}
    return {
        "config_name": name,
        "metric": metric,
        "seeds": [job.seed for job in mine],
        **describe(values).to_json(),
        **compared,
    }


def _notes(names: Sequence[str], trained: Sequence[Trained], baseline: str | None) -> Iterable[str]:
    present = _present(names, trained)
    few = [name for name in present if sum(job.name == name for job in trained) < ENOUGH_SEEDS]
    if few and len(present) > 1:
        yield (
            f"insufficient seeds: fewer than {ENOUGH_SEEDS} of {', '.join(few)} completed; "
            "differences between extractors may be chance, and no winner is declared"
        )
    if baseline is not None and baseline not in present:
        yield f"no job of the baseline {baseline} completed: there is no sample efficiency"


def _present(names: Sequence[str], trained: Sequence[Trained]) -> list[str]:
    completed = {job.name for job in trained}
    return [name for name in names if name in completed]
