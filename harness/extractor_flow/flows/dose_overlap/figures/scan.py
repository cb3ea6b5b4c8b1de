"""The probe, where the frames of each view lie on the object, and how much light falls where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, frame_corners, illumination
from extractor_flow.flows.dose_overlap.figures.style import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.plan import Cell

# A phase where there is less light, of the brightest pixel's amplitude, is of no use.
_DARK = 0.02
# Points: where frames lie close together, small dots leave the object to be seen.
_DOT, _SMALL_DOT, _MANY = 3.0, 1.0, 500


def draw_scan(frames: Mapping[Cell, PtychographyData]) -> Figure:
    """The probe at the left; view across: the middles of the held-out frames, and the light of all of them."""
    views = {cell.column: data for cell, data in frames.items()}
    figure = Figure(figsize=(2.9 * (len(views) + 1), 5.6), layout="constrained")
    panels = figure.subplots(2, len(views) + 1, squeeze=False)
    probe = next(iter(views.values())).probe_guess
    amplitude = np.abs(probe)
    phase = np.where(amplitude > _DARK * amplitude.max(), np.angle(probe), np.nan)
    image = show(panels[0][0], amplitude, (0.0, float(amplitude.max())), "viridis", "probe, amplitude")
    figure.colorbar(image, ax=panels[0][0], shrink=0.7)
    image = show(panels[1][0], phase, (-np.pi, np.pi), "twilight", "probe, phase")
    figure.colorbar(image, ax=panels[1][0], shrink=0.7, label="rad")
    for (top, bottom), (column, data) in zip(panels[:, 1:].T, views.items(), strict=True):
        _places(top, column, data)
        light = illumination(data.probe_guess, frame_corners(data), data.object_guess.shape)
        share = covered(data.probe_guess, frame_corners(data), data.object_guess.shape).mean()
        drawn = show(bottom, light, (0.0, float(light.max())), "magma", f"light of all frames: {share:.0%} covered")
        figure.colorbar(drawn, ax=bottom, shrink=0.7)
    return figure


def _places(axes: Axes, column: str, data: PtychographyData) -> None:
    amplitude = np.abs(data.object_guess)
    limits = np.percentile(amplitude, [0.5, 99.5]).tolist()
    show(axes, amplitude, limits, "gray", f"{column}: {data.count} held out, on the {source_of(data)}")
    size = _SMALL_DOT if data.count > _MANY else _DOT
    axes.plot(data.xcoords, data.ycoords, ".", markersize=size, color="#D55E00")


def source_of(data: PtychographyData) -> str:
    """What objects are compared with: the true one where frames were simulated, else somebody's own."""
    return "truth" if "simulation_seed" in data.metadata else "reference"
