"""The table of a study: every method's scores, by dose and view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.flows.dose_overlap.scoring_names import IMAGES, INPUT, TRAINED, metric_name
from harness.flows.dose_overlap.study import Cell, dose_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCORES = {"psnr": ("PSNR", 1), "ssim": ("SSIM", 3), "ms_ssim": ("MS-SSIM", 3), "frc": ("FRC", 3)}
_SHOWN = tuple((image, short) for image in IMAGES for short in _SCORES)
_ORDER = ("constant", "untrained", INPUT, TRAINED, "iterative")


@dataclass(frozen=True)
class Row:
    """One cell and its metrics."""

    cell: Cell
    metrics: Mapping[str, float]


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each cell and method; what was not measured is ``n/a``.

    PSNR in dB; FRC is the frequency, in cycles a pixel, at which the correlation with the truth falls to 0.5; all on
    the covered share of the object.
    """
    scores = (f"{image.capitalize()} {_SCORES[short][0]}" for image, short in _SHOWN)
    head = ("Dose", "View", "Method", *scores, "Coverage")
    lines = [head, ("---",) * len(head)]
    lines += [_line(row, method) for row in rows for method in _ORDER]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _line(row: Row, method: str) -> tuple[str, ...]:
    numbers = (
        _number(row.metrics.get(metric_name(method, image, short)), _SCORES[short][1]) for image, short in _SHOWN
    )
    coverage = _number(row.metrics.get("coverage"), 3)
    return (dose_text(row.cell.dose), row.cell.view, method, *numbers, coverage)


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
