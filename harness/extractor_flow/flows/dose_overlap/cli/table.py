"""The table of a study: every method's scores and CPU seconds, by dose and view."""

from __future__ import annotations

from dataclasses import dataclass, field
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
_IN_PLAIN = (("amplitude", "psnr"), ("amplitude", "ssim"), ("phase", "psnr"), ("phase", "ssim"))
_ORDER = ("constant", "untrained", INPUT, TRAINED, PIE, MAP, REFINED)


@dataclass(frozen=True)
class Row:
    """One cell, its metrics, and the CPU seconds of its methods."""

    cell: Cell
    metrics: Mapping[str, float]
    seconds: Mapping[str, float] = field(default_factory=dict)


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each cell and method, the means over *rows* of one cell; ``n/a``: not measured.

    PSNR in dB; FRC is the frequency, in cycles a pixel, at which the correlation with the truth falls to 0.5; all on
    the covered share of the object.
    """
    lines = [*_lines(rows, _SHOWN)]
    lines.insert(1, ("---",) * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain_table(rows: Sequence[Row]) -> str:
    """The same in columns that line up, without what is wider than a terminal."""
    lines = [*_lines(rows, _IN_PLAIN)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            f"{cell:{'<' if number < _NAMES else '>'}{width}}" for number, (cell, width) in enumerate(each)
        ).rstrip()
        + "\n"
        for each in (zip(line, widths, strict=True) for line in lines)
    )


def summary_table(rows: Sequence[Row]) -> str:
    """A Markdown table with a line for each cell: amplitude PSNR / SSIM and, for what computes, CPU seconds."""
    head = ("photons", "view", "covered", "constant", *_COMPARED)
    lines = [head, ("---",) * len(head)]
    for row in _means(rows):
        scores = (_pair(row, method) for method in ("constant", *_COMPARED))
        covered = f"{row.metrics['coverage']:.0%}"
        lines.append((dose_text(row.cell.dose), row.cell.column, covered, *scores))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _pair(row: Row, method: str) -> str:
    psnr, ssim = (row.metrics.get(metric_name(method, "amplitude", short)) for short in ("psnr", "ssim"))
    spent = f", {row.seconds[method]:.1f} s" if method in row.seconds else ""
    return f"{_number(psnr, 1)} / {_number(ssim, 2)}{spent}"


_COMPARED = (INPUT, TRAINED, PIE, MAP, REFINED)
_NAMES = 3
"""How many columns of a line hold text."""


def _lines(rows: Sequence[Row], shown: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    scores = (f"{image.capitalize()} {SCORES[short].column}" for image, short in shown)
    head = ("Dose", "View", "Method", *scores, "Coverage", "CPU s")
    return [head, *(_line(row, method, shown) for row in _means(rows) for method in _ORDER)]


def _means(rows: Sequence[Row]) -> list[Row]:
    """One row for each cell; a number that some of its runs lack is a mean over those that have it."""
    cells: dict[Cell, list[Row]] = {}
    for row in rows:
        cells.setdefault(row.cell, []).append(row)
    return [
        Row(cell, _mean([run.metrics for run in runs]), _mean([run.seconds for run in runs]))
        for cell, runs in cells.items()
    ]


def _mean(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: fmean(run[name] for run in runs if name in run) for name in names}


def _line(row: Row, method: str, shown: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    numbers = (
        _number(row.metrics.get(metric_name(method, image, short)), SCORES[short].decimals) for image, short in shown
    )
    rest = (_number(row.metrics.get("coverage"), 3), _number(row.seconds.get(method), 2))
    return (dose_text(row.cell.dose), row.cell.column, method, *numbers, *rest)


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
