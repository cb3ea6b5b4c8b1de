"""Draws a study: curves over epochs, doses and frequencies, grids of images, frames beside their fit, the scan."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from extractor_flow.files import write_bytes
from extractor_flow.flows.canvas import canvas_of
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.figures.curves import draw_learning_curves, draw_quality
from extractor_flow.flows.dose_overlap.figures.pictures import GRIDS, Shown, draw_pictures
from extractor_flow.flows.dose_overlap.plan import Cell
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from extractor_flow.study.records import RunSummary

_DPI = 110
# A grid of pictures needs no more shades than the eye tells apart; lines need their own colours.
_MOST_COLOURS = 256
_COLOUR_COUNTS = dict.fromkeys(GRIDS, 48)


def draw_figures(summary: RunSummary, directory: Path) -> list[str]:
    """Write the figures of the completed jobs of *summary* into *directory*, which lies in the run's; their names."""
    shown = [
        Shown(
            cell=Cell(**record.outcome.details["cell"]),
            metrics=record.outcome.metrics,
            curves=record.outcome.details["curves"],
            reconstructions=directory.parent / record.outcome.artifacts["reconstructions"].path,
            frames=directory.parent / layout.DATA / Cell(**record.outcome.details["cell"]).data_path("test"),
        )
        for record in summary.records
        if isinstance(record.outcome, Completed)
    ]
    return draw_cells(shown, directory)


def draw_cells(shown: Sequence[Shown], directory: Path) -> list[str]:
    """Write the figures of *shown*, in the order of the study, into *directory*; their names, none without a cell."""
    if not shown:
        return []
    figures = {"learning_curves.png": draw_learning_curves(shown), "quality_over_dose.png": draw_quality(shown)}
    figures |= draw_pictures(shown)
    for name, figure in figures.items():
        write_bytes(directory / name, png(figure, _COLOUR_COUNTS.get(name, _MOST_COLOURS)), durable=False)
    return list(figures)


def png(figure: Figure, colours: int = _MOST_COLOURS) -> bytes:
    """The figure with a palette of *colours*: noisy pictures in full colour would take three times the space."""
    small, canvas = io.BytesIO(), canvas_of(figure, _DPI)
    canvas.draw()
    drawn = Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    drawn.quantize(colours, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()
