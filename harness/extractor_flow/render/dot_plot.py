"""The headline metric of every job as dots over one axis, with each name's centre and interval; HTML and CSS only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from extractor_flow.render.formats import metric_of, number, quantity
from extractor_flow.render.markup import isolated, text
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.job_contract import Metric
    from extractor_flow.study.records import RunSummary

LEGEND = f"A circle is a job; a bar is the {CONFIDENCE:.0%} interval of the centre, which is the upright line."
_MOST_TICKS = 5
_HUGE, _TINY = 1e300, 1e-300
_SAME = 1e-9  # values closer than this, relative to their size, are one value on an axis
_PLAIN_DECIMALS = 6


def dot_plot(summary: RunSummary, vocabulary: ReportSpec) -> str | None:
    """The plot; ``None`` where no job has the headline metric, or the values are too far apart for an axis."""
    groups = _values_by_name(summary, vocabulary.headline)
    values = [value for group in groups.values() for value in group]
    if not values or max(map(abs, values)) > _HUGE:
        return None
    metric = metric_of(vocabulary.headline, vocabulary)
    described = {
        entry["config_name"]: entry for entry in summary.statistics if entry.get("metric") == vocabulary.headline
    }
    axis = _Axis(min(values), max(values))
    rows = [_row(isolated(name), _marks(group, described.get(name), axis, metric)) for name, group in groups.items()]
    label = text(f"{metric.title} of each job; the numbers are in the tables")
    plot = "\n".join([f'<div class="card chart" role="img" aria-label="{label}">', *rows, _scale(axis), "</div>"])
    return f'{plot}\n<p class="none">{LEGEND}</p>'


def _values_by_name(summary: RunSummary, headline: str) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for record in summary.records:
        if isinstance(record.outcome, Completed) and headline in record.outcome.metrics:
            groups.setdefault(record.name, []).append(record.outcome.metrics[headline])
    return groups


def _row(name: str, marks: str, kind: str = "track") -> str:
    return f'<div class="name">{name}</div>\n<div class="{kind}">{marks}</div>'


class _Axis:
    """Where a value lies, in percent of the width, and the round numbers to label."""

    def __init__(self, low: float, high: float) -> None:
        size = max(abs(low), abs(high))
        span = high - low if high - low > _SAME * size else size
        self.step = _round_step(span if span > _TINY else 1.0)
        self.low = math.floor(low / self.step) * self.step
        self.high = max(math.ceil(high / self.step) * self.step, self.low + self.step)

    def percent(self, value: float) -> str:
        return f"{min(max((value - self.low) / (self.high - self.low), 0), 1) * 100:.2f}%"

    def ticks(self) -> list[float]:
        return [self.low + index * self.step for index in range(round((self.high - self.low) / self.step) + 1)]

    def label(self, tick: float) -> str:
        decimals = max(0, -math.floor(math.log10(self.step)))
        return number(tick, decimals) if decimals <= _PLAIN_DECIMALS else f"{tick:.4g}"


def _round_step(span: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides *span* into few enough parts."""
    power = 10.0 ** math.floor(math.log10(span / _MOST_TICKS))
    return next((factor * power for factor in (1, 2, 5) if factor * power * _MOST_TICKS >= span), 10 * power)


def _marks(values: Sequence[float], entry: Mapping[str, object] | None, axis: _Axis, metric: Metric) -> str:
    dots = [
        f'<span class="dot" style="left:{axis.percent(value)}" title="{text(quantity(value, metric))}"></span>'
        for value in values
    ]
    return "".join([*_centre(entry or {}, axis), *dots])


def _centre(entry: Mapping[str, object], axis: _Axis) -> list[str]:
    match entry:
        case {"low": float() | int() as low, "high": float() | int() as high, "centre": float() | int() as centre}:
            left, right, middle = axis.percent(low), axis.percent(high), axis.percent(centre)
            width = f"calc({right} - {left})"
            return [
                f'<span class="interval" style="left:{left};width:{width}"></span>',
                f'<span class="centre" style="left:{middle}"></span>',
            ]
        case _:
            return []


def _scale(axis: _Axis) -> str:
    labels = "".join(f'<span style="left:{axis.percent(tick)}">{axis.label(tick)}</span>' for tick in axis.ticks())
    return _row("", labels, "track axis")
