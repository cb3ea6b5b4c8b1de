"""When a plan's policy is evaluated and saved, worked out from the plan alone: a second opinion on the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.flows.extractor_comparison.plan import Plan


def evaluation_steps(plan: Plan) -> list[int]:
    """The steps at which a policy of *plan* is evaluated: untrained, on the schedule, and at the end."""
    due = _crossings(plan, plan.schedule.eval_freq)
    return [0, *due, *([plan.steps_to_do] if plan.steps_to_do not in due else [])]


def checkpoint_steps(plan: Plan) -> list[int]:
    """The steps after which a checkpoint of *plan* is saved."""
    return [] if plan.schedule.save_freq is None else _crossings(plan, plan.schedule.save_freq)


def _crossings(plan: Plan, every: int) -> list[int]:
    """The ends of rollouts by which another multiple of *every* was reached."""
    ends = range(plan.rollout, plan.steps_to_do + 1, plan.rollout)
    return [end for end in ends if end // every > (end - plan.rollout) // every]
