"""What a plan lets one expect: when its policies are evaluated and saved, and which episodes its environment can give.

A second opinion, worked out from the plan alone: whoever verifies a run need not have the packages that train and play.
Counts are arithmetic, whatever the plan; lists are as long as their counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice, Plan

RAYS, FRAMES, DRIVE_STATES, ACTIONS, MAX_STEPS = 272, 3, 5, 2, 2000
MOST_PROGRESS = 0.42
"""The most reward for the way made in one step, and the most lost by a step in the wrong direction."""

STEP_COST = 0.02
ARRIVAL_BONUS = 10.0
COLLISION_PENALTY = 5.0
LEAST_GAIN = -1.4
"""No way to the goal loses more than this: where the goal is reached, it is half a metre away at most."""

_ROUNDING = 1e-4


def evaluation_count(plan: Plan) -> int:
    """How many evaluations are due."""
    every = plan.schedule.eval_freq
    at_the_end = plan.steps_to_do // every > (plan.steps_to_do - plan.rollout) // every
    return 1 + _count(plan, every) + (0 if at_the_end else 1)


def evaluation_steps(plan: Plan) -> list[int]:
    """The steps at which a policy of *plan* is evaluated: untrained, on the schedule, and at the end."""
    steps = _crossings(plan, plan.schedule.eval_freq)
    return [0, *steps, *([plan.steps_to_do] if steps[-1:] != [plan.steps_to_do] else [])]


def checkpoint_count(plan: Plan) -> int:
    """How many checkpoints are due."""
    return 0 if plan.schedule.save_freq is None else _count(plan, plan.schedule.save_freq)


def checkpoint_steps(plan: Plan) -> list[int]:
    """The steps after which a checkpoint of *plan* is saved."""
    return [] if plan.schedule.save_freq is None else _crossings(plan, plan.schedule.save_freq)


def _count(plan: Plan, every: int) -> int:
    return plan.steps_to_do // max(every, plan.rollout)


def _crossings(plan: Plan, every: int) -> list[int]:
    """The ends of rollouts by which another multiple of *every* was reached."""
    if every <= plan.rollout:
        return list(range(plan.rollout, plan.steps_to_do + 1, plan.rollout))
    return [-(-multiple // plan.rollout) * plan.rollout for multiple in range(every, plan.steps_to_do + 1, every)]


def shapes_of(environment: EnvironmentChoice) -> dict[str, list[int]]:
    """The shapes of what this package's own environment shows, by key."""
    frames, rays = environment.kwargs.get("frames", FRAMES), environment.kwargs.get("rays", RAYS)
    shapes = {"drive_state": [frames, DRIVE_STATES], "rays": [frames, rays]}
    return {key: shape for key, shape in shapes.items() if key not in environment.filter_keys}


def longest_episode(choice: EnvironmentChoice) -> int | None:
    """The steps after which the environment ends every episode; ``None`` where its arguments do not say."""
    limits = [] if choice.id is None else [choice.kwargs.get("max_episode_steps")]  # gymnasium's own argument
    if choice.id == DEFAULT_ENVIRONMENT:
        limits.append(choice.kwargs.get("max_steps", MAX_STEPS))
    return min((limit for limit in limits if type(limit) is int and limit > 0), default=None)


def tells_success(choice: EnvironmentChoice) -> bool:
    """Whether the environment says of every episode whether it was a success."""
    return choice.id == DEFAULT_ENVIRONMENT


def impossible_episodes(
    choice: EnvironmentChoice, returns: NDArray[Any], lengths: NDArray[Any], successes: NDArray[Any] | None = None
) -> Iterator[str]:
    """Which episodes of *returns*, *lengths* and *successes* (of one shape) no policy could have had there."""
    longest = longest_episode(choice)
    if longest is not None and lengths.size and lengths.max() > longest:
        yield f"an episode of {lengths.max()} steps, where the environment ends one after {longest}"
    if choice.id != DEFAULT_ENVIRONMENT:
        return
    steps = lengths.astype(np.float64)
    rounding = _ROUNDING * (steps + 1)
    most = steps * (MOST_PROGRESS - STEP_COST) + ARRIVAL_BONUS + rounding
    least = -steps * (MOST_PROGRESS + STEP_COST) - COLLISION_PENALTY - rounding
    for wrong in (returns > most, returns < least):
        for reward, length in zip(returns[wrong][:1], lengths[wrong][:1], strict=True):
            yield f"a return of {reward} in {length} steps"
    if successes is None:
        return
    poor = successes & (returns < ARRIVAL_BONUS + LEAST_GAIN - steps * STEP_COST - rounding)
    for reward, length in zip(returns[poor][:1], lengths[poor][:1], strict=True):
        yield f"a success with a return of {reward} in {length} steps"
