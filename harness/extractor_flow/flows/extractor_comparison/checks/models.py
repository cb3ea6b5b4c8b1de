"""Looks at the saved models: that they hold one trained policy, and how much it was trained."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.findings import Unchecked, Violation, brief, read_or_violation
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.model_files import check_unclaimed, check_weights_metadata
from extractor_flow.flows.extractor_comparison.checks.model_globals import check_globals
from extractor_flow.flows.extractor_comparison.checks.model_origin import check_origin
from extractor_flow.flows.extractor_comparison.checks.optimizer import (
    check_optimizer,
    check_weight_displacement,
    may_end_early,
    updates_in,
)
from extractor_flow.flows.extractor_comparison.checks.ppo_settings import check_settings
from extractor_flow.flows.extractor_comparison.checks.spaces import (
    check_evaluated_lengths,
    check_spaces,
    check_trained_lengths,
)
from extractor_flow.readers.models import OPTIMIZER, POLICY, read_model, read_optimizer
from extractor_flow.readers.weights import digest_of, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.readers.models import Model, Optimizer
    from extractor_flow.readers.weights import Weights

_EXTRACTOR = "features_extractor."
_TIMED = ("final_model", "best_model", "monitor", "tensorboard")
_CHECKPOINT = re.compile(r"checkpoint_([0-9]+)")


@dataclass
class _Seen:
    """The models of one job by their steps: the first one that was looked at, and where it is."""

    paths: dict[int, str] = field(default_factory=dict)
    models: dict[int, Model] = field(default_factory=dict)
    optimizers: dict[int, Optimizer] = field(default_factory=dict)


def check_models(job: Claims) -> Iterator[Violation | Unchecked]:
    """What is wrong with the weights and the models of *job*."""
    final, policy = job.path(layout.FINAL_MODEL), job.path(layout.WEIGHTS)
    seen = _Seen()
    for step, path in ((job.outcome.training_steps, final), *_others(job)):
        yield from read_or_violation(path, _check_saved(job, path, step, seen))
    yield from read_or_violation(policy, _check_policy(job, policy, seen))
    yield from read_or_violation(job.path(layout.EVALUATIONS), check_evaluated_lengths(job))
    yield from read_or_violation(job.path(layout.MONITOR), check_trained_lengths(job))
    yield from _check_counts(job, final, seen)
    yield from _check_learning(job, seen)


def check_jobs_differ(jobs: Sequence[Claims]) -> Iterator[Violation]:
    """No two jobs leave the same file where it tells the time; nor the same weights if seed or network differ.

    Nor does one leave a model that its record does not claim.
    """
    yield from read_or_violation("", check_unclaimed(jobs))
    first: dict[tuple[str, str], Claims] = {}
    for job in jobs:
        for role, artifact in job.outcome.artifacts.items():
            if role != "policy" and role not in _TIMED and not _CHECKPOINT.fullmatch(role):
                continue
            other = first.setdefault((role, artifact.sha256), job)
            if other is not job and not (role == "policy" and _may_be_equal(job, other)):
                for one, two in ((job, other), (other, job)):
                    what = f"the same file as {two.record.label} has"
                    yield Violation(one.outcome.artifacts[role].path, "", f"is of {one.record.label}", what, "evidence")


def _may_be_equal(one: Claims, two: Claims) -> bool:
    """Whether equal weights are what two trainings should give: from the same seed, one network under two names."""
    starts = [job.outcome.details.get("untrained_weights_sha256") for job in (one, two)]
    return one.record.seed == two.record.seed and (one.plan == two.plan or starts[0] == starts[1])


def _others(job: Claims) -> Iterator[tuple[int, str]]:
    """The steps and paths of the other models: checkpoints, and the best one."""
    best = job.outcome.metrics.get("best_timestep")
    if isinstance(best, int | float):
        yield int(best), job.path(layout.BEST_MODEL)
    for role, artifact in job.outcome.artifacts.items():
        if match := _CHECKPOINT.fullmatch(role):
            yield int(match[1]), artifact.path


def _check_policy(job: Claims, path: str, seen: _Seen) -> Iterator[Violation]:
    weights = job.run.read(path, read_weights)
    yield from check_weights_metadata(job, path)
    yield from _check_finite(path, weights)
    final = seen.models.get(job.outcome.training_steps)
    if final is not None and digest_of(final.weights) != digest_of(weights):
        yield Violation(path, "", f"holds the weights of {layout.FINAL_MODEL}", "other weights", "evidence")
    untrained = job.outcome.details.get("untrained_weights_sha256")
    artifact = job.outcome.artifacts.get("policy")
    if artifact is not None and untrained == artifact.sha256 and _learned(job, seen):
        yield Violation(path, "", "holds trained weights", "the weights of the untrained policy", "evidence")
    first = weights.get("mlp_extractor.policy_net.0.weight", weights.get("action_net.weight"))
    if first is not None and first.ndim == 2:  # noqa: PLR2004 - a matrix
        yield from job.metric("features_dim", first.shape[1], layout.WEIGHTS)


def _check_saved(job: Claims, path: str, step: int, seen: _Seen) -> Iterator[Violation | Unchecked]:
    """The model at *path* is of *step* steps, set and made as the others are, and equal to any other one saved then."""
    model = job.run.read(path, read_model)
    yield from check_globals(job, path, model)
    yield from _check_steps(path, model, step)
    yield from check_settings(job, path, model, step)
    yield from check_spaces(job, path, model)
    yield from check_origin(job, path, model)
    yield from _check_finite(path, model.weights)
    yield from _check_names(job, path, model, seen)
    seen.paths.setdefault(step, path)
    other = seen.models.setdefault(step, model)
    if digest_of(_lasting(job, other.weights)) != digest_of(_lasting(job, model.weights)):
        yield Violation(path, "", f"holds the weights after {step} steps", "others than another model does", "evidence")
    optimizer = job.run.read(path, read_optimizer)
    yield from check_optimizer(job, path, step, model, optimizer)
    yield from _check_untrained(job, path, step, model, optimizer)
    first = seen.optimizers.setdefault(step, optimizer)
    if _moments(first) != _moments(optimizer):
        for one, two in ((path, seen.paths[step]), (seen.paths[step], path)):
            yield Violation(one, OPTIMIZER, f"the state after {step} steps", f"{two} has another", "evidence")


def _check_untrained(job: Claims, path: str, step: int, model: Model, optimizer: Optimizer) -> Iterator[Violation]:
    """A model of step 0 is the untrained one; numbers that are not trained may have changed in the first evaluation."""
    whole = job.plan.extractor.preset is not None or len(model.weights) - len(model.aliases) == optimizer.tensors
    untrained = job.outcome.details.get("untrained_weights_sha256")
    if step == 0 and whole and _as_safetensors(model.weights) != untrained:
        yield Violation(path, "", "holds the untrained weights", "weights with another SHA-256", "evidence")


def _lasting(job: Claims, weights: Weights) -> Weights:
    """The tensors that only training changes; a user's own extractor may have others."""
    whole = job.plan.extractor.preset is not None
    return {name: values for name, values in weights.items() if whole or _EXTRACTOR not in name}


