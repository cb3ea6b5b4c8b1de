"""Draws a study: learning curves, quality over dose beside what nothing was learned for, and the grid of images."""

from __future__ import annotations

import io
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.plan import Cell, dose_text
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MASK, METHODS, TRAINED, TRUTH, metric_name
from extractor_flow.flows.dose_overlap.scoring.scores import aligned
from extractor_flow.readers.arrays import read_npz
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
    "iterative": ("s--", "#009E73"),
    "untrained": ("x:", "#D55E00"),
    "constant": ("+:", "#666666"),
}
_DPI = 110
_COLOUR_COUNT = 48
_UNCOVERED = "#dddddd"


@dataclass(frozen=True)
class Shown:
    """A finished cell: its numbers, its curves, and where its reconstructions are."""

    cell: Cell
    metrics: Mapping[str, float]
    curves: Sequence[Mapping[str, Any]]
    reconstructions: Path


def draw_figures(summary: RunSummary, directory: Path) -> list[str]:
    """Write the figures of the completed jobs of *summary* into *directory*, which lies in the run's; their names."""
    shown = [
        Shown(
            cell=Cell(**record.outcome.details["cell"]),
            metrics=record.outcome.metrics,
            curves=record.outcome.details["curves"],
            reconstructions=directory.parent / record.outcome.artifacts["reconstructions"].path,
        )
        for record in summary.records
        if isinstance(record.outcome, Completed)
    ]
    return draw_cells(shown, directory)


def draw_cells(shown: Sequence[Shown], directory: Path) -> list[str]:
    """Write the figures of *shown*, in the order of the study, into *directory*; their names, none without a cell."""
    if not shown:
        return []
    figures = {
        "learning_curves.png": _learning_curves(shown),
        "quality_over_dose.png": _quality(shown),
        "images_amplitude.png": _grid(shown, TRAINED, np.abs),
        "images_phase.png": _grid(shown, TRAINED, np.angle),
        "images_input.png": _grid(shown, INPUT, np.abs),
        "images_iterative.png": _grid(shown, "iterative", np.abs),
    }
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
    panels = {
        "validation_loss": "validation loss,\nnats a pixel above a perfect fit",
        "amplitude_psnr": "amplitude PSNR, dB,\non the frames set aside",
        "amplitude_ssim": "amplitude SSIM,\non the frames set aside",
    }
    doses = sorted({each.cell.dose for each in shown})
    for axes, (name, title) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for each in shown:
            points = [(record["epoch"], record[name]) for record in each.curves if record.get(name) is not None]
            style = _STYLES[doses.index(each.cell.dose) % len(_STYLES)]
            axes.plot(*zip(*points, strict=True), style, color=_COLOURS[each.cell.view], label=each.cell.name)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch (0: untrained)")
        _plain(axes)
    figure.axes[0].set_yscale("log")
    figure.legend(*_once(figure.axes[0]), loc="outside right center", frameon=False, fontsize=8)
    return figure


def _quality(shown: Sequence[Shown]) -> Figure:
    views = list(dict.fromkeys(each.cell.view for each in shown))
    figure = Figure(figsize=(1.5 + 3.2 * len(views), 6), layout="constrained")
    panels = figure.subplots(2, len(views), squeeze=False, sharey="row")
    for row, (short, unit) in enumerate((("psnr", "PSNR, dB"), ("ssim", "SSIM"))):
        for axes, view in zip(panels[row], views, strict=True):
            for method, (style, colour) in _METHOD_STYLES.items():
                points = _over_dose([each for each in shown if each.cell.view == view], method, short)
                axes.plot(list(points), list(points.values()), style, color=colour, label=method)
            axes.set_xscale("log")
            axes.set_title(f"{view}: amplitude {unit}", fontsize=10)
            axes.set_xlabel("photons a frame")
            _plain(axes)
    figure.legend(*_once(panels[0][0]), loc="outside lower center", ncols=len(METHODS), frameon=False)
    return figure


