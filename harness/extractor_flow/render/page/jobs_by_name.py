"""The jobs of a run as the page sees them: by name, with their numbers by seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import metric_of, number
from extractor_flow.study.job_contract import Metric
from extractor_flow.study.page_spec import DURATION, Difference
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import JobRecord, RunSummary

COLOURS = 6
"""The colours that the style sheet has for compared names; from there on they come again."""

_SECONDS = Metric("Seconds a job", "s", 0)
_LONGEST_PLAIN = 1e15
_ROOM = 1.2  # the least a distance between two dots of one row may be, in percent, before the second is moved


@dataclass(frozen=True)
class Named:
    """The jobs of one compared name, in the order of the study."""

    name: str
    colour: int
    records: tuple[JobRecord, ...]

    def values(self, shown: str | Difference) -> dict[int | None, float]:
        """The number *shown* of each completed job that has it, by seed."""
        found = ((record.seed, value_of(record, shown)) for record in self.records)
        return {seed: value for seed, value in found if value is not None}


def by_name(summary: RunSummary) -> list[Named]:
    """The compared names of *summary* in the order of the study."""
    groups: dict[str, list[JobRecord]] = {}
    for record in summary.records:
        groups.setdefault(record.name, []).append(record)
    return [Named(name, place % COLOURS, tuple(records)) for place, (name, records) in enumerate(groups.items())]


def by_environment(summary: RunSummary, named: Sequence[Named]) -> dict[str | None, list[Named]]:
    """*named* by the environment that their statistics state; a study of one states none."""
    stated = {entry["config_name"]: entry["environment"] for entry in summary.statistics if "environment" in entry}
    groups: dict[str | None, list[Named]] = {}
    for each in named:
        groups.setdefault(stated.get(each.name), []).append(each)
    return groups


def value_of(record: JobRecord, shown: str | Difference) -> float | None:
    """The number *shown* of a completed job; ``None`` where there is none."""
    if not isinstance(record.outcome, Completed):
        return None
    metrics = record.outcome.metrics
    if isinstance(shown, Difference):
        known = shown.of in metrics and shown.minus in metrics
        return metrics[shown.of] - metrics[shown.minus] if known else None
    return record.duration_seconds if shown == DURATION else metrics.get(shown)


def words_for(shown: str | Difference, vocabulary: ReportSpec) -> Metric:
    """Title, unit and decimals of the number *shown*."""
    if isinstance(shown, Difference):
        metric = metric_of(shown.of, vocabulary)
        return Metric(shown.title, metric.unit, metric.decimals)
    return _SECONDS if shown == DURATION else metric_of(shown, vocabulary)


def larger_is_better(shown: str | Difference, vocabulary: ReportSpec) -> bool:
    """Whether more of the number *shown* is better, as far as the flow says."""
    if shown == DURATION:
        return False
    key = shown.of if isinstance(shown, Difference) else shown
    return bool(getattr(vocabulary.metrics.get(key), "larger_is_better", True))


def statistics_of(summary: RunSummary, metric: str) -> dict[str, Mapping[str, Any]]:
    """The summary's statistics of *metric*, by name."""
    return {entry["config_name"]: entry for entry in summary.statistics if entry.get("metric") == metric}


def seed_text(seed: int | None) -> str:
    """A seed for display."""
    return "no seed" if seed is None else f"seed {seed}"


def middle(values: Iterable[float], metric: Metric) -> str | None:
    """The median of *values* with decimals and unit; ``None`` without values."""
    known = list(values)
    if not known:
        return None
    value = float(median(known))
    shown = f"{value:z,.{metric.decimals}f}" if abs(value) < _LONGEST_PLAIN else number(value, metric.decimals)
    return f"{shown} {metric.unit}" if metric.unit else shown


def signed(value: float, decimals: int) -> str:
    """*value* with its sign, and a plain zero."""
    shown = number(value, decimals)
    return f"+{shown}" if value > 0 and float(shown) != 0 else shown


def lanes(places: Sequence[float]) -> list[int]:
    """For each of *places*, in percent, the lane (-1, 0 or 1) in which its dot does not hide its neighbour's."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    chosen = dict.fromkeys(order, 0)
    for before, index in pairwise(order):
        if places[index] - places[before] < _ROOM:
            chosen[index] = {0: 1, 1: -1, -1: 0}[chosen[before]]
    return [chosen[index] for index in range(len(places))]
