"""Draws a comparison: learning curves, held-out rewards and sample efficiency, one dot a seed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from extractor_flow.files import write_bytes
from extractor_flow.flows.canvas import canvas_of
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import FEWEST_SEEDS, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from extractor_flow.study.records import RunSummary
    from extractor_flow.study.statistics import SeedStatistics

# Okabe and Ito's palette, which can be told apart with any kind of colour vision.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
_STYLES = ("-", "--", ":", "-.")
_DPI = 130


@dataclass(frozen=True)
class Series:
    """One extractor's completed jobs."""

    name: str
    colour: str
    style: str
    curves: tuple[Curve, ...]
    held_out: tuple[float, ...]
    ratios: tuple[float, ...]


def draw_figures(summary: RunSummary, directory: Path) -> list[str]:
    """Write the figures that *summary* has numbers for into *directory*, those of each environment; their names."""
    stated = {entry["config_name"]: entry["environment"] for entry in summary.statistics if "environment" in entry}
    drawn: list[str] = []
    for environment in dict.fromkeys(stated.values()) or [None]:
        series = [each for each in _series(summary) if stated.get(each.name) == environment]
        for kind, draw, shown in (
            ("learning_curves", _learning_curves, series),
            ("held_out_reward", _held_out_rewards, series),
            ("sample_efficiency", _sample_efficiency, series if any(each.ratios for each in series) else []),
        ):
            name = f"{kind}.png" if environment is None else f"{kind}-{environment}.png"
            if shown:
                _write(directory / name, draw, shown)
                drawn.append(name)
    return drawn


def _series(summary: RunSummary) -> list[Series]:
    done = [(record.name, record.outcome) for record in summary.records if isinstance(record.outcome, Completed)]
    key = "sample_efficiency_ratio"
    return [
        Series(
            name=name,
            colour=_COLOURS[position % len(_COLOURS)],
            style=_STYLES[position // len(_COLOURS) % len(_STYLES)],
            curves=tuple(Curve.from_json(outcome.details["curve"]) for other, outcome in done if other == name),
            held_out=tuple(outcome.metrics["held_out_mean_reward"] for other, outcome in done if other == name),
            ratios=tuple(outcome.metrics[key] for other, outcome in done if other == name and key in outcome.metrics),
        )
        for position, name in enumerate(dict.fromkeys(name for name, _ in done))
    ]


def _write(path: Path, draw: Callable[[Axes, Sequence[Series]], None], series: Sequence[Series]) -> None:
    rows = 0.0 if draw is _learning_curves else 0.45 * len(series)
    figure = Figure(figsize=(8, max(4.5, 1.5 + rows)), layout="constrained")
    axes = figure.add_subplot()
    draw(axes, series)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    canvas_of(figure, _DPI).print_png(buffer)
    write_bytes(path, buffer.getvalue(), durable=False)


def _learning_curves(axes: Axes, series: Sequence[Series]) -> None:
    for each in series:
        steps = [step for step in each.curves[0].timesteps if all(step in curve.timesteps for curve in each.curves)]
        points = [describe(_at(each.curves, step)) for step in steps]
        seeds = f"{len(each.curves)} seeds" if len(each.curves) > 1 else "1 seed"
        axes.plot(
            steps,
            [point.centre for point in points],
            each.style,
            color=each.colour,
            marker="o",
            markersize=3,
            label=f"{each.name} ({seeds})",
        )
        if len(each.curves) > 1:
            low, high = ([bound for bound in bounds if bound is not None] for bounds in _intervals(points))
            axes.fill_between(steps, low, high, color=each.colour, alpha=0.15, linewidth=0)
    axes.set_title("Mean reward of the evaluation episodes; the first point is the untrained policy")
    axes.set_xlabel("environment steps")
    axes.set_ylabel(_centre(max(len(each.curves) for each in series)))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)


def _held_out_rewards(axes: Axes, series: Sequence[Series]) -> None:
    _bars(axes, series, [each.held_out for each in series])
    for position, each in enumerate(series):
        best = [curve.best for curve in each.curves]
        axes.plot(best, _spread(position, len(best)), "x", color="#777777", markersize=5, zorder=4)
    axes.plot([], [], "x", color="#777777", label="the largest of its evaluations, by which it was selected")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_title("Mean reward of the selected policy on episodes that selection never saw")
    axes.set_xlabel(_centre(max(len(each.curves) for each in series)))
    axes.set_yticks(range(len(series)), [each.name for each in series])
    axes.legend(frameon=False, loc="best")


def _sample_efficiency(axes: Axes, series: Sequence[Series]) -> None:
    _bars(axes, series, [list(each.ratios) for each in series])
    axes.axvline(1, color="black", linewidth=0.8, linestyle="--", label="the baseline")
    axes.set_title("How many times faster than the baseline its converged reward was reached")
    axes.set_xlabel(_centre(max(len(each.ratios) for each in series)))
    reached = [f"{each.name}\nreached by {len(each.ratios)} of {len(each.curves)}" for each in series]
    axes.set_yticks(range(len(series)), reached)
    axes.legend(frameon=False, loc="best")


def _bars(axes: Axes, series: Sequence[Series], values: Sequence[Sequence[float]]) -> None:
    """One bar an extractor from zero to the centre, its interval, and a dot a seed."""
    for position, (each, numbers) in enumerate(zip(series, values, strict=True)):
        if not numbers:
            continue
        found = describe(numbers)
        axes.barh(position, found.centre, height=0.6, color=each.colour, alpha=0.35)
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [position, position], color=each.colour, linewidth=2)
        axes.plot(numbers, _spread(position, len(numbers)), "o", color=each.colour, markersize=5, zorder=5)
    axes.plot([], [], "o", color="#444444", label="one a seed")
    axes.set_ylim(len(series) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.25)


def _spread(position: int, count: int) -> list[float]:
    """Heights around *position*, so that equal values do not hide each other."""
    return [position + 0.3 * ((number + 0.5) / count - 0.5) for number in range(count)]


def _centre(seeds: int) -> str:
    """What :func:`extractor_flow.study.statistics.describe` gives for this number of seeds."""
    if seeds == 1:
        return "one seed"
    return f"median over seeds, {'range' if seeds < FEWEST_SEEDS else '95 % interval'}"


def _intervals(points: Sequence[SeedStatistics]) -> tuple[list[float | None], list[float | None]]:
    return [point.low for point in points], [point.high for point in points]


def _at(curves: Sequence[Curve], step: int) -> list[float]:
    return [curve.mean_rewards[curve.timesteps.index(step)] for curve in curves]
