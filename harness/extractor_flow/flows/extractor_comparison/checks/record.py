"""Looks at what a record says of its job: every name known, nothing due left out, and what follows from the plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, training_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.checks.examine import Claims

_DUE = frozenset(
    {
        "untrained_mean_reward",
        "best_mean_reward",
        "best_timestep",
        "final_mean_reward",
        "final_std_reward",
        "reward_gain",
        "eval_episodes",
        "total_parameters",
        "trainable_parameters",
        "extractor_parameters",
        "features_dim",
    }
)
_POSSIBLE = frozenset({"convergence_timestep", "untrained_success_rate", "best_success_rate", "final_success_rate"})
_DETAILS = frozenset(
    {
        "curve",
        "requested_steps",
        "seeds",
        "environment",
        "device",
        "torch_threads",
        "versions",
        "untrained_weights_sha256",
    }
)
_PACKAGES = frozenset({"gymnasium", "numpy", "stable_baselines3", "torch"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_details(job: Claims) -> Iterator[Violation]:
    """What is wrong with the steps, the names of the metrics, and the details of *job*."""
    plan, outcome = job.plan, job.outcome
    if outcome.training_steps != plan.steps_to_do:
        yield job.contradicted("training_steps", outcome.training_steps, f"the plan gives {plan.steps_to_do}")
    yield from _check_names(job)
    yield from _check_plan(job)
    yield from _check_presence(job)
    yield from job.run.check_device(job.record, outcome.details.get("device"), plan.device)


def _check_names(job: Claims) -> Iterator[Violation]:
    metrics, details = job.outcome.metrics, job.outcome.details
    for name in sorted(metrics.keys() - _DUE - _POSSIBLE):
        yield job.contradicted(f"metrics.{name}", metrics[name], "no training of this flow measures it")
    for name in sorted(_DUE - metrics.keys()):
        yield job.contradicted(f"metrics.{name}", "nothing", "every training measures it")
    for name in sorted(details.keys() - _DETAILS):
        yield job.contradicted(f"details.{name}", details[name], "no training of this flow tells it")


def _check_plan(job: Claims) -> Iterator[Violation]:
    """What follows from the plan and the seed alone."""
    plan, details, seed = job.plan, job.outcome.details, job.record.seed or 0
    first = training_seed(seed)
    due = {
        "requested_steps": plan.schedule.total_timesteps,
        "environment": plan.environment.name,
        "torch_threads": plan.threads,
    }
    seeds = {
        "training": job.record.seed,
        "environments": [first + number for number in range(plan.schedule.num_envs)],
        "evaluation": evaluation_seeds(seed, plan.schedule.n_eval_episodes),
    }
    for name, wanted in due.items():
        if details.get(name) != wanted:
            yield job.contradicted(f"details.{name}", details.get(name), f"the job has {wanted!r}")
    told = details.get("seeds")
    if not isinstance(told, dict) or told.keys() - seeds.keys():
        yield job.contradicted("details.seeds", told, f"the seeds are {', '.join(seeds)}")
        return
    for name, wanted in seeds.items():
        if told.get(name) != wanted:
            yield job.contradicted(f"details.seeds.{name}", told.get(name), f"the job has {wanted!r}")


def _check_presence(job: Claims) -> Iterator[Violation]:
    """What nothing but the training could know, and so must be told."""
    details = job.outcome.details
    digest, versions = details.get("untrained_weights_sha256"), details.get("versions")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        yield job.contradicted("details.untrained_weights_sha256", digest, "a SHA-256 is due")
    known = versions if isinstance(versions, dict) else {}
    if known.keys() != _PACKAGES or not all(isinstance(version, str) and version for version in known.values()):
        yield job.contradicted("details.versions", versions, f"those of {', '.join(sorted(_PACKAGES))} are due")
