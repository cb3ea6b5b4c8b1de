"""The weights of the saved models: that they are those of one policy, and how far it was trained."""

from __future__ import annotations

import hashlib
import itertools
import math
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.algorithms.defaults import first_value, value_at
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.models.optimizer import (
    EXTRACTORS,
    is_parameter,
    is_searched,
    is_target,
    may_end_early,
    updates_by,
)
from extractor_flow.readers.models import POLICY
from extractor_flow.readers.text import decode, parse, require_object
from extractor_flow.readers.weights import HEADER_LIMIT, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.algorithms.declared import Optimized
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims, Saved
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Optimizer
    from extractor_flow.readers.weights import Weights

# With its standard betas, no update of Adam moves a number further than 7.3 times the learning rate.
_FARTHEST = 10.0
# Each update rounds a number of 32 bits, by at most 6e-8 of its size.
_ROUNDING = 1e-6


@check("ppo-weights", reads=("policy", "final_model", "best_model"))
def weights(job: Claims) -> Iterator[Violation]:
    """All models have the tensors of one policy, finite; those of one step are equal; the final weights are no others.

    Catches: weights, an optimizer or a checkpoint of another training, weights with NaN, a trained model called the
    untrained one. Cannot catch: another model of the same shapes in every file.
    """
    path = job.path(layout.WEIGHTS)
    for where, each in ((path, job.policy), *((saved.path, saved.model.weights) for saved in job.saved)):
        yield from _demand_finite(where, each)
    if metadata := job.run.read(path, _read_words):
        yield contradiction(path, "__metadata__", sorted(metadata), "a job writes no words into its weights")
    if digest_of(job.final.model.weights) != digest_of(job.policy):
        yield contradiction(path, "", f"holds the weights of {layout.FINAL_MODEL}", "other weights")
    for saved in job.saved:
        yield from _compare_names(job, saved)
        yield from _compare_equals(job, saved)
        yield from _compare_untrained(job, saved)


@check("ppo-parameters", reads=("policy", "final_model"))
def parameters(job: Claims) -> Iterator[Violation]:
    """The numbers of parameters and features in the record are those of the final model.

    Catches: a smaller or larger network told. Cannot catch: parameters of a user's own extractor that no gradient met.
    """
    model, metrics, trainer = job.final.model, job.outcome.metrics, job.plan.trainer
    first = next((job.policy[name] for name in trainer.first if name in job.policy), None)
    if first is not None and first.ndim == 2:  # noqa: PLR2004 - a matrix
        yield from job.metric("features_dim", first.shape[1], layout.WEIGHTS)
    shapes = [shape for each in job.final.optimizers.values() for shape in each.shapes]
    sizes = {name: values.size for name, values in model.weights.items() if name not in model.aliases}
    stored, updated = sum(sizes.values()), sum(map(math.prod, shapes))
    following = sum(size for name, size in sizes.items() if is_target(job.plan, name))
    extractor = sum(size for name, size in sizes.items() if name.startswith(trainer.extractor))
    total, trainable = metrics.get("total_parameters", 0), metrics.get("trainable_parameters", 0)
    claimed = metrics.get("extractor_parameters", 0)
    if len(shapes) == job.final.tensors:
        yield from job.metric("total_parameters", updated + following, layout.FINAL_MODEL)
        yield from job.metric("trainable_parameters", updated, layout.FINAL_MODEL)
    if total > stored or updated > trainable or trainable > total:
        what = f"{layout.FINAL_MODEL} has {stored} numbers, of which {updated} were updated"
        yield job.contradicted("metrics.total_parameters", f"{total}, {trainable} trainable", what)
    if claimed > extractor or (stored == total and claimed != extractor):
        yield job.contradicted("metrics.extractor_parameters", claimed, f"{layout.FINAL_MODEL} has {extractor}")
    if is_searched(job.plan, trainer.extractor):
        return
    if claimed and trainable + following == total and updated + following <= total - claimed and _learned(job):
        what = f"only {updated} of {total} numbers were ever updated: none of the extractor's"
        yield contradiction(job.final.path, _acting(job.plan).member, "an extractor that was trained", what)


