"""What the reconstructions say of the frames, and up to which detail they agree with the object."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from extractor_flow.flows.dose_overlap.data.calibration import photon_scale
from extractor_flow.flows.dose_overlap.data.scan_geometry import corners, cut, fractions, probes_at
from extractor_flow.flows.dose_overlap.data.simulation import diffract
from extractor_flow.flows.dose_overlap.figures.style import METHOD_STYLES, legend_below, plain, show
from extractor_flow.flows.dose_overlap.plan import dose_text
from extractor_flow.flows.dose_overlap.scoring.frc import NYQUIST, THRESHOLD, ring_correlation
from extractor_flow.flows.dose_overlap.scoring.names import MASK, TIMED, TRAINED, TRUTH
from extractor_flow.flows.dose_overlap.scoring.scores import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.plan import Cell

    Arrays = Mapping[str, NDArray[Any]]

# Photon noise has a standard deviation of 1/2 in the square root of a count.
_NOISE = 0.5
_SPAN = 4.0
_PANELS = 3


def draw_rings(arrays: Mapping[Cell, Arrays]) -> Figure:
    """Dose down, view across: the correlation of every method's amplitude with the object's, by spatial frequency."""
    doses, columns = (list(dict.fromkeys(each)) for each in zip(*((c.dose, c.column) for c in arrays), strict=True))
    figure = Figure(figsize=(1.2 + 3 * len(columns), 0.8 + 2.2 * len(doses)), layout="constrained")
    panels = figure.subplots(len(doses), len(columns), squeeze=False, sharex=True, sharey=True)
    places = {(cell.dose, cell.column): each for cell, each in arrays.items()}
    for row, dose in zip(panels, doses, strict=True):
        for axes, column in zip(row, columns, strict=True):
            if (dose, column) in places:
                _rings(axes, places[dose, column])
            else:
                axes.text(0.5, 0.5, "not trained", ha="center", va="center", transform=axes.transAxes)
            axes.set_title(f"{column}, {dose_text(dose)} photons", fontsize=9)
        row[0].set_ylabel("correlation")
    for axes in panels[-1]:
        axes.set_xlabel("cycles a pixel")
    legend_below(figure, panels.flat)
    return figure


def _rings(axes: Axes, arrays: Arrays) -> None:
    truth, mask = arrays[TRUTH], arrays[MASK]
    for method in TIMED:
        image = aligned(arrays[method], truth, mask)
        rings = ring_correlation(np.abs(truth).astype(np.float64), np.abs(image), mask)
        if rings is not None:
            style, colour = METHOD_STYLES[method]
            axes.plot(rings.frequencies, rings.correlation, style.strip("ovsD^"), color=colour, label=method)
    axes.axhline(THRESHOLD, color="#666666", linewidth=0.8)
    axes.set_xlim(0, NYQUIST)
    axes.set_ylim(-0.1, 1.05)
    plain(axes)


def draw_frames(frames: Mapping[Cell, PtychographyData], arrays: Mapping[Cell, Arrays]) -> Figure:
    """Dose down, view across: a held-out frame, what the trained network's object gives there, how far they differ.

    Of several variants of a view, the first.
    """
    cells = {(cell.dose, cell.view): cell for cell in reversed(tuple(frames))}
    doses, views = (list(dict.fromkeys(getattr(cell, name) for cell in frames)) for name in ("dose", "view"))
    figure = Figure(figsize=(0.2 + 5.2 * len(views), 0.2 + 1.75 * len(doses)), layout="constrained")
    panels = figure.subplots(len(doses), _PANELS * len(views), squeeze=False)
    for row, dose in zip(panels, doses, strict=True):
        for number, view in enumerate(views):
            part = row[_PANELS * number : _PANELS * (number + 1)]
            if (cell := cells.get((dose, view))) is None:
                for axes in part:
                    axes.set_axis_off()
                part[0].set_title("not trained", fontsize=8)
            else:
                _frame(figure, part, cell, frames[cell], arrays[cell][TRAINED])
    return figure


def _frame(figure: Figure, part: Sequence[Axes], cell: Cell, data: PtychographyData, image: NDArray[Any]) -> None:
    """The frame in the middle of the scan, in units of a photon's square root."""
    number = int(np.argmin(np.hypot(data.xcoords - data.xcoords.mean(), data.ycoords - data.ycoords.mean())))
    scale = math.sqrt(photon_scale(data) or 1.0)
    seen = np.ones(data.diffraction[0].shape, bool) if data.mask is None else data.mask
    pair = (data.diffraction[number] * scale, _given(data, image, number) * scale)
    measured, fit = (np.where(seen, each, np.nan) for each in pair)
    limits = (0.0, float(np.nanmax([measured, fit])))
    for axes, picture, title in zip(
        part, (measured, fit), (f"{cell.view}, {dose_text(cell.dose)}", "fit"), strict=False
    ):
        drawn = show(axes, picture, limits, "magma", title)
    figure.colorbar(drawn, ax=list(part[:2]), shrink=0.8, pad=0.02, label="√photons")
    drawn = show(part[2], (measured - fit) / _NOISE, (-_SPAN, _SPAN), "RdBu_r", "difference")
    figure.colorbar(drawn, ax=part[2], shrink=0.8, pad=0.02, label="photon noise")


def _given(data: PtychographyData, image: NDArray[Any], number: int) -> NDArray[np.float64]:
    """The amplitudes that the object *image* gives in one of the frames of *data*."""
    first = corners(data.xcoords, data.ycoords, data.frame_size)[number : number + 1]
    probes = probes_at(data.probe_guess, fractions(data.xcoords, data.ycoords)[number : number + 1])
    return np.asarray(np.sqrt(diffract(cut(image, first, data.frame_size) * probes)[0]))
