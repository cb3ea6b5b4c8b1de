"""The optimizer inside a saved model against the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import brief
from extractor_flow.flows.extractor_comparison.algorithms.defaults import value_at
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction, updates_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.algorithms.declared import Optimized
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Model, Optimizer

EXTRACTORS = "features_extractor."


def updates_by(plan: Plan, steps: int, of: Optimized | None = None) -> int:
    """The updates of *of*, or of the busiest optimizer, by *steps* steps of *plan*, where no pass ends early."""
    count = _replayed(plan, steps) if plan.trainer.replays else steps // plan.rollout * _updates_a_rollout(plan)
    return count if of is None or of.every is None else count // int(plan.algorithm[of.every])


def passes_by(plan: Plan, steps: int) -> int:
    """What stable_baselines3 counts as updates: those of a replay, else passes over a rollout."""
    return (
        _replayed(plan, steps)
        if plan.trainer.replays
        else steps // plan.rollout * int(plan.algorithm.get("n_epochs", 1))
    )


def last_update(plan: Plan, steps: int) -> int:
    """The step after which the last update by *steps* steps was made; 0 where there was none."""
    return steps // plan.rollout * plan.rollout if updates_by(plan, steps) else 0


def _updates_a_rollout(plan: Plan) -> int:
    """Passes times minibatches; A2C makes one update of all, and with TRPO only the value is learned in passes."""
    batch = plan.algorithm.get("batch_size", plan.rollout)
    passes = plan.algorithm.get("n_epochs", plan.algorithm.get("n_critic_updates", 1))
    return int(passes) * -(-plan.rollout // int(batch))


def _replayed(plan: Plan, steps: int) -> int:
    """Updates follow each rollout that ends after ``learning_starts``; -1 means one for each of its steps."""
    each = int(plan.algorithm["gradient_steps"])
    rollouts = steps // plan.rollout - min(steps, int(plan.algorithm["learning_starts"])) // plan.rollout
    return rollouts * (plan.rollout if each < 0 else each)


def may_end_early(plan: Plan) -> bool:
    """Whether a pass may end before an update."""
    return plan.trainer.ends_early and plan.algorithm.get("target_kl") is not None


def is_parameter(plan: Plan, name: str) -> bool:
    """Whether the tensor *name* is one that is updated for sure: a user's own extractor may keep other numbers too."""
    return plan.extractor.preset is not None or EXTRACTORS not in name


def is_target(plan: Plan, name: str) -> bool:
    """Whether the tensor *name* is of a network that follows another one."""
    return name.startswith(plan.trainer.targets)


def is_searched(plan: Plan, name: str) -> bool:
    """Whether a line search moves the tensor *name*, by any length or not at all; no optimizer keeps count of it."""
    values = plan.trainer.value_prefixes
    shared = plan.algorithm["policy"].get("share_features_extractor") and EXTRACTORS in name
    return bool(values) and (shared or not name.startswith(values))


@check("ppo-optimizer", reads=("final_model", "best_model"))
def optimizer(job: Claims) -> Iterator[Violation]:
    """Each optimizer in each model made the updates that the plan gives by its step, on its tensors, at its rate.

    Catches: fewer updates than claimed, an optimizer that saw no gradients, one of another training. Cannot catch:
    updates on other data.
    """
    for saved in job.saved:
        made = last_update(job.plan, saved.step)
        rate = value_at(job.plan.algorithm["learning_rate"], made, job.plan.schedule.total_timesteps)
        for of, each in saved.optimizers.items():
            claims = (
                *_count(job.plan, each, updates_by(job.plan, saved.step, of)),
                *_numbers(each),
                *_tensors(job.plan, saved.model, of, each),
            )
            for claim, found in claims:
                yield contradiction(saved.path, of.member, claim, found)
            if not each.rates or any(one != rate for one in each.rates):
                stored = f"learning rates {brief(each.rates)}"
                yield contradiction(saved.path, of.member, stored, f"the job has {rate}")


def _count(plan: Plan, optimizer: Optimizer, updates: int) -> Iterator[tuple[str, str]]:
    """Every tensor that had a gradient was updated; the policy's own in every update."""
    most = updates_in(optimizer)
    wrong = [step for step in optimizer.steps if not 1 <= step <= updates]
    if wrong or len(optimizer.steps) != len(optimizer.shapes) or (most != updates and not may_end_early(plan)):
        yield f"{wrong[0] if wrong else most or 'no'} updates in the optimizer's state", f"the plan gives {updates}"


def _numbers(optimizer: Optimizer) -> Iterator[tuple[str, str]]:
    """Adam keeps means of gradients and of their squares: no square is negative, and not all are zero."""
    if [each.shape for each in optimizer.squares] != list(optimizer.shapes):
        yield "a mean square for each mean gradient", "others"
    if any(np.isnan(each).any() for each in (*optimizer.means, *optimizer.squares) if each.dtype.kind in "fc"):
        yield "means of gradients", "NaN"
    elif any((each.real < 0).any() for each in optimizer.squares if each.dtype.kind in "fci"):
        yield "means of squares", "a negative one"
    elif optimizer.squares and not any(each.any() for each in optimizer.squares):
        yield "an optimizer that saw gradients", "every one of them was 0"


def _tensors(plan: Plan, model: Model, of: Optimized, optimizer: Optimizer) -> Iterator[tuple[str, str]]:
    """The optimizer's tensors are the model's, in its order; a user's own extractor may keep others beside them."""
    own = {
        name: values
        for name, values in model.weights.items()
        if name not in model.aliases and name.startswith(of.prefix)
    }
    if plan.extractor.preset is not None:
        shapes = iter([values.shape for values in own.values()])
        if len(own) != optimizer.tensors or not all(shape in shapes for shape in optimizer.shapes):
            claim = f"{optimizer.tensors} tensors in the optimizer"
            yield claim, f"the policy has {len(own)}, or others"
    kinds = {each.dtype.str[1:] for each in optimizer.squares}
    for name, values in own.items():
        if kinds and is_parameter(plan, name) and values.dtype.str[1:] not in kinds:
            yield f"{brief(name)} of {values.dtype}", f"its gradients are of {', '.join(sorted(kinds))}"
            return
