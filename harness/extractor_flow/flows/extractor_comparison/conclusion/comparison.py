"""What the jobs of a comparison show together: sample efficiency against the baseline, and statistics over seeds; pure.

Only completed jobs count. Two extractors are compared seed by seed: with the same seed they were evaluated on the same
episodes. The order of the records changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.extractor_comparison.conclusion.verdict import Scores, conclude
from extractor_flow.flows.extractor_comparison.contract import ADDED, CONTRACT, HEADLINE
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.flows.extractor_comparison.repeatability import limits_of
from extractor_flow.study.flow import Comparison
from extractor_flow.study.job_contract import MetricSpec
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import FEWEST_SEEDS, Paired, against, describe, restricted_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord

AREA = "area_under_curve"
STEPS_TO_TARGET = "steps_to_target"
_EPISODES, _SPREAD = "held_out_episodes", "held_out_std_reward"
_LARGE = 1e150  # the squares of larger numbers leave the range of a double


@dataclass(frozen=True)
class Trained:
    """A completed job, as the comparison sees it."""

    name: str
    seed: int
    key: str
    metrics: Mapping[str, float]
    curve: Curve


@dataclass(frozen=True)
class Arrival:
    """When a job first had the reward at which the baseline of its seed has converged; ``step`` is ``None`` if never.

    ``reference`` is when the baseline had it, ``horizon`` where the job ended.
    """

    step: int | None
    reference: int
    horizon: int

    @property
    def ratio(self) -> float | None:
        """How many times fewer steps than the baseline it took; ``None`` for one that never arrived or began there."""
        return self.reference / self.step if self.step and self.reference else None

    @property
    def restricted(self) -> int:
        """The step, or the end of a job that never arrived: it would have been later."""
        return self.horizon if self.step is None else self.step


def compare_records(records: Sequence[JobRecord], settings: Mapping[str, Any], families: int = 1) -> Comparison:
    """The comparison of *records* under the study's *settings*, its tests corrected for the number of *families*."""
    run = settings["run"]
    names = [entry["name"] for entry in settings["extractors"]]
    trained = sorted(_trained(records), key=lambda job: (names.index(job.name), job.seed))
    baseline = {job.seed: job for job in trained if job.name == run["baseline_extractor"]}
    arrivals = _arrivals(trained, baseline, run["convergence_fraction"])
    scores = Scores(CONTRACT.metrics[HEADLINE], _by_name(trained, HEADLINE), run["baseline_extractor"], families)
    return Comparison(
        aggregate_metrics=_aggregates(trained, baseline, arrivals)
        | _baseline_aggregates(baseline, run["convergence_fraction"]),
        job_metrics=_job_metrics(trained, arrivals),
        statistics=tuple(_statistics(trained, arrivals, run["baseline_extractor"], families)),
        notes=(*_notes(names, trained, run["baseline_extractor"]), *limits_of(records)),
        verdict=conclude(
            scores, settings, len(records) - len(trained), (*limits_of(records), *_chance_of_episodes(trained))
        ),
    )


def _trained(records: Iterable[JobRecord]) -> list[Trained]:
    return [
        Trained(
            name=record.name,
            seed=record.seed or 0,
            key=record.job_key,
            metrics=_with_area(record.outcome.metrics, Curve.from_json(record.outcome.details["curve"])),
            curve=Curve.from_json(record.outcome.details["curve"]),
        )
        for record in records
        if isinstance(record.outcome, Completed)
    ]


def _with_area(metrics: Mapping[str, float], curve: Curve) -> dict[str, float]:
    area = curve.mean_height
    return dict(metrics) if area is None else {**metrics, AREA: area}


def _chance_of_episodes(trained: Sequence[Trained]) -> Iterator[str]:
    """How much of the variance between seeds is chance in the held-out episodes, which are others for each seed.

    The variance of a mean of n episodes is estimated by their population variance / (n - 1). Said where there are
    seeds enough for an interval.
    """
    shares: dict[str, float] = {}
    for name, scores in _by_name(trained, HEADLINE).items():
        played = [job.metrics for job in trained if job.name == name and job.metrics.get(_EPISODES, 0) > 1]
        if len(played) < FEWEST_SEEDS or max(map(abs, scores.values())) > _LARGE:
            continue
        if between := variance(scores.values()):
            lucky = fmean(each[_SPREAD] * each[_SPREAD] / (each[_EPISODES] - 1) for each in played)
            shares[name] = min(1.0, lucky / between)
    if shares:
        each_share = ", ".join(f"{share:.0%} ({name})" for name, share in shares.items())
        yield (
            f"Chance in the held-out episodes accounts for this share of the variance between seeds: {each_share}. "
            "A larger run.final_eval_episodes reduces it; more seeds help against all of the variance."
        )


