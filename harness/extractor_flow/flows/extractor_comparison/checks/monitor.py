"""Looks at the monitor file: the episodes of the training, which the event file tells the means of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.episode_limits import impossible_episodes, longest_episode
from extractor_flow.flows.extractor_comparison.checks.job_files import CLOCK_STEP, check_moment, interval
from extractor_flow.flows.extractor_comparison.checks.rolling_means import Means, check_means

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.checks.job_files import Measurements
    from extractor_flow.readers.monitor import Monitor

_COLUMNS = ("r", "l", "t")
_NO_NAME = "None"


def check_monitor(job: Claims, measured: Measurements) -> Iterator[Violation]:
    """What is wrong with the monitor file of *job* alone."""
    if measured.monitor is None:
        return
    path, monitor = job.path(layout.MONITOR), measured.monitor
    yield from check_moment(job, path, "t_start", monitor.header.get("t_start"))
    yield from _check_head(job, path, monitor)
    if monitor.lengths.size:
        yield from _check_lengths(job, path, monitor)
        yield from _check_clock(job, path, monitor)
    yield from _check_steps(job, path, monitor)
    for what in impossible_episodes(job.plan, monitor.rewards, monitor.lengths):
        yield Violation(path, "r", what, "this environment cannot give that", "evidence")


def check_episodes(job: Claims, measured: Measurements) -> Iterator[Violation]:
    """What the monitor file and the event file of *job* contradict in each other; both are named."""
    artifact = job.outcome.artifacts.get("tensorboard")
    if measured.monitor is None or measured.events is None or artifact is None:
        return
    monitor, scalars = measured.monitor, measured.events
    names = (job.path(layout.MONITOR), artifact.path)
    means = Means(monitor, scalars.values, int(job.plan.algorithm["stats_window_size"]))
    for place, claim, found in check_means(means, job.plan):
        for name in names:
            yield Violation(name, place, claim, found, "evidence")
    start = monitor.header.get("t_start")
    if not monitor.times.size or not scalars.times or not isinstance(start, int | float) or start > scalars.times[-1]:
        return
    first, last = (start + float(monitor.times[row]) for row in (0, -1))
    if first < scalars.times[0] - CLOCK_STEP or last > scalars.times[-1] + CLOCK_STEP:
        claim = f"episodes from {monitor.times[0]} s to {monitor.times[-1]} s after t_start"
        found = f"the events of the training are from {scalars.times[0]} to {scalars.times[-1]}"
        for name in names:
            yield Violation(name, "wall time", claim, found, "evidence")


def _check_head(job: Claims, path: str, monitor: Monitor) -> Iterator[Violation]:
    """The columns that SB3 writes, and no other environment's name."""
    if monitor.columns != _COLUMNS:
        yield Violation(path, "", f"the columns {brief(','.join(monitor.columns))}", ",".join(_COLUMNS), "evidence")
    name, choice = monitor.header.get("env_id"), job.plan.environment
    if choice.id is None or name == _NO_NAME:
        return
    if not isinstance(name, str) or not name.startswith(choice.id.rpartition(":")[2]):
        yield Violation(path, "env_id", brief(name), f"the job has {choice.id}", "evidence")


def _check_lengths(job: Claims, path: str, monitor: Monitor) -> Iterator[Violation]:
    longest, lengths = longest_episode(job.plan), monitor.lengths
    if lengths.min() < 1:
        yield Violation(path, "l", "an episode of no step", "every episode has one", "evidence")
    if longest is not None and lengths.max() > longest:
        what = f"the environment ends an episode after {longest}"
        yield Violation(path, "l", f"an episode of {lengths.max()} steps", what, "evidence")


def _check_clock(job: Claims, path: str, monitor: Monitor) -> Iterator[Violation]:
    begin, end = interval(job)
    times = monitor.times
    if times.min() < -CLOCK_STEP:
        yield Violation(path, "t", f"{times.min()} s", "the times begin with t_start", "evidence")
    if (times[1:] < times[:-1]).any():
        yield Violation(path, "t", "is in order of time", "a later row has an earlier time", "evidence")
    # Not the duration: a machine that sleeps stops the clock of durations, and these times go on.
    if times.max() > end - begin + CLOCK_STEP:
        yield Violation(path, "t", f"{times.max()} s", f"the job took {end - begin:.3f} s", "evidence")


def _check_steps(job: Claims, path: str, monitor: Monitor) -> Iterator[Violation]:
    """No more steps than the training had; and no fewer than it had but for the episodes still under way."""
    steps, done = _total(monitor.lengths), job.outcome.training_steps
    if steps > done:
        yield job.contradicted("training_steps", done, f"{layout.MONITOR} has {steps:.0f} steps")
    longest = longest_episode(job.plan)
    if longest is not None and done - steps > job.plan.schedule.num_envs * (longest - 1):
        what = f"of {done} steps, at most {longest - 1} an environment belong to episodes that did not end"
        yield Violation(path, "l", f"{steps:.0f} steps", what, "evidence")


def _total(lengths: Any) -> float:  # noqa: ANN401 - numpy's arrays
    return float(lengths.sum(dtype=np.float64))
