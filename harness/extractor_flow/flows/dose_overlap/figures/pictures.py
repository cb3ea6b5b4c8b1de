"""The pictures of a study: objects and errors by dose and view, and what the frames say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.figures.fits import draw_frames, draw_rings
from extractor_flow.flows.dose_overlap.figures.scan import draw_scan, source_of
from extractor_flow.flows.dose_overlap.figures.style import show
from extractor_flow.flows.dose_overlap.plan import dose_text
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MAP, MASK, PIE, TRAINED, TRUTH, metric_name
from extractor_flow.flows.dose_overlap.scoring.scores import aligned
from extractor_flow.readers.arrays import read_npz

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.plan import Cell

    Arrays = Mapping[str, NDArray[Any]]
    Part = Callable[[NDArray[Any]], NDArray[Any]]

_ERRORS = "error"

# A phase where there is less light, of the brightest pixel's amplitude, is of no use.
_DARK = 0.02


@dataclass(frozen=True)
class Shown:
    """A finished cell: its numbers, its curves, and where its reconstructions and its held-out frames are."""

    cell: Cell
    metrics: Mapping[str, float]
    curves: Sequence[Mapping[str, Any]]
    reconstructions: Path
    frames: Path


@dataclass(frozen=True)
class _Kind:
    """What a grid shows: a method's amplitude or phase, or how far its amplitude is off."""

    method: str
    image: str
    colours: str = "gray"

    def of(self, arrays: Arrays) -> NDArray[Any]:
        """The picture where frames cover the object, and nothing elsewhere."""
        mask, truth = arrays[MASK], arrays[TRUTH]
        image = aligned(arrays[self.method], truth, mask)
        part = np.angle(image) if self.image == "phase" else np.abs(image)
        if self.image == _ERRORS:
            part = part - np.abs(truth)
        return np.where(mask, part, np.nan)

    def limits(self, arrays: Arrays, box: tuple[slice, slice]) -> tuple[float, float]:
        """The span of the true values; for errors a quarter of it, both ways."""
        truth = arrays[TRUTH][box]
        low, high = np.percentile(np.angle(truth) if self.image == "phase" else np.abs(truth), [0.5, 99.5]).tolist()
        return (-(high - low) / 4, (high - low) / 4) if self.image == _ERRORS else (low, high)


GRIDS = {
    "images_amplitude.png": _Kind(TRAINED, "amplitude"),
    "images_phase.png": _Kind(TRAINED, "phase"),
    "images_error.png": _Kind(TRAINED, _ERRORS, "RdBu_r"),
    "images_input.png": _Kind(INPUT, "amplitude"),
    "images_iterative.png": _Kind(PIE, "amplitude"),
    "images_map.png": _Kind(MAP, "amplitude"),
}


def draw_pictures(shown: Sequence[Shown]) -> dict[str, Figure]:
    """The pictures of *shown* by the names of their files; of several seeds of a cell, the first."""
    first: dict[Cell, Shown] = {}
    for each in shown:
        first.setdefault(each.cell, each)
    arrays = {cell: _arrays(each.reconstructions) for cell, each in first.items()}
    found = {name: _grid(first, arrays, kind) for name, kind in GRIDS.items()}
    found["rings.png"] = draw_rings(arrays)
    data = {cell: read_data(each.frames) for cell, each in first.items() if each.frames.is_file()}
    if data:
        found |= {"frames.png": draw_frames(data, arrays), "scan.png": draw_scan(data)}
    return found


def _grid(first: Mapping[Cell, Shown], arrays: Mapping[Cell, Arrays], kind: _Kind) -> Figure:
    """Dose down, view across, what was measured beside. Grey is what the frames do not cover."""
    doses = list(dict.fromkeys(cell.dose for cell in first))
    columns = list(dict.fromkeys(cell.column for cell in first))
    box = _box([found[MASK] for found in arrays.values()])
    width = len(columns) + (kind.image != _ERRORS)
    figure = Figure(figsize=(1.6 + 2.6 * width, 0.4 + _height(box) * len(doses)), layout="constrained")
    panels = figure.subplots(len(doses), width, squeeze=False)
    for row, dose in zip(panels, doses, strict=True):
        known = {cell.column: cell for cell in first if cell.dose == dose}
        limits = kind.limits(next(arrays[cell] for cell in known.values()), box)
        for axes, column in zip(row, columns, strict=False):
            if column in known:
                cell = known[column]
                image = show(axes, kind.of(arrays[cell])[box], limits, kind.colours, _caption(first[cell], kind))
            else:
                axes.text(0.5, 0.5, "not trained", ha="center", va="center")
                axes.set_axis_off()
        if kind.image != _ERRORS:
            cell = next(iter(known.values()))
            whole = {**arrays[cell], MASK: np.ones_like(arrays[cell][MASK])}
            image = show(row[-1], _Kind(TRUTH, kind.image).of(whole)[box], limits, "gray", _source(first[cell]))
        row[0].set_ylabel(f"{dose_text(dose)} photons")
        figure.colorbar(image, ax=list(row), shrink=0.8, pad=0.01)
    figure.suptitle(f"{kind.image.capitalize()} from held-out frames: {kind.method}", fontsize=11)
    return figure


def _source(shown: Shown) -> str:
    """What the objects are compared with: the true one where frames were simulated, else somebody's own."""
    return source_of(read_data(shown.frames)) if shown.frames.is_file() else "truth"


def _arrays(path: Path) -> Arrays:
    with path.open("rb") as stream:
        return read_npz(stream, path.name)


def _box(masks: Sequence[NDArray[np.bool_]]) -> tuple[slice, slice]:
    """The smallest rectangle that holds every covered pixel."""
    rows, columns = np.nonzero(np.logical_or.reduce(masks))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def _height(box: tuple[slice, slice]) -> float:
    rows, columns = (float(side.stop - side.start) for side in box)
    return 0.3 + 2.5 * rows / columns


def _caption(shown: Shown, kind: _Kind) -> str:
    image = "amplitude" if kind.image == _ERRORS else kind.image
    scores = {short: shown.metrics.get(metric_name(kind.method, image, short)) for short in ("psnr", "ssim")}
    psnr = "" if scores["psnr"] is None else f" {scores['psnr']:.1f} dB,"
    ssim = "" if scores["ssim"] is None else f" SSIM {scores['ssim']:.2f},"
    return f"{shown.cell.column}:{psnr}{ssim} {shown.metrics['coverage']:.0%} covered"


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
