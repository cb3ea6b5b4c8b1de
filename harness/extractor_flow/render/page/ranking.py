"""The ranking: each compared name with its seeds, its centre with an interval, and the gain over a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import number, quantity
from extractor_flow.render.page.axis import Axis
from extractor_flow.render.page.jobs_by_name import (
    Named,
    by_environment,
    lanes,
    larger_is_better,
    seed_text,
    signed,
    statistics_of,
    words_for,
)
from extractor_flow.study.statistics import CONFIDENCE, RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.job_contract import Metric
    from extractor_flow.study.records import RunSummary

SHOWN = 12
"""So many rows of a ranking, and panels of curves, are shown before the rest is folded."""

MOST_SEEDS = 12
"""With more seeds the table seed by seed has no column for each."""

_SHADES = 5


@dataclass(frozen=True)
class Gain:
    """One name against the baseline, seed by seed.

    ``distinct`` says whether the summary tells the two apart; ``None`` where it does not say.
    """

    by_seed: Mapping[int | None, float]
    won: int
    distinct: bool | None

    @property
    def middle(self) -> float:
        """The median over the seeds."""
        return float(median(self.by_seed.values()))


@dataclass(frozen=True)
class Ranked:
    """One row: a name with what is known of it under one metric."""

    named: Named
    values: Mapping[int | None, float]
    entry: Mapping[str, Any]
    gain: Gain | None
    is_baseline: bool

    @property
    def centre(self) -> float:
        """The centre that the summary states; the median of the values where it states none."""
        return float(self.entry.get("centre", median(self.values.values())))


def rankings(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named]) -> list[dict[str, Any]]:
    """One ranking for the headline metric and for each further one that a job has; best first."""
    metrics = dict.fromkeys((vocabulary.headline, *vocabulary.page.ranked))
    groups = by_environment(summary, named)
    made = (
        (each, _ranking(summary, vocabulary, among, metric)) for each, among in groups.items() for metric in metrics
    )
    return [
        {**ranking, "title": f"{each}: {ranking['title']}" if each and len(groups) > 1 else ranking["title"]}
        for each, ranking in made
        if ranking is not None
    ]


def ranked(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named], metric: str) -> list[Ranked]:
    """The names that have *metric*, best first."""
    entries = statistics_of(summary, metric)
    baseline = baseline_of(summary, named)
    values = {each.name: each.values(metric) for each in named}
    up = larger_is_better(metric, vocabulary)

    def pairs(name: str) -> dict[int | None, float]:
        theirs = values.get(baseline or "", {})
        return {seed: value - theirs[seed] for seed, value in values[name].items() if seed in theirs}

    rows = [
        Ranked(
            each,
            values[each.name],
            entries.get(each.name, {}),
            None if each.name == baseline else _gain(entries.get(each.name, {}), pairs(each.name), up=up),
            each.name == baseline,
        )
        for each in named
        if values[each.name]
    ]
    return sorted(rows, key=lambda row: row.centre, reverse=up)


def baseline_of(summary: RunSummary, named: Sequence[Named]) -> str | None:
    """What the summary's statistics compare the others of *named* with; ``None`` where they compare none."""
    names = {each.name for each in named}
    entries = (entry for entry in summary.statistics if "baseline" in entry and entry["config_name"] in names)
    return next((str(entry["baseline"]) for entry in entries), None)


def _gain(entry: Mapping[str, Any], by_seed: Mapping[int | None, float], *, up: bool) -> Gain | None:
    if not by_seed:
        return None
    won = sum((difference > 0) == up for difference in by_seed.values() if difference)
    return Gain(by_seed, won, entry.get("paired", {}).get("distinct"))


def _ranking(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named], metric: str) -> dict[str, Any] | None:
    rows = ranked(summary, vocabulary, named, metric)
    axis = Axis.of(_reach(rows))
    if axis is None:
        return None
    words = words_for(metric, vocabulary)
    drawn = [{**_cells(row, words), **_marks(row, axis, words)} for row in rows]
    return {
        "title": words.title,
        "unit": words.unit,
        "rows": drawn,
        "ticks": axis.ticks(),
        "centre_name": str(rows[0].entry.get("centre_name", "median")),
        "several": any(len(row.values) > 1 for row in rows),
        "interval": interval_name(rows),
        "compared": any(row.gain is not None for row in rows),
        "tested": any(row.gain is not None and row.gain.distinct is not None for row in rows),
        "better": "more" if larger_is_better(metric, vocabulary) else "less",
    }