def _over_dose(shown: Sequence[Shown], method: str, short: str) -> dict[int, float]:
    """The mean over seeds of an amplitude's score, by dose; where it was not measured, there is none."""
    name = metric_name(method, "amplitude", short)
    found: dict[int, list[float]] = {}
    for each in shown:
        if name in each.metrics:
            found.setdefault(each.cell.dose, []).append(each.metrics[name])
    return {dose: fmean(values) for dose, values in sorted(found.items())}


def _grid(shown: Sequence[Shown], method: str, part: Callable[[NDArray[Any]], NDArray[Any]]) -> Figure:
    """Dose down, view across, the truth beside; of several seeds the first. Grey is what the frames do not cover."""
    first: dict[Cell, Shown] = {}
    for each in shown:
        first.setdefault(each.cell, each)
    doses = list(dict.fromkeys(cell.dose for cell in first))
    views = list(dict.fromkeys(cell.view for cell in first))
    arrays = {cell: _arrays(each.reconstructions) for cell, each in first.items()}
    box = _box([found[MASK] for found in arrays.values()])
    figure = Figure(figsize=(1.0 + 2.6 * (len(views) + 1), 0.4 + _height(box) * len(doses)), layout="constrained")
    panels = figure.subplots(len(doses), len(views) + 1, squeeze=False)
    image = "phase" if part is np.angle else "amplitude"
    for row, dose in enumerate(doses):
        known = [cell for cell in first if cell.dose == dose]
        truth = arrays[known[0]][TRUTH]
        limits = tuple(np.percentile(part(truth[box]), [0.5, 99.5]).tolist())
        _show(panels[row][-1], part(truth[box]), limits, "truth")
        for axes, view in zip(panels[row], views, strict=False):
            cell = Cell(dose, view)
            if cell in arrays:
                title = _caption(first[cell], method, image)
                _show(axes, _visible(arrays[cell], method, part)[box], limits, title)
            else:
                axes.text(0.5, 0.5, "not trained", ha="center", va="center")
                axes.set_axis_off()
        panels[row][0].set_ylabel(f"{dose_text(dose)} photons")
    figure.suptitle(f"{image.capitalize()} from held-out frames: {method}", fontsize=11)
    return figure


def _arrays(path: Path) -> Arrays:
    with path.open("rb") as stream:
        return read_npz(stream, path.name)


def _visible(arrays: Arrays, method: str, part: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.float64]:
    mask = arrays[MASK]
    turned = aligned(arrays[method], arrays[TRUTH], mask)
    return np.where(mask, part(turned), np.nan)


def _box(masks: Sequence[NDArray[np.bool_]]) -> tuple[slice, slice]:
    """The smallest rectangle that holds every covered pixel."""
    rows, columns = np.nonzero(np.logical_or.reduce(masks))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def _height(box: tuple[slice, slice]) -> float:
    rows, columns = (float(side.stop - side.start) for side in box)
    return 0.3 + 2.5 * rows / columns


def _show(axes: Axes, image: NDArray[Any], limits: tuple[float, ...], title: str) -> None:
    low, high = limits
    axes.set_facecolor(_UNCOVERED)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])


def _caption(shown: Shown, method: str, image: str) -> str:
    scores = {short: shown.metrics.get(metric_name(method, image, short)) for short in ("psnr", "ssim")}
    psnr = "" if scores["psnr"] is None else f" {scores['psnr']:.1f} dB,"
    ssim = "" if scores["ssim"] is None else f" SSIM {scores['ssim']:.2f},"
    return f"{shown.cell.view}:{psnr}{ssim} {shown.metrics['coverage']:.0%} covered"


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def _once(axes: Axes) -> tuple[list[Any], list[str]]:
    """The legend's entries, each name once: several seeds share one."""
    handles, labels = axes.get_legend_handles_labels()
    entries = dict(zip(reversed(labels), reversed(handles), strict=True))
    names = list(dict.fromkeys(labels))
    return [entries[name] for name in names], names
