"""The table of a study: every method's scores, by dose and view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.flows.dose_overlap.scoring_names import metric_name
from harness.flows.dose_overlap.study import Cell, dose_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN = (("amplitude", "psnr", 1), ("amplitude", "ssim", 3), ("phase", "psnr", 1), ("phase", "ssim", 3))
_ORDER = ("constant", "untrained", "trained", "iterative")


@dataclass(frozen=True)
class Row:
    """One cell and its metrics."""

    cell: Cell
    metrics: Mapping[str, float]


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each cell and method; what was not measured is ``n/a``."""
    head = ("Dose", "View", "Method", "Amplitude PSNR", "Amplitude SSIM", "Phase PSNR", "Phase SSIM", "Coverage")
    lines = [head, ("---",) * len(head)]
    lines += [_line(row, method) for row in rows for method in _ORDER]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _line(row: Row, method: str) -> tuple[str, ...]:
    numbers = (_number(row.metrics.get(metric_name(method, image, short)), digits) for image, short, digits in _SHOWN)
    coverage = _number(row.metrics.get("coverage"), 3)
    return (dose_text(row.cell.dose), row.cell.view, method, *numbers, coverage)


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
