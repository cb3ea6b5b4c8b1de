"""The files that a training leaves as it goes: its episodes in the monitor file, its scalars in the event file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.algorithms.defaults import value_at
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.expected import (
    impossible_episodes,
    least_of_success,
    longest_episode,
    rollouts,
    tells_success,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.algorithms.declared import Algorithm
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan

_COLUMNS = ("r", "l", "t")
_NO_NAME = "None"
_TRAINED = ("rollout/", "time/", "train/")
_REWARD, _LENGTH = "eval/mean_reward", "eval/mean_ep_length"
_TRAINED_REWARD, _TRAINED_LENGTH = "rollout/ep_rew_mean", "rollout/ep_len_mean"
_TRAINED_SUCCESS = "rollout/success_rate"
_SPREAD, _LOG_SPREAD = "train/std", "log_std"
_LOSS, _EXPLORED = "train/loss", "rollout/exploration_rate"
_SETTINGS = ("learning_rate", "clip_range", "clip_range_vf")
# A number that went through 32 bits differs by at most 6e-8 of its size; a mean or an exponential in 32 bits by more.
_FLOAT32, _SUM_OF_32_BITS = 1e-6, 1e-5
# Near the ends of what 32 bits can hold, sums overflow to infinity and small numbers lose their digits.
_LARGEST, _TINY = 1e30, 1e-44

Series = list[tuple[int, float]]


@check("ppo-monitor", reads=("monitor",))
def monitor(job: Claims) -> Iterator[Violation | Unchecked]:
    """The episodes of the training are possible, and have as many steps as it, but for those that were still under way.

    Catches: episodes left out or added, longer or better than the environment lets them be, those of another
    environment. Cannot catch: possible episodes in the place of others.
    """
    path, file, longest = job.path(layout.MONITOR), job.monitor, longest_episode(job.plan.environment)
    if file is None:
        yield Unchecked(path, "the training was too long for all of its episodes to be read")
        return
    name, choice = file.header.get("env_id"), job.plan.environment
    if file.columns != _COLUMNS:
        yield contradiction(path, "", f"the columns {','.join(file.columns)}", ",".join(_COLUMNS))
    if choice.id is not None and name != _NO_NAME and not str(name).startswith(choice.id.rpartition(":")[2]):
        yield contradiction(path, "env_id", name, f"the job has {choice.id}")
    if file.lengths.size and file.lengths.min() < 1:
        yield contradiction(path, "l", "an episode of no step", "every episode has one")
    for what in impossible_episodes(job.plan.environment, file.rewards, file.lengths):
        yield contradiction(path, "r", what, "this environment cannot give that")
    steps, done = float(file.lengths.sum(dtype=np.float64)), job.outcome.training_steps
    if steps > done:
        yield job.contradicted("training_steps", done, f"{layout.MONITOR} has {steps:.0f} steps")
    if longest is not None and done - steps > job.plan.schedule.num_envs * (longest - 1):
        what = f"of {done} steps, at most {longest - 1} an environment belong to episodes that did not end"
        yield contradiction(path, "l", f"{steps:.0f} steps", what)


@check("ppo-events", reads=("tensorboard",))
def events(job: Claims) -> Iterator[Violation | Unchecked]:
    """The event file has scalars of the updates, at steps of the training, and of each evaluation nothing invented.

    PPO logs every update; the other algorithms the last one before an evaluation, and some before.

    Catches: updates that are not there, steps beyond the plan. Cannot catch: other numbers than the true ones.
    """
    path, scalars, plan = job.events_path, job.events, job.plan
    if path is None or scalars is None:
        if path is not None:
            yield Unchecked(path, "the training was too long for all of its events to be read")
        return
    trainer = plan.trainer
    unit = plan.rollout if trainer.logs_every_rollout else plan.schedule.num_envs
    for tag, logged in scalars.values.items():
        wrong = [step for step, _ in logged if step % unit or step > plan.steps_to_do]
        if wrong:
            what = f"no rollout of {unit} steps, of {plan.steps_to_do}, ends there"
            yield contradiction(path, tag, f"step {wrong[0]}", what)
        if not tag.startswith(_TRAINED) and tag not in (_REWARD, _LENGTH):
            yield contradiction(path, tag, "a measure of the training or its evaluations", "none has it")
    for tag in (*trainer.logged, *trainer.losses):
        steps = [step for step, _ in scalars.values.get(tag, [])]
        if trainer.logs_every_rollout and len(steps) != rollouts(plan):
            yield contradiction(path, tag, f"{len(steps)} values", f"there were {rollouts(plan)} rollouts")
        elif not trainer.logs_every_rollout and steps[-1:] != [plan.steps_to_do]:
            yield contradiction(path, tag, f"ends at {steps[-1:]}", f"the last update is of step {plan.steps_to_do}")


@check("ppo-event-updates", reads=("tensorboard",))
def event_updates(job: Claims) -> Iterator[Violation]:
    """The rates and ranges of the updates are the plan's, and no loss is NaN, after which the weights would be.

    Catches: another learning rate or clip range, a training that broke down. Cannot catch: other losses.
    """
    path, scalars, plan = job.events_path, job.events, job.plan
    if path is None or scalars is None:
        return
    for name in _SETTINGS:
        expected, logged = plan.algorithm.get(name), scalars.values.get(f"train/{name}", [])
        wrong = [value for step, value in logged if expected is None or not _is_due(plan, expected, step, value)]
        if wrong:
            yield contradiction(path, f"train/{name}", wrong[0], f"the job has {expected}")
    for step, value in scalars.values.get(_EXPLORED, []):
        if not _close(value, due_exploration := exploration_at(plan, step)):
            yield contradiction(path, _EXPLORED, f"{value} at step {step}", f"the job has {due_exploration}")
            break
    if plan.algorithm.get("target_kl") is None:  # with it, an update that diverges is left out
        for tag, step in _losses_that_are_nan(plan.trainer, scalars.values):
            yield contradiction(path, tag, f"NaN at step {step}", "the weights stayed finite")


@check("ppo-event-evaluations", reads=("tensorboard", "evaluations", "policy"))
def event_evaluations(job: Claims) -> Iterator[Violation]:
    """The event file has the rewards and lengths of the evaluations, and ends with the spread of the final policy.

    Catches: evaluations, or a curve, that were changed and the event file not. Cannot catch: one lie told in both.
    """
    path, scalars, curve = job.events_path, job.events, job.curve
    if path is None or scalars is None:
        return
    logged = scalars.values.get(_REWARD, [])
    if curve is not None and not _same(logged, expected := list(zip(curve.timesteps, curve.mean_rewards, strict=True))):
        yield contradiction(path, _REWARD, logged, f"the journal has {expected}")
    claim, spread = scalars.values.get(_SPREAD), _spread(job.policy)
    if claim and spread is not None and not math.isclose(claim[-1][1], spread, rel_tol=_SUM_OF_32_BITS):
        yield contradiction(path, _SPREAD, f"{claim[-1][1]} at the end", f"{layout.WEIGHTS} gives {spread}")
    arrays, logged = job.evaluations, scalars.values.get(_LENGTH, [])
    means = arrays["ep_lengths"].mean(axis=1, dtype=np.float64).tolist()
    if not _same(logged, expected := list(zip(arrays["timesteps"].tolist(), means, strict=True))):
        yield contradiction(path, _LENGTH, logged, f"{layout.EVALUATIONS} has {expected}")
        yield contradiction(job.path(layout.EVALUATIONS), "ep_lengths", expected, f"the event file has {logged}")


@check("ppo-training-means", reads=("tensorboard", "monitor"))
def training_means(job: Claims) -> Iterator[Violation]:
    """The last means of the training's episodes in the event file are those of the last episodes in the monitor file.

    Catches: better or other episodes in one of the two. Cannot catch: other episodes before the last window of them.
    """
    file, scalars, path = job.monitor, job.events, job.events_path
    if file is None or scalars is None or path is None:
        return
    window = int(job.plan.algorithm["stats_window_size"])
    rewards, lengths = (column[-window:].astype(np.float64) for column in (file.rewards, file.lengths))
    found = {tag: scalars.values.get(tag, []) for tag in (_TRAINED_REWARD, _TRAINED_LENGTH, _TRAINED_SUCCESS)}
    for tag, column in ((_TRAINED_REWARD, rewards), (_TRAINED_LENGTH, lengths)):
        logged = found[tag][-1][1] if found[tag] else None
        if not is_mean(logged, column):
            expected = f"the last {column.size} episodes give {column.mean() if column.size else None}"
            for name in (path, job.path(layout.MONITOR)):
                yield contradiction(name, tag, f"{logged} at the end", expected)
    if tells_success(job.plan.environment) and lengths.size:
        most = float(np.mean(rewards >= least_of_success(lengths)))
        logged = found[_TRAINED_SUCCESS][-1][1] if found[_TRAINED_SUCCESS] else math.nan
        if not 0.0 <= logged <= most + _SUM_OF_32_BITS:
            yield contradiction(path, _TRAINED_SUCCESS, logged, f"the returns of the last episodes allow {most}")


def _is_due(plan: Plan, setting: float | str, step: int, value: float) -> bool:
    """Whether an update logged at *step* had *value* of *setting*: it was made there, or at most a rollout before."""
    total, begun = plan.schedule.total_timesteps, step // plan.rollout * plan.rollout
    steps = (step, begun, max(0, begun - plan.rollout))
    return any(_close(value, value_at(setting, made, total)) for made in steps)


def exploration_at(plan: Plan, step: int) -> float:
    """DQN's chance of a random action after *step* steps, as stable_baselines3 works it out."""
    first, last = float(plan.algorithm["exploration_initial_eps"]), float(plan.algorithm["exploration_final_eps"])
    done, fraction = step / plan.schedule.total_timesteps, float(plan.algorithm["exploration_fraction"])
    return last if done > fraction else first + done * (last - first) / fraction


