"""Draws a study: learning curves, quality over dose beside what nothing was learned for, and the grid of images."""

from __future__ import annotations

import io
from statistics import fmean
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from PIL import Image

from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.figures.pictures import Shown, draw_pictures
from extractor_flow.flows.dose_overlap.plan import Cell
from extractor_flow.flows.dose_overlap.scoring.names import (
    INPUT,
    MAP,
    PIE,
    REFINED,
    TRAINED,
    metric_name,
)
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from extractor_flow.study.records import RunSummary

    Arrays = Mapping[str, NDArray[Any]]

# Okabe and Ito's palette, which can be told apart with any kind of colour vision.
_COLOURS = {"baseline": "#0072B2", "dense": "#009E73", "sparse": "#D55E00"}
_STYLES = ("-", "--", ":", "-.")
_METHOD_STYLES = {
    TRAINED: ("o-", "#0072B2"),
    INPUT: ("v-.", "#E69F00"),
    PIE: ("s--", "#009E73"),
    MAP: ("D--", "#CC79A7"),
    REFINED: ("^-", "#56B4E9"),
    "untrained": ("x:", "#D55E00"),
    "constant": ("+:", "#666666"),
}
_DPI = 110
_COLOUR_COUNT = 48
_UNCOVERED = "#dddddd"


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
    figures = {"learning_curves.png": _learning_curves(shown), "quality_over_dose.png": _quality(shown)}
    figures |= draw_pictures(shown)
    for name, figure in figures.items():
        write_bytes(directory / name, _png(figure), durable=False)
    return list(figures)


def _png(figure: Figure) -> bytes:
    """The figure in a few colours: noisy pictures in all of them would take three times the space."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    picture = Image.open(buffer).convert("RGB").quantize(_COLOUR_COUNT, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def _learning_curves(shown: Sequence[Shown]) -> Figure:
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    titles = {
        "validation_loss": "validation loss,\nnats a pixel above a perfect fit",
        "amplitude_psnr": "amplitude PSNR, dB,\non the frames set aside",
        "amplitude_ssim": "amplitude SSIM,\non the frames set aside",
    }
    # Without a true object under the frames there are losses alone.
    panels = [name for name in titles if any(record.get(name) is not None for each in shown for record in each.curves)]
    doses = sorted({each.cell.dose for each in shown})
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for each in shown:
            points = [(record["epoch"], record[name]) for record in each.curves if record.get(name) is not None]
            style = _STYLES[doses.index(each.cell.dose) % len(_STYLES)]
            axes.plot(*zip(*points, strict=True), style, color=_COLOURS[each.cell.view], label=each.cell.name)
        axes.set_title(titles[name], fontsize=10)
        axes.set_xlabel("epoch (0: untrained)")
        _plain(axes)
    figure.axes[0].set_yscale("log")
    figure.legend(*_once(figure.axes[0]), loc="outside right center", frameon=False, fontsize=8)
    return figure


def _quality(shown: Sequence[Shown]) -> Figure:
    views = list(dict.fromkeys(each.cell.column for each in shown))
    figure = Figure(figsize=(1.5 + 3.2 * len(views), 6), layout="constrained")
    panels = figure.subplots(2, len(views), squeeze=False, sharey="row")
    for row, (short, unit) in enumerate((("psnr", "PSNR, dB"), ("ssim", "SSIM"))):
        for axes, view in zip(panels[row], views, strict=True):
            for method, (style, colour) in _METHOD_STYLES.items():
                points = _over_dose([each for each in shown if each.cell.column == view], method, short)
                axes.plot(list(points), list(points.values()), style, color=colour, label=method)
            axes.set_xscale("log")
            axes.set_title(f"{view}: amplitude {unit}", fontsize=10)
            axes.set_xlabel("photons a frame")
            _plain(axes)
    figure.legend(*_once(panels[0][0]), loc="outside lower center", ncols=3 * len(views), frameon=False)
    return figure


def _over_dose(shown: Sequence[Shown], method: str, short: str) -> dict[int, float]:
    """The mean over seeds of an amplitude's score, by dose; where it was not measured, there is none."""
    name = metric_name(method, "amplitude", short)
    found: dict[int, list[float]] = {}
    for each in shown:
        if name in each.metrics:
            found.setdefault(each.cell.dose, []).append(each.metrics[name])
    return {dose: fmean(values) for dose, values in sorted(found.items())}


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def _once(axes: Axes) -> tuple[list[Any], list[str]]:
    """The legend's entries, each name once: several seeds share one."""
    handles, labels = axes.get_legend_handles_labels()
    entries = dict(zip(reversed(labels), reversed(handles), strict=True))
    names = list(dict.fromkeys(labels))
    return [entries[name] for name in names], names