def _reach(rows: Sequence[Ranked]) -> list[float]:
    """Everything that has to be on the axis."""
    bounds = [row.entry[bound] for row in rows for bound in ("low", "high", "centre") if bound in row.entry]
    return [*(value for row in rows for value in row.values.values()), *bounds]


def _marks(row: Ranked, axis: Axis, metric: Metric) -> dict[str, Any]:
    places = [axis.percent(value) for value in row.values.values()]
    labels = [f"{seed_text(seed)}: {quantity(value, metric)}" for seed, value in row.values.items()]
    band = None
    if "low" in row.entry and "high" in row.entry:
        left, right = axis.percent(row.entry["low"]), axis.percent(row.entry["high"])
        band = (left, round(right - left, 2))
    return {
        "dots": list(zip(places, lanes(places), labels, strict=True)),
        "band": band,
        "middle": axis.percent(row.centre) if len(row.values) > 1 else None,
    }


def _cells(row: Ranked, metric: Metric) -> dict[str, Any]:
    decimals, entry, gain = metric.decimals, row.entry, row.gain
    return {
        "name": row.named.name,
        "colour": row.named.colour,
        "is_baseline": row.is_baseline,
        "seeds": len(row.values),
        "centre": number(row.centre, decimals),
        "interval": interval_of(entry, decimals),
        "gain": None if gain is None else signed(gain.middle, decimals),
        "gains": None if gain is None else _range(gain, decimals),
        "won": None if gain is None else f"{gain.won} of {len(gain.by_seed)}",
        "distinct": None if gain is None or gain.distinct is None else ("yes" if gain.distinct else "no"),
    }


def interval_name(rows: Sequence[Ranked]) -> str:
    """What the ends of *rows* are, by the least coverage that one states; ranges among them say so themselves."""
    stated = [row.entry.get("coverage", CONFIDENCE) for row in rows if row.entry.get("interval", RANGE) != RANGE]
    return f"{min(stated):.0%} interval" if stated else "Range"


def interval_of(entry: Mapping[str, Any], decimals: int) -> str | None:
    """The ends that a statistics entry states; ``None`` where it states none."""
    if "low" not in entry or "high" not in entry:
        return None
    kind = "range " if entry.get("interval") == RANGE else ""
    return f"{kind}{number(entry['low'], decimals)} to {number(entry['high'], decimals)}"


def _range(gain: Gain, decimals: int) -> str:
    return f"{signed(min(gain.by_seed.values()), decimals)} to {signed(max(gain.by_seed.values()), decimals)}"


def seed_by_seed(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named]) -> dict[str, Any] | None:
    """The headline metric of each name minus the baseline's with the same seed; ``None`` where nothing is compared."""
    if len(by_environment(summary, named)) > 1:
        return None
    rows = [row for row in ranked(summary, vocabulary, named, vocabulary.headline) if row.gain is not None]
    seeds = list(dict.fromkeys(seed for row in rows if row.gain for seed in row.gain.by_seed))
    if len(seeds) < 2:  # noqa: PLR2004 - of a single pair there is nothing to say that the ranking does not say
        return None
    shown = sorted(seeds, key=lambda seed: (seed is None, seed)) if len(seeds) <= MOST_SEEDS else []
    metric = words_for(vocabulary.headline, vocabulary)
    size = max(abs(value) for row in rows if row.gain for value in row.gain.by_seed.values())
    up = larger_is_better(vocabulary.headline, vocabulary)

    def cell(value: float | None) -> tuple[str, str]:
        return ("", "n/a") if value is None else (shade(value if up else -value, size), signed(value, metric.decimals))

    return {
        "title": metric.title,
        "baseline": baseline_of(summary, named),
        "seeds": [seed_text(seed) for seed in shown],
        "count": len(seeds),
        "rows": [
            (row.named.name, [*(cell(row.gain.by_seed.get(seed)) for seed in shown), cell(row.gain.middle)])
            for row in rows
            if row.gain
        ],
    }


def shade(value: float, size: float) -> str:
    """The style of a cell that is *value* good, where *size* is the most there is: ``g1`` to ``g5``, or ``l1`` ..."""
    if not value or not size:
        return ""
    strength = min(_SHADES, 1 + int(abs(value) / size * _SHADES))
    return f"{'g' if value > 0 else 'l'}{strength}"