@check("ppo-learning", reads=("final_model", "best_model"))
def learning(job: Claims) -> Iterator[Violation]:
    """From one saved model to the next the policy and its extractor changed, by no more than its updates could do.

    Catches: a model that was not trained, an untrained one as the final one, weights scaled or replaced in one model.
    Cannot catch: training on other data.
    """
    untrained, artifact = job.outcome.details.get("untrained_weights_sha256"), job.outcome.artifacts.get("policy")
    if artifact is not None and untrained == artifact.sha256 and _learned(job):
        yield contradiction(artifact.path, "", "holds trained weights", "the weights of the untrained policy")
    parts = {"policy": ""} | ({"extractor": job.plan.trainer.extractor} if _trains_extractor(job) else {})
    for earlier, later in itertools.pairwise(job.by_step.values()):
        updates = max(0, later.updates - earlier.updates)
        yield from _measure_distance(job, earlier, later, updates)
        if (updates == 0 and may_end_early(job.plan)) or _stands_still(job.plan, earlier.step, later.step):
            continue
        for what, prefix in parts.items():
            before, after = (_part(each.model.weights, prefix) for each in (earlier, later))
            if before and digest_of(before) == digest_of(after):
                found = f"the {what} has the weights of step {earlier.step}"
                yield contradiction(job.final.path, "", f"{later.step} steps of training", found)


def _trains_extractor(job: Claims) -> bool:
    """Whether numbers of the extractor are updated for sure; those of target networks follow, and are no others."""
    metrics = job.outcome.metrics
    following = sum(values.size for name, values in job.final.model.weights.items() if is_target(job.plan, name))
    untrainable = metrics.get("total_parameters", 0) - metrics.get("trainable_parameters", 0) - following
    searched = is_searched(job.plan, job.plan.trainer.extractor)
    return not searched and untrainable < metrics.get("extractor_parameters", 0)


def _acting(plan: Plan) -> Optimized:
    """The optimizer of the network that acts."""
    return plan.trainer.optimized[0]


def _stands_still(plan: Plan, step: int, later: int) -> bool:
    """Whether the acting network cannot have changed from *step* to *later*: no update, or a rate that fell to 0."""
    rate = value_at(plan.algorithm["learning_rate"], step + plan.rollout, plan.schedule.total_timesteps)
    return rate == 0.0 or updates_by(plan, later, _acting(plan)) == updates_by(plan, step, _acting(plan))


def _demand_finite(path: str, weights: Weights) -> Iterator[Violation]:
    for name, values in weights.items():
        if values.dtype.kind in "fc" and not np.isfinite(values).all():
            yield contradiction(path, name, "finite weights", "NaN or infinity")


def _compare_names(job: Claims, saved: Saved) -> Iterator[Violation]:
    """All models of a job have the same tensors; a user's own extractor may change its own while it is trained."""
    kinds = [
        {name: (array.shape, array.dtype.str) for name, array in _lasting(job, each.model.weights).items()}
        for each in (saved, job.final)
    ]
    names = sorted(kinds[0].keys() | kinds[1].keys())
    lacking = set(job.plan.trainer.required) - saved.model.weights.keys()
    others = [*sorted(lacking), *(name for name in names if kinds[0].get(name) != kinds[1].get(name))]
    if others:
        yield contradiction(saved.path, POLICY, "the tensors of the job's policy", f"others: {others[0]}")