def _check_names(job: Claims, path: str, model: Model, seen: _Seen) -> Iterator[Violation]:
    """All models of a job have the same tensors; a user's own extractor may change its own while it is trained."""
    kinds = [
        {name: (array.shape, array.dtype.str) for name, array in _lasting(job, each.weights).items()}
        for each in (model, next(iter(seen.models.values()), model))
    ]
    due = {"action_net.weight", "value_net.weight"} - model.weights.keys()
    other = next(
        (name for name in sorted(kinds[0].keys() | kinds[1].keys()) if kinds[0].get(name) != kinds[1].get(name)), None
    )
    if due or other is not None:
        found = brief(min(due) if due else str(other))
        yield Violation(path, POLICY, "the tensors of the job's policy", f"others: {found}", "evidence")


def _moments(optimizer: Optimizer) -> str:
    arrays = itertools.chain(optimizer.means, optimizer.squares)
    return digest_of({str(number): array for number, array in enumerate(arrays)})


def _check_steps(path: str, model: Model, step: int) -> Iterator[Violation]:
    if model.num_timesteps != step:
        yield Violation(path, "data: $.num_timesteps", str(model.num_timesteps), f"it is of step {step}", "evidence")


def _check_finite(path: str, weights: Weights) -> Iterator[Violation]:
    for name, values in weights.items():
        if values.dtype.kind in "fc" and not np.isfinite(values).all():
            yield Violation(path, brief(name), "finite weights", "NaN or infinity", "evidence")


