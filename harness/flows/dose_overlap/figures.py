"""Pictures of a study: training curves, and the reconstructions of every cell beside the truth."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from harness.flows.dose_overlap.curves import EpochRecord

    Complex = NDArray[np.complex64] | NDArray[np.complex128]

Part = Literal["amplitude", "phase"]
_PARTS: dict[Part, Callable[[Complex], NDArray[np.floating]]] = {"amplitude": np.abs, "phase": np.angle}
_TILE = 2.6
_DPI = 100


@dataclass(frozen=True, eq=False)
class Panel:
    """One cell's picture: a reconstruction that was aligned with the truth, the covered pixels, and a line below it."""

    image: Complex
    mask: NDArray[np.bool_]
    caption: str


def curves_png(curves: Mapping[str, Sequence[EpochRecord]], *, title: str) -> bytes:
    """Losses and amplitude PSNR over epochs, one colour for each named training; numbers that are missing stay out."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    losses, quality = figure.subplots(1, 2)
    for number, (name, records) in enumerate(curves.items()):
        colour = f"C{number % 10}"
        _line(losses, records, "validation_loss", color=colour, label=name)
        _line(losses, records, "train_loss", color=colour, linestyle=":")
        _line(quality, records, "amplitude_psnr", color=colour, label=name)
    losses.set(xlabel="epoch", ylabel="excess likelihood [nats a pixel]", yscale="log")
    losses.set_title("validation (training dotted)", fontsize="medium")
    quality.set(xlabel="epoch", ylabel="amplitude PSNR [dB]")
    quality.set_title("validation area against the truth", fontsize="medium")
    if curves:
        quality.legend(fontsize="small")
    return _png(figure)


def grid_png(truth: Complex, rows: Mapping[str, Mapping[str, Panel | str]], *, part: Part) -> bytes:
    """A grid of pictures: doses down, views across, the truth at the left; grey is what no frame covered.

    All pictures share the truth's grey scale. A cell that has no picture is a string, its reason, and is written out.
    """
    views = list(dict.fromkeys(view for row in rows.values() for view in row))
    count = max(len(rows), 1)
    figure = Figure(figsize=(_TILE * (len(views) + 1), (_TILE + 0.4) * count), layout="constrained")
    axes = figure.subplots(count, len(views) + 1, squeeze=False)
    values = _PARTS[part](truth)
    span = float(values.min()), float(values.max())
    for line, (name, row) in zip(axes, rows.items(), strict=False):
        _show(line[0], values, span)
        line[0].set_ylabel(name)
        for axis, view in zip(line[1:], views, strict=True):
            _draw_cell(axis, row.get(view, "not in the study"), part, span)
    for axis, heading in zip(axes[0], ["truth", *views], strict=True):
        axis.set_title(heading)
    figure.suptitle(part)
    return _png(figure)


def _line(axes: Axes, records: Sequence[EpochRecord], field: str, **style: str) -> None:
    points = [(record.epoch, getattr(record, field)) for record in records if getattr(record, field) is not None]
    if points:
        axes.plot(*zip(*points, strict=True), marker=".", **style)  # type: ignore[arg-type]


def _draw_cell(axes: Axes, panel: Panel | str, part: Part, span: tuple[float, float]) -> None:
    if isinstance(panel, str):
        axes.text(0.5, 0.5, panel, ha="center", va="center", wrap=True, fontsize="small", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    _show(axes, np.ma.masked_array(_PARTS[part](panel.image), ~panel.mask), span)
    axes.set_xlabel(panel.caption, fontsize="small")


def _show(axes: Axes, values: NDArray[np.floating], span: tuple[float, float]) -> None:
    axes.set_facecolor("0.6")
    axes.imshow(values, cmap="gray", vmin=span[0], vmax=span[1], interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def _png(figure: Figure) -> bytes:
    """The figure as PNG without the writer's version in it, so that equal pictures are equal bytes."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
