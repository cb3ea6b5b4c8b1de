"""Works out again what the evaluations say, and asks the other witnesses: the event file, the log, the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Unchecked, Violation, brief, close
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.episode_limits import (
    impossible_episodes,
    longest_episode,
    tells_success,
)
from extractor_flow.flows.extractor_comparison.checks.job_files import claimed_curve, curve_of
from extractor_flow.flows.extractor_comparison.checks.schedule import evaluation_count, evaluation_steps
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.checks.job_files import Measurements
    from extractor_flow.flows.extractor_comparison.learning_curve import Curve

_LOG = "train.log"
_LOG_LIMIT = 64 * 1024 * 1024
_TOLD = re.compile(rb"step ([0-9]{1,18}): mean reward (\S{1,40})")


def check_evaluations(job: Claims, measured: Measurements) -> Iterator[Violation | Unchecked]:
    """What the evaluations, and the log that told of them, contradict."""
    claimed = claimed_curve(job)
    if claimed is None:
        yield job.contradicted("details.curve", job.outcome.details.get("curve"), "a curve from step 0 is due")
    else:
        yield from _check_log(job, claimed)
    if measured.evaluations is None:
        return
    curve = curve_of(measured.evaluations)
    yield from _check_steps(job, curve)
    if claimed is not None:
        yield from _check_curve(job, claimed, curve)
    yield from _check_metrics(job, curve, measured.evaluations)
    yield from _check_episodes(job, measured.evaluations)


def _check_steps(job: Claims, curve: Curve) -> Iterator[Violation]:
    path, due = job.path(layout.EVALUATIONS), evaluation_count(job.plan)
    if len(curve.timesteps) != due:
        yield Violation(path, "timesteps", f"{len(curve.timesteps)} of them", f"the schedule gives {due}", "evidence")
    elif list(curve.timesteps) != (steps := evaluation_steps(job.plan)):
        what = f"the schedule gives {brief(steps)}"
        yield Violation(path, "timesteps", brief(list(curve.timesteps)), what, "evidence")


def _check_curve(job: Claims, claimed: Curve, measured: Curve) -> Iterator[Violation]:
    if claimed.timesteps != measured.timesteps:
        found = f"{layout.EVALUATIONS} gives {measured.to_json()!r}"
        yield job.contradicted("details.curve", claimed.to_json(), found)
        return
    for position, (claim, reward) in enumerate(zip(claimed.mean_rewards, measured.mean_rewards, strict=True)):
        if not close(claim, reward):
            place = f"details.curve.mean_rewards[{position}]"
            yield job.contradicted(place, claim, f"{layout.EVALUATIONS}: {reward!r}")


def _check_metrics(job: Claims, curve: Curve, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Violation]:
    last = arrays["results"][-1]
    best = curve.timesteps.index(curve.best_timestep)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(last))
    measured: dict[str, float | None] = {
        "untrained_mean_reward": curve.untrained,
        "best_mean_reward": curve.best,
        "best_timestep": curve.best_timestep,
        "final_mean_reward": curve.mean_rewards[-1],
        "final_std_reward": spread,
        "reward_gain": curve.mean_rewards[-1] - curve.untrained,
        "eval_episodes": last.size,
        "convergence_timestep": curve.convergence_timestep(job.plan.convergence_fraction),
        "untrained_success_rate": _rate(arrays, 0),
        "best_success_rate": _rate(arrays, best),
        "final_success_rate": _rate(arrays, -1),
    }
    for name, found in measured.items():
        yield from job.metric(name, found, layout.EVALUATIONS)


def _rate(arrays: Mapping[str, NDArray[Any]], row: int) -> float | None:
    return float(np.mean(arrays["successes"][row])) if "successes" in arrays else None


def _check_episodes(job: Claims, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Violation]:
    """Episodes as many as planned, none longer than the environment lets them be, and each one possible."""
    path, episodes, longest = job.path(layout.EVALUATIONS), arrays["results"].shape[1], longest_episode(job.plan)
    if episodes != (due := job.plan.schedule.n_eval_episodes):
        yield Violation(path, "results", f"{episodes} episodes an evaluation", f"the plan gives {due}", "evidence")
    lengths = arrays["ep_lengths"]
    if longest is not None and lengths.max() > longest:
        what = f"the environment ends an episode after {longest}"
        yield Violation(path, "ep_lengths", f"an episode of {lengths.max()} steps", what, "evidence")
    if "successes" not in arrays and tells_success(job.plan):
        what = "this environment says of every episode whether it was one"
        yield Violation(path, "successes", "not told", what, "evidence")
    for what in impossible_episodes(job.plan, arrays["results"], lengths, arrays.get("successes")):
        yield Violation(path, "results", what, "this environment cannot give that", "evidence")


def _check_log(job: Claims, claimed: Curve) -> Iterator[Violation | Unchecked]:
    """Where the log of the training names the reward after a step of the curve, it names the curve's."""
    path = job.path(_LOG)
    try:
        told = job.run.read(path, _log_of, limit=_LOG_LIMIT)
    except ReadError as error:
        yield Unchecked(path, f"the rewards in it: {error.what}")
        return
    if not told:
        yield Unchecked(path, "it tells no reward")
    for step, reward in zip(claimed.timesteps, claimed.mean_rewards, strict=True):
        if step in told and f"{reward:.4g}" not in told[step]:
            found = f"the journal has {reward!r}"
            yield Violation(path, f"step {step}", f"mean reward {' or '.join(sorted(told[step]))}", found, "evidence")


def _log_of(stream: BinaryIO, where: str) -> dict[int, set[str]]:
    """The rewards that the log tells, by step; a requeued job may tell one twice."""
    told: dict[int, set[str]] = {}
    for step, reward in _TOLD.findall(read_bytes(stream, where, limit=_LOG_LIMIT)):
        told.setdefault(int(step), set()).add(reward.decode("utf-8", "replace"))
    return told
