"""The table of a study: every method's scores, by dose and view."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from extractor_flow.flows.dose_overlap.plan import Cell, dose_text
from extractor_flow.flows.dose_overlap.scoring.names import (
    IMAGES,
    INPUT,
    MAP,
    PIE,
    REFINED,
    SCORES,
    TRAINED,
    metric_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN = tuple((image, short) for image in IMAGES for short in SCORES)
_ORDER = ("constant", "untrained", INPUT, TRAINED, PIE, MAP, REFINED)


@dataclass(frozen=True)
class Row:
    """One cell and its metrics."""

    cell: Cell
    metrics: Mapping[str, float]


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each cell and method, the means over *rows* of one cell; ``n/a``: not measured.

    PSNR in dB; FRC is the frequency, in cycles a pixel, at which the correlation with the truth falls to 0.5; all on
    the covered share of the object.
    """
    scores = (f"{image.capitalize()} {SCORES[short].column}" for image, short in _SHOWN)
    head = ("Dose", "View", "Method", *scores, "Coverage")
    lines = [head, ("---",) * len(head)]
    lines += [_line(row, method) for row in _means(rows) for method in _ORDER]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _means(rows: Sequence[Row]) -> list[Row]:
    """One row for each cell; a metric that some of its runs lack is a mean over those that have it."""
    cells: dict[Cell, list[Mapping[str, float]]] = {}
    for row in rows:
        cells.setdefault(row.cell, []).append(row.metrics)
    found: list[Row] = []
    for cell, runs in cells.items():
        names = dict.fromkeys(name for run in runs for name in run)
        found.append(Row(cell, {name: fmean(run[name] for run in runs if name in run) for name in names}))
    return found


def _line(row: Row, method: str) -> tuple[str, ...]:
    numbers = (
        _number(row.metrics.get(metric_name(method, image, short)), SCORES[short].decimals) for image, short in _SHOWN
    )
    coverage = _number(row.metrics.get("coverage"), 3)
    return (dose_text(row.cell.dose), row.cell.column, method, *numbers, coverage)


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