def _compare_equals(job: Claims, saved: Saved) -> Iterator[Violation]:
    """Two models of one step, such as the final one and a checkpoint, are equal."""
    first = next(each for each in job.saved if each.step == saved.step)
    if digest_of(_lasting(job, first.model.weights)) != digest_of(_lasting(job, saved.model.weights)):
        yield contradiction(saved.path, "", f"holds the weights after {saved.step} steps", "others than another model")
    for of, optimizer in saved.optimizers.items():
        if _moments(first.optimizers[of]) != _moments(optimizer):
            for one, two in ((saved, first), (first, saved)):
                claim = f"the state after {saved.step} steps"
                yield contradiction(one.path, of.member, claim, f"{two.path} has another")


def _compare_untrained(job: Claims, saved: Saved) -> Iterator[Violation]:
    """A model of step 0 is the untrained one; numbers that are not trained may have changed in the first evaluation."""
    model = saved.model
    own = [name for name in model.weights if name not in model.aliases and not is_target(job.plan, name)]
    whole = job.plan.extractor.preset is not None or len(own) == saved.tensors
    untrained = job.outcome.details.get("untrained_weights_sha256")
    if saved.step == 0 and whole and safetensors_digest(model.weights) != untrained:
        yield contradiction(saved.path, "", "holds the untrained weights", "weights with another SHA-256")


def _measure_distance(job: Claims, earlier: Saved, later: Saved, updates: int) -> Iterator[Violation]:
    """*updates* updates led from *earlier* to *later*: none can go so far.

    A target network lies where its network was at some time before, so it may make up for any of its updates.
    """
    rate, done = first_value(job.plan.algorithm["learning_rate"]), updates
    for name in sorted(earlier.model.weights.keys() & later.model.weights.keys()):
        updates = later.updates if is_target(job.plan, name) else done
        reach = updates * rate * _FARTHEST
        before, after = earlier.model.weights[name], later.model.weights[name]
        if before.shape != after.shape or not before.size or not is_parameter(job.plan, name):
            continue
        if is_searched(job.plan, name):
            continue
        if {before.dtype.str[1:], after.dtype.str[1:]} != {"f4"} or not np.isfinite([before, after]).all():
            continue
        way = float(np.abs(after.astype(np.float64) - before).max())
        largest = float(max(np.abs(before).max(), np.abs(after).max()))
        if way > reach + _ROUNDING * (updates + 1) * largest:
            claim = f"{name} after {updates} more updates of at most {reach:.3g} together"
            yield contradiction(later.path, "", claim, f"a number moved by {way:.3g}")
            return


def _learned(job: Claims) -> bool:
    """Whether what acts was updated, or should have been: passes that may end early may all end before the first."""
    updates = updates_by(job.plan, job.plan.steps_to_do, _acting(job.plan))
    return updates > 0 and (job.final.updates > 0 or not may_end_early(job.plan))


def _lasting(job: Claims, weights: Weights) -> Weights:
    """The tensors that only training changes; a user's own extractor may have others."""
    whole = job.plan.extractor.preset is not None
    return {name: values for name, values in weights.items() if whole or EXTRACTORS not in name}


def _part(weights: Weights, prefix: str) -> Weights:
    return {name: values for name, values in weights.items() if name.startswith(prefix)}


def _moments(optimizer: Optimizer) -> str:
    arrays = itertools.chain(optimizer.means, optimizer.squares)
    return digest_of({str(number): array for number, array in enumerate(arrays)})


def safetensors_digest(weights: Weights) -> str:
    """The SHA-256 of *weights* as the safetensors file that a job writes of them; empty where there can be none."""
    from safetensors.numpy import save

    if any(values.dtype.kind not in "fiub" for values in weights.values()):
        return ""
    return hashlib.sha256(save({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)})).hexdigest()


def _read_words(stream: BinaryIO, where: str) -> list[str]:
    """The metadata in the header of the safetensors file *stream*; other readers check the rest."""
    length = int.from_bytes(stream.read(8), "little")
    header = stream.read(length) if length <= HEADER_LIMIT else b"{}"
    metadata = require_object(parse(decode(header, where), where), where).get("__metadata__")
    return [f"{key}: {value}" for key, value in metadata.items()] if isinstance(metadata, dict) else []
