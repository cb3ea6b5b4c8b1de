"""Compares the running means that SB3 logs with the episodes that it logged them of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import brief
from extractor_flow.flows.extractor_comparison.checks.episode_limits import least_of_success, tells_success

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.monitor import Monitor

_REWARD, _LENGTH, _SUCCESS = "rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/success_rate"
_MOST_ROWS = 1_000_000
_SUM_OF_32_BITS = 1e-5  # of the mean size of what is summed
_SUM_OF_64_BITS = 1e-12
_OVERFLOW = 1e30

Contradiction = tuple[str, str, str]


@dataclass(frozen=True)
class Means:
    """The episodes of *monitor*, and what was logged of the last *window* of them, by tag."""

    monitor: Monitor
    values: Mapping[str, Sequence[tuple[int, float]]]
    window: int

    def told(self, tag: str) -> Sequence[tuple[int, float]]:
        """The steps and the values of *tag*."""
        return self.values.get(tag, ())


def check_means(means: Means, plan: Plan) -> Iterator[Contradiction]:
    """Place, claim and finding wherever the episodes of a training of *plan* do not give its running means."""
    rows = means.monitor.lengths.size
    for tag in (_REWARD, _LENGTH):
        steps = [step for step, _ in means.told(tag)]
        if bool(steps) != bool(rows):
            yield tag, f"{len(steps)} values", f"{rows} episodes ended"
        elif steps and not _is(steps, range(steps[0], plan.steps_to_do + 1, plan.rollout)):
            yield tag, f"told at {brief(steps)}", "due after each rollout since the first episode ended"
    if not rows or not means.told(_REWARD) or not means.told(_LENGTH):
        return
    columns = {_REWARD: means.monitor.rewards, _LENGTH: means.monitor.lengths}
    windows = [_Windows.of(columns[tag], means.window) for tag in (_REWARD, _LENGTH)]
    for tag, window in zip(columns, windows, strict=True):
        last = means.told(tag)[-1][1]
        if not window.matches(rows - 1, last):
            yield tag, f"{last} at the end", f"the last episodes give {window.means[-1]}"
    if rows <= _MOST_ROWS:
        yield from _check_order(means, windows)
    if tells_success(plan):
        yield from _check_successes(means)


def _is(steps: Sequence[int], due: range) -> bool:
    return len(steps) == len(due) and all(step == end for step, end in zip(steps, due, strict=True))


def _check_order(means: Means, windows: Sequence[_Windows]) -> Iterator[Contradiction]:
    """Each pair of means is that of the episodes up to one or a later one than the pair before."""
    row, rows = 0, means.monitor.lengths.size
    for (step, reward), (_, length) in zip(means.told(_REWARD), means.told(_LENGTH), strict=False):
        while row < rows and not (windows[0].matches(row, reward) and windows[1].matches(row, length)):
            row += 1
        if row == rows:
            yield _REWARD, f"{reward}, of {length} steps, at step {step}", "no row of episodes gives both"
            return


def _check_successes(means: Means) -> Iterator[Contradiction]:
    """The last share of successes is no larger than that of the episodes whose return allows it."""
    monitor, told = means.monitor, means.told(_SUCCESS)
    rewards, lengths = (column[-min(means.window, column.size) :] for column in (monitor.rewards, monitor.lengths))
    most = float(np.mean(rewards >= least_of_success(lengths)))
    if not told or not 0.0 <= told[-1][1] <= most + _SUM_OF_32_BITS:
        yield _SUCCESS, brief(told[-1:]), f"the returns of the last episodes allow {most}"


@dataclass(frozen=True)
class _Windows:
    """The means of the last episodes up to and including each, and by how much 32 bits may miss them."""

    means: NDArray[Any]
    tolerances: NDArray[Any]

    @classmethod
    def of(cls, column: NDArray[Any], window: int) -> _Windows:
        values = column.astype(np.float64)
        ends = np.arange(1, values.size + 1)
        begins = np.maximum(ends - min(window, values.size), 0)
        counts = ends - begins
        with np.errstate(over="ignore", invalid="ignore"):
            sums, sizes = (np.append(0.0, np.cumsum(each)) for each in (values, np.abs(values)))
            means = (sums[ends] - sums[begins]) / counts
            scales = (sizes[ends] - sizes[begins]) / counts
            means[-1], scales[-1] = values[begins[-1] :].mean(), np.abs(values[begins[-1] :]).mean()
            return cls(means, _SUM_OF_32_BITS * scales + _SUM_OF_64_BITS * sizes[ends] / counts)

    def matches(self, row: int, value: float) -> bool:
        """Whether *value* is the mean up to *row*, or so large that 32 bits do not hold it."""
        mean, tolerance = float(self.means[row]), float(self.tolerances[row])
        if not math.isfinite(mean) or tolerance > _OVERFLOW * _SUM_OF_32_BITS:
            return True
        return abs(value - mean) <= tolerance
