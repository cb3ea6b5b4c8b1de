"""Checks a record against its job's plan: no unknown name, nothing missing, and the values that follow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import check
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.algorithms.defaults import capacity
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.expected import checkpoint_count, checkpoint_steps
from extractor_flow.flows.extractor_comparison.checks.models.optimizer import passes_by
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.flows.extractor_comparison.repeatability import Finding, Repeatability
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, held_out_seeds, training_seed
from extractor_flow.layout import JOURNAL
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.job_contract import REPEATABILITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims

_PACKAGES = frozenset({"gymnasium", "numpy", "stable_baselines3", "torch"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


@check("ppo-artifacts")
def artifacts(job: Claims) -> Iterator[Violation]:
    """The artifacts are those of a training that ended by its schedule, under their own names.

    Catches: a checkpoint left out, one invented, one of another place. Cannot catch: what is in them.
    """
    claimed = {role: artifact.path for role, artifact in job.outcome.artifacts.items()}
    if (count := checkpoint_count(job.plan)) > len(claimed):
        yield job.contradicted("artifacts", f"{len(claimed)} artifacts", f"the schedule gives {count} checkpoints")
        return
    names = {role: job.path(name) for role, name in CONTRACT.paths.items()}
    if job.plan.environment.normalize is None:
        del names["normalization"]
    names |= {f"checkpoint_{step}": job.path(layout.checkpoint(step)) for step in checkpoint_steps(job.plan)}
    claimed.pop("tensorboard", None)  # named after the moment; the contract says where it is
    for role in sorted(names.keys() | claimed.keys()):
        if names.get(role) != claimed.get(role):
            claim, expected = claimed.get(role, "nothing"), names.get(role, "nothing")
            yield job.contradicted(f"artifacts.{role}", claim, f"the schedule gives {expected}")


@check("ppo-record")
def record(job: Claims) -> Iterator[Violation]:
    """The steps, seeds, threads and environment are the plan's; digest and versions are told.

    Catches: fewer steps than planned, other seeds, held-out episodes that selection saw, a digest or version not told.
    Cannot catch: a seed of another training told as this one's.
    """
    plan, outcome = job.plan, job.outcome
    if outcome.training_steps != plan.steps_to_do:
        yield job.contradicted("training_steps", outcome.training_steps, f"the plan gives {plan.steps_to_do}")
    yield from _compare_with_plan(job)
    yield from _compare_replay(job)
    yield from _demand_origin(job)
    yield from _compare_repeatability(job)
    yield from job.run.check_device(job.record, outcome.details.get("device"), plan.device)


@check("ppo-metrics-file")
def metrics_file(job: Claims) -> Iterator[Violation]:
    """The file of metrics that the job wrote says what its record says.

    Catches: a number changed in one of the two. Cannot catch: a number changed in both.
    """
    path, outcome = job.path(layout.METRICS), job.outcome
    data = require_object(job.run.read(path, read_json), path)
    claimed = {
        "metrics": dict(outcome.metrics),
        "training_steps": outcome.training_steps,
        "details": dict(outcome.details),
    }
    for name in sorted(claimed.keys() | data.keys()):
        if data.get(name) != claimed.get(name):
            yield contradiction(path, f"$.{name}", data.get(name), f"{JOURNAL} has {claimed.get(name)}")


def _compare_with_plan(job: Claims) -> Iterator[Violation]:
    """What follows from the plan and the seed alone."""
    plan, details, seed = job.plan, job.outcome.details, job.record.seed or 0
    first, seen = training_seed(seed), evaluation_seeds(seed, plan.schedule.n_eval_episodes)
    expected = {
        "requested_steps": plan.schedule.total_timesteps,
        "environment": plan.environment.name,
        "torch_threads": plan.threads,
        "evaluation_environment": None if plan.evaluation is None else plan.evaluation.name,
    }
    seeds = {
        "training": job.record.seed,
        "environments": [first + number for number in range(plan.schedule.num_envs)],
        "evaluation": seen,
        "held_out": held_out_seeds(seed, plan.schedule.final_eval_episodes, seen),
    }
    for name, wanted in expected.items():
        if details.get(name) != wanted:
            yield job.contradicted(f"details.{name}", details.get(name), f"the job has {wanted!r}")
    claimed = details.get("seeds")
    if not isinstance(claimed, dict) or claimed.keys() - seeds.keys():
        yield job.contradicted("details.seeds", claimed, f"the seeds are {', '.join(seeds)}")
        return
    for name, wanted in seeds.items():
        if claimed.get(name) != wanted:
            yield job.contradicted(f"details.seeds.{name}", claimed.get(name), f"the job has {wanted!r}")


def _compare_replay(job: Claims) -> Iterator[Violation]:
    """What follows from the plan of the updates and of what they are made from; others than a replay tell nothing."""
    plan = job.plan
    replays = plan.trainer.replays
    held = capacity(plan.algorithm, plan.schedule.num_envs) if replays else 0
    expected = {
        "gradient_updates": passes_by(plan, plan.steps_to_do) if replays else None,
        "replay_transitions": min(held, plan.steps_to_do) if replays else None,
    }
    for name, wanted in expected.items():
        yield from job.metric(name, wanted, "the plan")
    claimed = job.outcome.metrics.get("replay_bytes")
    if (claimed is not None) != replays or (claimed is not None and (claimed <= 0 or claimed % held)):
        yield job.contradicted("metrics.replay_bytes", claimed, f"whole bytes for each of {held} transitions are due")


def _compare_repeatability(job: Claims) -> Iterator[Violation]:
    """Check the probe's findings: in this package's own environment and extractors there are none."""
    claim = job.outcome.details.get(REPEATABILITY)
    claimed = Repeatability.from_json(claim)
    if claimed is None:
        yield job.contradicted(f"details.{REPEATABILITY}", claim, "what the probe of the environment writes is due")
        return
    of_extractor = {Finding.STATEFUL_EXTRACTOR} & set(claimed.findings)
    of_environment = {*claimed.differs, *claimed.findings} - of_extractor
    ours = all(choice.id == DEFAULT_ENVIRONMENT for choice in job.plan.environments)
    own = ours, job.plan.extractor.preset is not None
    if (own[0] and of_environment) or (own[1] and of_extractor):
        what = "this package's own environment does the same twice, and so do its extractors"
        yield job.contradicted(f"details.{REPEATABILITY}", claim, what)


def _demand_origin(job: Claims) -> Iterator[Violation]:
    """Require what only the training could know."""
    details = job.outcome.details
    digest, versions = details.get("untrained_weights_sha256"), details.get("versions")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        yield job.contradicted("details.untrained_weights_sha256", digest, "a SHA-256 is due")
    known = versions if isinstance(versions, dict) else {}
    expected = _PACKAGES | {job.plan.trainer.package}
    if known.keys() != expected or not all(isinstance(version, str) and version for version in known.values()):
        yield job.contradicted("details.versions", versions, f"those of {', '.join(sorted(expected))} are due")
