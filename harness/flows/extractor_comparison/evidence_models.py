"""Looks at the saved models: that they hold one trained policy, and how much it was trained."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from harness.evidence import Violation, brief, guarded
from harness.flows.extractor_comparison import layout
from harness.readers.models import read_model, read_optimizer
from harness.readers.weights import digest_of, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.flows.extractor_comparison.evidence import Claims
    from harness.readers.models import Model, Optimizer
    from harness.readers.weights import Weights

_EXTRACTOR = "features_extractor."
_TIMED = ("final_model", "monitor", "tensorboard")
_CHECKPOINT = re.compile(r"checkpoint_([0-9]+)")


def check_models(job: Claims) -> Iterator[Violation]:
    """What is wrong with the weights and the models of *job*."""
    final, policy = job.path(layout.FINAL_MODEL), job.path(layout.WEIGHTS)
    seen: dict[int, Model] = {}
    yield from guarded(final, _check_final(job, final, seen))
    yield from guarded(policy, _check_policy(job, policy, seen))
    yield from guarded(final, _check_optimizer(job, final))
    for step, path in _others(job):
        yield from guarded(path, _check_saved(job, path, step, seen))
    yield from _check_learning(job, seen)


def check_jobs_differ(jobs: Sequence[Claims]) -> Iterator[Violation]:
    """No two jobs leave the same file where it tells the time; nor the same weights if their seed or plan differs."""
    first: dict[tuple[str, str], Claims] = {}
    for job in jobs:
        for role in (*_TIMED, "policy"):
            artifact = job.outcome.artifacts.get(role)
            if artifact is None:
                continue
            other = first.setdefault((role, artifact.sha256), job)
            same = (other.record.seed, other.plan) == (job.record.seed, job.plan)
            if other is not job and not (role == "policy" and same):
                for one, two in ((job, other), (other, job)):
                    what = f"the same file as {two.record.label} has"
                    yield Violation(one.outcome.artifacts[role].path, "", f"is of {one.record.label}", what, "evidence")


def _others(job: Claims) -> Iterator[tuple[int, str]]:
    """The steps and paths of the other models: checkpoints, and the best one."""
    best = job.outcome.metrics.get("best_timestep")
    if isinstance(best, int | float):
        yield int(best), job.path(layout.BEST_MODEL)
    for role, artifact in job.outcome.artifacts.items():
        if match := _CHECKPOINT.fullmatch(role):
            yield int(match[1]), artifact.path


def _check_final(job: Claims, path: str, seen: dict[int, Model]) -> Iterator[Violation]:
    model = job.run.read(path, read_model)
    seen[job.outcome.training_steps] = model
    yield from _check_steps(path, model, job.outcome.training_steps)
    yield from _check_settings(job, path, model)
    yield from _check_finite(path, model.weights)


def _check_settings(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The algorithm inside the model was set as the plan says, as far as the model tells."""
    due = {"seed": job.record.seed or 0, "n_envs": job.plan.schedule.num_envs, **job.plan.algorithm}
    for name, wanted in due.items():
        found = model.settings.get(name, wanted)
        if not isinstance(wanted, Mapping) and found != wanted:
            yield Violation(path, f"data: $.{name}", brief(found), f"the job has {brief(wanted)}", "evidence")


def _check_policy(job: Claims, path: str, seen: dict[int, Model]) -> Iterator[Violation]:
    weights = job.run.read(path, read_weights)
    yield from _check_finite(path, weights)
    final = seen.get(job.outcome.training_steps)
    if final is not None and digest_of(final.weights) != digest_of(weights):
        yield Violation(path, "", f"holds the weights of {layout.FINAL_MODEL}", "other weights", "evidence")
    untrained = job.outcome.details.get("untrained_weights_sha256")
    artifact = job.outcome.artifacts.get("policy")
    if artifact is not None and untrained == artifact.sha256:
        yield Violation(path, "", "holds trained weights", "the weights of the untrained policy", "evidence")
    first = weights.get("mlp_extractor.policy_net.0.weight", weights.get("action_net.weight"))
    if first is not None and first.ndim == 2:  # noqa: PLR2004 - a matrix
        yield from job.metric("features_dim", first.shape[1], layout.WEIGHTS)


