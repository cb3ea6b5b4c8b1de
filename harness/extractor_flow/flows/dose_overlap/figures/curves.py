"""What a training did, epoch by epoch, and how quality depends on the dose beside what nothing was learned for."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from extractor_flow.flows.dose_overlap.figures.style import COLOURS, METHOD_STYLES, STYLES, legend_below, plain
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MAP, REFINED, TRAINED, metric_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from extractor_flow.flows.dose_overlap.figures.pictures import Shown

_SHOWN_SCORES = {"psnr": "amplitude PSNR, dB", "ssim": "amplitude SSIM"}
_NEAR = (TRAINED, MAP, REFINED)


def draw_learning_curves(shown: Sequence[Shown]) -> Figure:
    """A line for each job; a panel only for what was measured: without a true object there are losses alone."""
    titles = {
        "validation_loss": "validation loss,\nnats a pixel above a perfect fit",
        "amplitude_psnr": "amplitude PSNR, dB,\non the frames set aside",
        "amplitude_ssim": "amplitude SSIM,\non the frames set aside",
    }
    panels = [name for name in titles if any(record.get(name) is not None for each in shown for record in each.curves)]
    doses = sorted({each.cell.dose for each in shown})
    columns = list(dict.fromkeys(each.cell.column for each in shown))
    figure = Figure(figsize=(1.5 + 4 * len(panels), 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for each in shown:
            points = [(record["epoch"], record[name]) for record in each.curves if record.get(name) is not None]
            style = STYLES[doses.index(each.cell.dose) % len(STYLES)]
            colour = COLOURS[columns.index(each.cell.column) % len(COLOURS)]
            axes.plot(*zip(*points, strict=True), style, color=colour, label=each.cell.name)
        axes.set_title(titles[name], fontsize=10)
        axes.set_xlabel("epoch (0: untrained)")
        plain(axes)
    figure.axes[0].set_yscale("log")
    legend_below(figure, figure.axes[:1])
    return figure


def draw_quality(shown: Sequence[Shown]) -> Figure:
    """View across: every method's amplitude over the dose, and by how much the best are above the network's input."""
    views = list(dict.fromkeys(each.cell.column for each in shown))
    figure = Figure(figsize=(1.5 + 3.2 * len(views), 8.4), layout="constrained")
    panels = figure.subplots(3, len(views), squeeze=False, sharey="row")
    for column, view in zip(panels.T, views, strict=True):
        mine = [each for each in shown if each.cell.column == view]
        for axes, (short, title) in zip(column, _SHOWN_SCORES.items(), strict=False):
            for method in METHOD_STYLES:
                _line(axes, method, _over_dose(mine, method, short), f"{view}: {title}")
        given = _over_dose(mine, INPUT, "psnr")
        for method in _NEAR:
            gains = {
                dose: psnr - given[dose] for dose, psnr in _over_dose(mine, method, "psnr").items() if dose in given
            }
            _line(column[-1], method, gains, f"{view}: amplitude PSNR above the input's, dB")
        column[-1].axhline(0, color="#666666", linewidth=0.8)
    legend_below(figure, panels.flat)
    return figure


def _line(axes: Axes, method: str, points: Mapping[int, float], title: str) -> None:
    style, colour = METHOD_STYLES[method]
    if points:
        axes.plot(list(points), list(points.values()), style, color=colour, label=method)
    axes.set_xscale("log")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("photons a frame")
    plain(axes)


def _over_dose(shown: Sequence[Shown], method: str, short: str) -> dict[int, float]:
    """The mean over seeds of an amplitude's score, by dose; where it was not measured, there is none."""
    name = metric_name(method, "amplitude", short)
    found: dict[int, list[float]] = {}
    for each in shown:
        if name in each.metrics:
            found.setdefault(each.cell.dose, []).append(each.metrics[name])
    return {dose: fmean(values) for dose, values in sorted(found.items())}