def is_mean(logged: float | None, column: NDArray[Any]) -> bool:
    """Whether *logged* is the mean of *column*, or what 32 bits make of it; of no episode there is no mean."""
    if logged is None or not column.size:
        return logged is None and not column.size
    with np.errstate(over="ignore"):
        mean, size = float(column.mean()), float(np.abs(column).mean())
    return size > _LARGEST or abs(logged - mean) <= _SUM_OF_32_BITS * size


def _losses_that_are_nan(trainer: Algorithm, values: Mapping[str, Series]) -> Iterator[tuple[str, int]]:
    """Weights would be NaN after such a loss; PPO's own loss is a weighted sum of the others, which may overflow.

    The explained variance of equal returns is NaN, and a mean over minibatches may be infinite and the policy still
    well.
    """
    finite = all(math.isfinite(value) for tag in trainer.losses for _, value in values.get(tag, []))
    for tag in dict.fromkeys((*trainer.losses, _LOSS)) if finite else trainer.losses:
        yield from [(tag, step) for step, value in values.get(tag, []) if math.isnan(value)][:1]


def _spread(weights: dict[str, NDArray[Any]]) -> float | None:
    """The mean spread of the actions by *weights*; ``None`` where they have none that 32 bits can hold."""
    values = weights.get(_LOG_SPREAD)
    if values is None or not values.size or values.dtype.kind != "f":
        return None
    with np.errstate(over="ignore"):
        spread = float(np.exp(values.astype(np.float64)).mean())
    return spread if spread < _LARGEST else None


def _same(logged: Series, expected: Series) -> bool:
    return len(logged) == len(expected) and all(
        step == due_step and _close(value, wanted)
        for (step, value), (due_step, wanted) in zip(logged, expected, strict=True)
    )


def _close(value: float, wanted: float) -> bool:
    """Whether *value*, which went through 32 bits, is *wanted*."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = float(np.float32(wanted))
    return value == rounded or math.isclose(value, rounded, rel_tol=_FLOAT32, abs_tol=_TINY)
