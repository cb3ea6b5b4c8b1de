"""When a plan's policy is evaluated, saved and updated, worked out from the plan alone: a second opinion.

The counts are arithmetic, whatever the plan; the lists are as long as their counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor_flow.flows.extractor_comparison.plan import Plan


def rollouts(plan: Plan) -> int:
    """How many rollouts the plan has, each followed by an update of the policy."""
    return plan.steps_to_do // plan.rollout


def evaluation_count(plan: Plan) -> int:
    """How many evaluations are due."""
    every = plan.schedule.eval_freq
    at_the_end = plan.steps_to_do // every > (plan.steps_to_do - plan.rollout) // every
    return 1 + _count(plan, every) + (0 if at_the_end else 1)


def evaluation_steps(plan: Plan) -> list[int]:
    """The steps at which a policy of *plan* is evaluated: untrained, on the schedule, and at the end."""
    due = _crossings(plan, plan.schedule.eval_freq)
    return [0, *due, *([plan.steps_to_do] if due[-1:] != [plan.steps_to_do] else [])]


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
