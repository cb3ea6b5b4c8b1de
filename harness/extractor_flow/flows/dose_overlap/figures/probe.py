"""A refined probe beside the one that it was refined from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from extractor_flow.flows.dose_overlap.figures.style import show

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A phase where there is less light, of the brightest pixel's amplitude, is of no use.
_DARK = 0.02


def draw_probes(before: NDArray[np.complex64], after: NDArray[np.complex64]) -> Figure:
    """Amplitudes and phases of both, each pair in the same colours; the global phase of the second is the first's."""
    overlap = np.vdot(after, before)
    turned = after * (overlap / abs(overlap)) if abs(overlap) else after
    amplitudes = [np.abs(each) for each in (before, turned)]
    brightest = float(max(each.max() for each in amplitudes))
    phases = [
        np.where(each > _DARK * brightest, np.angle(probe), np.nan)
        for each, probe in zip(amplitudes, (before, turned), strict=True)
    ]
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    panels = figure.subplots(2, 2)
    for row, pair, limits, colours, name in (
        (panels[0], amplitudes, (0.0, brightest), "viridis", "amplitude"),
        (panels[1], phases, (-np.pi, np.pi), "twilight", "phase"),
    ):
        for axes, picture, when in zip(row, pair, ("as given", "refined"), strict=True):
            drawn = show(axes, picture, limits, colours, f"probe, {name}, {when}")
        figure.colorbar(drawn, ax=list(row), shrink=0.8)
    return figure
