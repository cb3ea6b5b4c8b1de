"""Looks at the event file: when its records were written, and whether each is due and says what the plan says."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.job_files import CLOCK_STEP, check_moment, claimed_curve
from extractor_flow.flows.extractor_comparison.checks.schedule import rollout_steps, rollouts, update_steps
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.checks.job_files import Measurements
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.events import Scalars

REWARD, LENGTH = "eval/mean_reward", "eval/mean_ep_length"
_EVALUATION = "eval/"
_FPS = "time/fps"
_UPDATES = (
    "train/approx_kl",
    "train/clip_fraction",
    "train/clip_range",
    "train/entropy_loss",
    "train/explained_variance",
    "train/learning_rate",
    "train/loss",
    "train/policy_gradient_loss",
    "train/value_loss",
)
_SETTINGS = ("learning_rate", "clip_range", "clip_range_vf")
# The explained variance of equal returns is NaN, and a mean over minibatches may be infinite and the policy still well.
_NUMBERS = ("train/policy_gradient_loss", "train/value_loss", "train/entropy_loss")
_LOSS = "train/loss"
_SPREAD, _LOG_SPREAD = "train/std", "log_std"
_NAME = re.compile(r".*/events\.out\.tfevents\.([0-9]{10,12})\..*", re.DOTALL)
_FLOAT32 = 1e-6
_SUM_OF_32_BITS = 1e-5
_LARGEST = 1e30
_TINY = 1e-44


def check_events(job: Claims, measured: Measurements) -> Iterator[Violation]:
    """What the event file of *job* contradicts, or is contradicted by."""
    artifact = job.outcome.artifacts.get("tensorboard")
    if measured.events is None or artifact is None:
        return
    path, scalars = artifact.path, measured.events
    yield from _check_times(job, path, scalars.times)
    yield from _check_steps(job.plan, path, scalars)
    yield from _check_settings(job.plan, path, scalars)
    yield from _check_losses(job.plan, path, scalars)
    yield from _check_spread(job, path, scalars)
    curve = claimed_curve(job)
    if curve is not None:
        told, due = scalars.values.get(REWARD, []), list(zip(curve.timesteps, curve.mean_rewards, strict=True))
        if not _same(told, due):
            yield Violation(path, REWARD, brief(told), f"the journal has {brief(due)}", "evidence")
    if measured.evaluations is not None:
        steps = measured.evaluations["timesteps"].tolist()
        means = measured.evaluations["ep_lengths"].mean(axis=1, dtype=np.float64).tolist()
        yield from _check_lengths(job, path, scalars, list(zip(steps, means, strict=True)))


def _check_times(job: Claims, path: str, times: Sequence[float]) -> Iterator[Violation]:
    """All records were written while the job ran, one after the other."""
    if not times:
        yield Violation(path, "", "an event file", "no record", "evidence")
        return
    for place, moment in (("first record", times[0]), ("last record", times[-1])):
        yield from check_moment(job, path, place, moment)
    if name := _NAME.fullmatch(path):
        yield from check_moment(job, path, "the time in its name", int(name[1]))
    moments = np.array(times)
    with np.errstate(invalid="ignore"):
        orderly = moments >= np.maximum.accumulate(moments) - CLOCK_STEP
    if not orderly.all():
        number = int(np.argmin(orderly))
        what = f"record {number + 1} has {times[number]!r}, before an earlier one"
        yield Violation(path, "wall time", "the records are in order of time", what, "evidence")


def _check_steps(plan: Plan, path: str, scalars: Scalars) -> Iterator[Violation]:
    """Scalars are told at step 0 and at the ends of rollouts; of the updates and the speed, at each that is due."""
    for tag, told in scalars.values.items():
        wrong = [step for step, _ in told if step % plan.rollout or step > plan.steps_to_do]
        if wrong:
            what = f"no rollout of {plan.rollout} steps, of {plan.steps_to_do}, ends there"
            yield Violation(path, brief(tag), f"step {wrong[0]}", what, "evidence")
        if tag.startswith(_EVALUATION) and tag not in (REWARD, LENGTH):
            yield Violation(path, brief(tag), "a measure of the evaluations", "no evaluation has it", "evidence")
    for tag in (*_UPDATES, _FPS):
        steps = [step for step, _ in scalars.values.get(tag, [])]
        if len(steps) != (count := rollouts(plan)):
            yield Violation(path, tag, f"{len(steps)} values", f"there were {count} rollouts", "evidence")
        elif steps != (due := rollout_steps(plan) if tag == _FPS else update_steps(plan)):
            yield Violation(path, tag, f"told at {brief(steps)}", f"due at {brief(due)}", "evidence")


def _check_settings(plan: Plan, path: str, scalars: Scalars) -> Iterator[Violation]:
    """The rates and ranges of the updates are the plan's, which are constant."""
    for name in _SETTINGS:
        due, told = plan.algorithm.get(name), scalars.values.get(f"train/{name}", [])
        wrong = [(step, value) for step, value in told if due is None or not _close(value, float(due))]
        if wrong:
            claim = f"{wrong[0][1]} at step {wrong[0][0]}"
            yield Violation(path, f"train/{name}", claim, f"the job has {brief(due)}", "evidence")