def _check_saved(job: Claims, path: str, step: int, seen: dict[int, Model]) -> Iterator[Violation]:
    """A model saved after *step* steps has that many, and the weights of any other one saved then."""
    model = job.run.read(path, read_model)
    yield from _check_steps(path, model, step)
    yield from _check_finite(path, model.weights)
    other = seen.setdefault(step, model)
    if digest_of(other.weights) != digest_of(model.weights):
        yield Violation(path, "", f"holds the weights after {step} steps", "others than another model does", "evidence")
    untrained = job.outcome.details.get("untrained_weights_sha256")
    if step == 0 and _as_safetensors(model.weights) != untrained:
        yield Violation(path, "", "holds the untrained weights", "weights with another SHA-256", "evidence")


def _check_steps(path: str, model: Model, step: int) -> Iterator[Violation]:
    if model.num_timesteps != step:
        yield Violation(path, "data: $.num_timesteps", str(model.num_timesteps), f"it is of step {step}", "evidence")


def _check_finite(path: str, weights: Weights) -> Iterator[Violation]:
    for name, values in weights.items():
        if values.dtype.kind in "fc" and not np.isfinite(values).all():
            yield Violation(path, brief(name), "finite weights", "NaN or infinity", "evidence")


def _check_optimizer(job: Claims, path: str) -> Iterator[Violation]:
    """The optimizer in the model made as many updates as the plan has, on as many numbers as the job says."""
    optimizer = job.run.read(path, read_optimizer)
    model = job.run.read(path, read_model)
    updates = _updates(job)
    wrong = [step for step in optimizer.steps if not 1 <= step <= updates]
    if "target_kl" not in job.plan.algorithm or job.plan.algorithm["target_kl"] is None:
        wrong = [step for step in optimizer.steps if step != updates]
    if wrong or not optimizer.steps:
        claim = f"{wrong[0] if wrong else 'no'} updates in the optimizer's state"
        yield Violation(path, "policy.optimizer.pth", claim, f"the plan gives {updates}", "evidence")
    yield from _check_counts(job, path, model, optimizer)


def _updates(job: Claims) -> int:
    plan = job.plan
    batches = -(-plan.rollout // int(plan.algorithm["batch_size"]))
    return plan.steps_to_do // plan.rollout * int(plan.algorithm["n_epochs"]) * batches


def _check_counts(job: Claims, path: str, model: Model, optimizer: Optimizer) -> Iterator[Violation]:
    metrics = job.outcome.metrics
    sizes = {name: values.size for name, values in model.weights.items() if name not in model.aliases}
    stored, updated = sum(sizes.values()), sum(int(np.prod(shape)) for shape in optimizer.shapes)
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
    if claimed and trainable == total and updated <= total - claimed:
        what = f"only {updated} of {total} numbers were ever updated: none of the extractor's"
        yield Violation(path, "policy.optimizer.pth", "an extractor that was trained", what, "evidence")


def _check_learning(job: Claims, seen: dict[int, Model]) -> Iterator[Violation]:
    """Between two saved models of different steps the policy changed, and with it an extractor that can be trained."""
    steps = sorted(seen)
    metrics = job.outcome.metrics
    untrainable = metrics.get("total_parameters", 0) - metrics.get("trainable_parameters", 0)
    parts = {"policy": ""}
    if untrainable < metrics.get("extractor_parameters", 0):
        parts["extractor"] = _EXTRACTOR
    for earlier, later in itertools.pairwise(steps):
        for what, prefix in parts.items():
            before, after = (_part(seen[step].weights, prefix) for step in (earlier, later))
            if before and digest_of(before) == digest_of(after):
                claim = f"{later} steps of training"
                found = f"the {what} has the weights of step {earlier}"
                yield Violation(job.path(layout.FINAL_MODEL), "", claim, found, "evidence")


def _part(weights: Weights, prefix: str) -> Weights:
    return {name: values for name, values in weights.items() if name.startswith(prefix)}


def _as_safetensors(weights: Weights) -> str:
    """The SHA-256 of *weights* as the safetensors file that a job writes of them."""
    from safetensors.numpy import save

    return hashlib.sha256(save({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)})).hexdigest()
