"""The optimizer inside a saved model against the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import brief
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.ppo_defaults import value_at
from extractor_flow.readers.models import OPTIMIZER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Model, Optimizer

EXTRACTORS = "features_extractor."


def updates_by(plan: Plan, steps: int) -> int:
    """The updates that a training by *plan* has made after *steps* steps, where nothing ends a pass early."""
    batches = -(-plan.rollout // int(plan.algorithm["batch_size"]))
    return steps // plan.rollout * int(plan.algorithm["n_epochs"]) * batches


def may_end_early(plan: Plan) -> bool:
    """Whether a pass may end before an update."""
    return plan.algorithm.get("target_kl") is not None


def updates_in(optimizer: Optimizer) -> int:
    """The updates that *optimizer* made."""
    return max(optimizer.steps, default=0)


def is_parameter(plan: Plan, name: str) -> bool:
    """Whether the tensor *name* is one that is updated for sure: a user's own extractor may keep other numbers too."""
    return plan.extractor.preset is not None or EXTRACTORS not in name


@check("ppo-optimizer", reads=("final_model", "best_model"))
def optimizer(job: Claims) -> Iterator[Violation]:
    """The optimizer in each model made the updates that the plan gives by its step, on its tensors, at the plan's rate.

    Catches: fewer updates than claimed, an optimizer that saw no gradients, one of another training. Cannot catch:
    updates on other data.
    """
    for saved in job.saved:
        rate = value_at(job.plan.algorithm["learning_rate"], saved.step, job.plan.schedule.total_timesteps)
        claims = (
            *_count(job.plan, saved.optimizer, updates_by(job.plan, saved.step)),
            *_numbers(saved.optimizer),
            *_tensors(job.plan, saved.model, saved.optimizer),
        )
        for claim, found in claims:
            yield contradiction(saved.path, OPTIMIZER, claim, found)
        rates = saved.optimizer.rates
        if not rates or any(each != rate for each in rates):
            yield contradiction(saved.path, OPTIMIZER, f"learning rates {brief(rates)}", f"the job has {rate}")


def _count(plan: Plan, optimizer: Optimizer, due: int) -> Iterator[tuple[str, str]]:
    """Every tensor that had a gradient was updated; the policy's own in every update."""
    most = updates_in(optimizer)
    wrong = [step for step in optimizer.steps if not 1 <= step <= due]
    if wrong or len(optimizer.steps) != len(optimizer.shapes) or (most != due and not may_end_early(plan)):
        yield f"{wrong[0] if wrong else most or 'no'} updates in the optimizer's state", f"the plan gives {due}"


def _numbers(optimizer: Optimizer) -> Iterator[tuple[str, str]]:
    """What Adam keeps are means of gradients, and means of their squares: none is negative, not all are nothing."""
    if [each.shape for each in optimizer.squares] != list(optimizer.shapes):
        yield "a mean square for each mean gradient", "others"
    if any(np.isnan(each).any() for each in (*optimizer.means, *optimizer.squares) if each.dtype.kind in "fc"):
        yield "means of gradients", "NaN"
    elif any((each.real < 0).any() for each in optimizer.squares if each.dtype.kind in "fci"):
        yield "means of squares", "a negative one"
    elif optimizer.squares and not any(each.any() for each in optimizer.squares):
        yield "an optimizer that saw gradients", "every one of them was 0"


def _tensors(plan: Plan, model: Model, optimizer: Optimizer) -> Iterator[tuple[str, str]]:
    """The optimizer's tensors are the model's, in its order; a user's own extractor may keep others beside them."""
    own = {name: values for name, values in model.weights.items() if name not in model.aliases}
    if plan.extractor.preset is not None:
        shapes = iter([values.shape for values in own.values()])
        if len(own) != optimizer.tensors or not all(shape in shapes for shape in optimizer.shapes):
            claim = f"{optimizer.tensors} tensors in the optimizer"
            yield claim, f"the policy has {len(own)}, or others"
    kinds = {each.dtype.str[1:] for each in optimizer.means}
    for name, values in own.items():
        if kinds and is_parameter(plan, name) and values.dtype.str[1:] not in kinds:
            yield f"{brief(name)} of {values.dtype}", f"its gradients are of {', '.join(sorted(kinds))}"
            return