def _check_losses(plan: Plan, path: str, scalars: Scalars) -> Iterator[Violation]:
    """No loss is NaN: the weights would be NaN after it, unless the update was left out for its divergence."""
    if plan.algorithm.get("target_kl") is not None:
        return
    told = {tag: scalars.values.get(tag, []) for tag in _NUMBERS}
    if all(math.isfinite(value) for values in told.values() for _, value in values):
        told[_LOSS] = scalars.values.get(_LOSS, [])  # it is a weighted sum of the others
    for tag, values in told.items():
        wrong = [step for step, value in values if math.isnan(value)]
        if wrong:
            yield Violation(path, tag, f"NaN at step {wrong[0]}", "the weights stayed finite", "evidence")


def _check_spread(job: Claims, path: str, scalars: Scalars) -> Iterator[Violation]:
    """The last spread of the actions is the one that the final weights hold."""
    told = scalars.values.get(_SPREAD, [])
    try:
        weights = job.run.read(job.path(layout.WEIGHTS), read_weights) if told else {}
    except ReadError:
        return  # which is told where the weights are looked at
    values = weights.get(_LOG_SPREAD)
    if values is None or not values.size or values.dtype.kind != "f":
        return
    with np.errstate(over="ignore"):
        due = float(np.exp(values.astype(np.float64)).mean())
    if due < _LARGEST and not math.isclose(told[-1][1], due, rel_tol=_SUM_OF_32_BITS):
        yield Violation(path, _SPREAD, f"{told[-1][1]} at the end", f"{layout.WEIGHTS} gives {due}", "evidence")


def _check_lengths(job: Claims, path: str, scalars: Scalars, due: Sequence[tuple[int, float]]) -> Iterator[Violation]:
    told = scalars.values.get(LENGTH, [])
    if not _same(told, due):
        evaluations = job.path(layout.EVALUATIONS)
        yield Violation(path, LENGTH, brief(told), f"{layout.EVALUATIONS} has {brief(list(due))}", "evidence")
        yield Violation(evaluations, "ep_lengths", brief(list(due)), f"the event file has {brief(told)}", "evidence")


def _same(told: Sequence[tuple[int, float]], due: Sequence[tuple[int, float]]) -> bool:
    return len(told) == len(due) and all(
        step == due_step and _close(value, wanted) for (step, value), (due_step, wanted) in zip(told, due, strict=True)
    )


def _close(value: float, wanted: float) -> bool:
    """Whether *value*, which went through 32 bits, is *wanted*."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = float(np.float32(wanted))
    return value == rounded or math.isclose(value, rounded, rel_tol=_FLOAT32, abs_tol=_TINY)