def _check_counts(job: Claims, path: str, seen: _Seen) -> Iterator[Violation]:
    """As many numbers as the job says were updated, the extractor's among them."""
    model, optimizer = seen.models.get(job.outcome.training_steps), seen.optimizers.get(job.outcome.training_steps)
    if model is None or optimizer is None:
        return
    metrics = job.outcome.metrics
    sizes = {name: values.size for name, values in model.weights.items() if name not in model.aliases}
    stored, updated = sum(sizes.values()), sum(math.prod(shape) for shape in optimizer.shapes)
    extractor = sum(size for name, size in sizes.items() if name.startswith(_EXTRACTOR))
    total, trainable = metrics.get("total_parameters", 0), metrics.get("trainable_parameters", 0)
    claimed = metrics.get("extractor_parameters", 0)
    if len(optimizer.shapes) == optimizer.tensors:
        yield from job.metric("total_parameters", updated, layout.FINAL_MODEL)
        yield from job.metric("trainable_parameters", updated, layout.FINAL_MODEL)
    if total > stored or updated > trainable or trainable > total:
        what = f"{layout.FINAL_MODEL} has {stored} numbers, of which {updated} were updated"
        yield job.contradicted("metrics.total_parameters", f"{total}, {trainable} trainable", what)
    if claimed > extractor or (stored == total and claimed != extractor):
        yield job.contradicted("metrics.extractor_parameters", claimed, f"{layout.FINAL_MODEL} has {extractor}")
    if claimed and trainable == total and updated <= total - claimed and _learned(job, seen):
        what = f"only {updated} of {total} numbers were ever updated: none of the extractor's"
        yield Violation(path, OPTIMIZER, "an extractor that was trained", what, "evidence")


def _check_learning(job: Claims, seen: _Seen) -> Iterator[Violation]:
    """Between two saved models of different steps the policy changed, and with it an extractor that can be trained.

    It changed by no more than the updates in between could change it.
    """
    metrics = job.outcome.metrics
    untrainable = metrics.get("total_parameters", 0) - metrics.get("trainable_parameters", 0)
    parts = {"policy": ""}
    if untrainable < metrics.get("extractor_parameters", 0):
        parts["extractor"] = _EXTRACTOR
    for earlier, later in itertools.pairwise(sorted(seen.models)):
        updates = _updates_between(seen, earlier, later)
        if updates is not None:
            yield from check_weight_displacement(
                job, seen.paths[later], (seen.models[earlier], seen.models[later]), updates
            )
        if updates == 0 and may_end_early(job.plan):
            continue
        for what, prefix in parts.items():
            before, after = (_part(seen.models[step].weights, prefix) for step in (earlier, later))
            if before and digest_of(before) == digest_of(after):
                claim = f"{later} steps of training"
                found = f"the {what} has the weights of step {earlier}"
                yield Violation(job.path(layout.FINAL_MODEL), "", claim, found, "evidence")


def _updates_between(seen: _Seen, earlier: int, later: int) -> int | None:
    """The updates from one model to the next, by their optimizers."""
    if not {earlier, later} <= seen.optimizers.keys():
        return None
    return max(0, updates_in(seen.optimizers[later]) - updates_in(seen.optimizers[earlier]))


def _learned(job: Claims, seen: _Seen) -> bool:
    """Whether there was an update, or should have been: passes that may end early may all end before the first."""
    final = seen.optimizers.get(job.outcome.training_steps)
    return final is None or bool(final.steps) or not may_end_early(job.plan)


def _part(weights: Weights, prefix: str) -> Weights:
    return {name: values for name, values in weights.items() if name.startswith(prefix)}


def _as_safetensors(weights: Weights) -> str:
    """The SHA-256 of *weights* as the safetensors file that a job writes of them; empty where there can be none."""
    from safetensors.numpy import save

    if any(values.dtype.kind not in "fiub" for values in weights.values()):
        return ""
    return hashlib.sha256(save({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)})).hexdigest()