def arrival_of(curve: Curve, baseline: Curve, fraction: float) -> Arrival | None:
    """When *curve* has the reward at which *baseline* has converged; ``None`` if the baseline gained nothing."""
    target = baseline.target(fraction)
    reference = None if target is None else baseline.reaches(target)
    if target is None or reference is None:
        return None
    return Arrival(curve.reaches(target), reference, curve.timesteps[-1])


def _arrivals(trained: Iterable[Trained], baseline: Mapping[int, Trained], fraction: float) -> dict[str, Arrival]:
    """By job key, for the seeds whose baseline gained something."""
    found = {
        job.key: arrival_of(job.curve, baseline[job.seed].curve, fraction) for job in trained if job.seed in baseline
    }
    return {key: arrival for key, arrival in found.items() if arrival is not None}


def _job_metrics(trained: Sequence[Trained], arrivals: Mapping[str, Arrival]) -> dict[str, dict[str, float]]:
    """What is added to single jobs; a job that never arrived, or was there untrained, has no efficiency."""
    added: dict[str, dict[str, float]] = {job.key: {} for job in trained}
    for job in trained:
        added[job.key] |= {name: job.metrics[name] for name in (AREA,) if name in job.metrics}
        ratio = arrivals[job.key].ratio if job.key in arrivals else None
        added[job.key] |= {} if ratio is None else {"sample_efficiency_ratio": ratio}
    return {key: metrics for key, metrics in added.items() if metrics}


def _aggregates(
    trained: Sequence[Trained], baseline: Mapping[int, Trained], arrivals: Mapping[str, Arrival]
) -> dict[str, float]:
    """Over single jobs. The efficiencies leave out the baseline's own, and count who never arrived at the end."""
    best = [job.metrics["best_mean_reward"] for job in trained]
    converged = [job.metrics["convergence_timestep"] for job in trained if "convergence_timestep" in job.metrics]
    own = {job.key for job in baseline.values()}
    ratios = [
        arrival.reference / arrival.restricted
        for key, arrival in arrivals.items()
        if key not in own and arrival.reference and arrival.restricted
    ]
    return {
        **({"best_mean_reward": max(best)} if best else {}),
        **_average_and_median("convergence_timestep", converged),
        **_average_and_median("sample_efficiency_ratio", ratios),
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


def _statistics(
    trained: Sequence[Trained], arrivals: Mapping[str, Arrival], baseline: str | None, families: int
) -> Iterator[dict[str, Json]]:
    """Each described metric of each extractor over its seeds, and seed by seed against the baseline's."""
    specs = {**CONTRACT.metrics, **{key: spec for key, spec in ADDED.items() if isinstance(spec, MetricSpec)}}
    for metric, spec in specs.items():
        if not spec.described:
            continue
        steps = metric == STEPS_TO_TARGET
        scores = _restricted(trained, arrivals) if steps else _by_name(trained, metric)
        better = spec.larger_is_better
        compared = against(baseline, scores, larger_is_better=better, families=families).others if baseline else {}
        for name, values in scores.items():
            yield {
                "config_name": name,
                "metric": metric,
                "seeds": list(values),
                **describe(list(values.values())).to_json(),
                **(_censored(trained, arrivals, name) if steps else {}),
                **(_paired(baseline, compared[name]) if spec.compared and name in compared else {}),
            }


def _paired(baseline: str | None, paired: Paired) -> dict[str, Json]:
    return {"baseline": baseline, "probability_of_improvement": paired.probability, "paired": paired.to_json()}


def _by_name(trained: Iterable[Trained], metric: str) -> dict[str, dict[int, float]]:
    """The values of *metric*, by extractor and seed; no extractor without one."""
    found: dict[str, dict[int, float]] = {}
    for job in trained:
        if metric in job.metrics:
            found.setdefault(job.name, {})[job.seed] = job.metrics[metric]
    return found


def _restricted(trained: Iterable[Trained], arrivals: Mapping[str, Arrival]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for job in trained:
        if job.key in arrivals:
            found.setdefault(job.name, {})[job.seed] = float(arrivals[job.key].restricted)
    return found


def _censored(trained: Iterable[Trained], arrivals: Mapping[str, Arrival], name: str) -> dict[str, Json]:
    """Which seeds never arrived, and the mean number of steps up to the end of the budget."""
    found = {job.seed: arrivals[job.key] for job in trained if job.name == name and job.key in arrivals}
    horizon = max(arrival.horizon for arrival in found.values())
    return {
        "censored": [seed for seed, arrival in found.items() if arrival.step is None],
        "restricted_mean": restricted_mean([arrival.step for arrival in found.values()], horizon),
    }


def _notes(names: Sequence[str], trained: Sequence[Trained], baseline: str | None) -> Iterator[str]:
    present = {job.name for job in trained}
    if baseline is not None and baseline not in present and present & set(names):
        yield f"no job of the baseline {baseline} completed: there is no sample efficiency"
