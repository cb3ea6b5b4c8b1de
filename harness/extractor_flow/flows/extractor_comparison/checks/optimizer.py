"""Holds the optimizer inside a saved model against the schedule, and the way that the weights went against both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.readers.models import OPTIMIZER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Model, Optimizer

# With its standard betas, no update of Adam moves a number further than 7.3 times the learning rate.
_FARTHEST = 10.0
_ROUNDING = 1e-6
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


def check_optimizer(job: Claims, path: str, step: int, model: Model, optimizer: Optimizer) -> Iterator[Violation]:
    """The optimizer beside *model* made the updates that are due by *step*, on its tensors, at the plan's rate."""
    claims = (
        *_count(job.plan, optimizer, updates_by(job.plan, step)),
        *_numbers(optimizer),
        *_tensors(job.plan, model, optimizer),
    )
    for claim, found in claims:
        yield Violation(path, OPTIMIZER, claim, found, "evidence")
    rate = job.plan.algorithm["learning_rate"]
    if not optimizer.rates or any(each != rate for each in optimizer.rates):
        yield Violation(path, OPTIMIZER, f"learning rates {brief(optimizer.rates)}", f"the job has {rate}", "evidence")


def check_weight_displacement(job: Claims, path: str, models: tuple[Model, Model], updates: int) -> Iterator[Violation]:
    """*updates* updates led from the first of *models* to the second, which is at *path*: none can go so far."""
    earlier, later = (model.weights for model in models)
    reach = updates * float(job.plan.algorithm["learning_rate"]) * _FARTHEST
    for name in sorted(earlier.keys() & later.keys()):
        before, after = earlier[name], later[name]
        if before.shape != after.shape or not before.size or not _is_parameter(job.plan, name):
            continue
        if {before.dtype.str[1:], after.dtype.str[1:]} != {"f4"}:
            continue
        if not (np.isfinite(before).all() and np.isfinite(after).all()):
            continue
        way = float(np.abs(after.astype(np.float64) - before).max())
        largest = float(max(np.abs(before).max(), np.abs(after).max()))
        if way > reach + _ROUNDING * (updates + 1) * largest:
            claim = f"{brief(name)} after {updates} more updates of at most {reach:.3g} together"
            yield Violation(path, "", claim, f"a number moved by {way:.3g}", "evidence")
            return


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
        if kinds and _is_parameter(plan, name) and values.dtype.str[1:] not in kinds:
            yield f"{brief(name)} of {values.dtype}", f"its gradients are of {', '.join(sorted(kinds))}"
            return


def _is_parameter(plan: Plan, name: str) -> bool:
    """Whether the tensor *name* is one that is updated for sure: a user's own extractor may keep other numbers too."""
    return plan.extractor.preset is not None or EXTRACTORS not in name
