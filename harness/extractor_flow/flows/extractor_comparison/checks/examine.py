"""Measures again, from what the jobs left, what they claim; no training, no PyTorch, nothing unpickled.

``evaluations.npz`` must give the rewards, the weights must be those of a policy that was trained, and the monitor and
event files must fit the steps, the time and each other. :mod:`.evidence_models` looks at the saved models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Unchecked, Violation, brief, read_or_violation
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.evidence.run_context import JOURNAL
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.evaluations import check_evaluations
from extractor_flow.flows.extractor_comparison.checks.event_file import check_events
from extractor_flow.flows.extractor_comparison.checks.job_files import Measurements
from extractor_flow.flows.extractor_comparison.checks.monitor import check_episodes, check_monitor
from extractor_flow.flows.extractor_comparison.checks.record import check_details
from extractor_flow.flows.extractor_comparison.checks.schedule import checkpoint_count, checkpoint_steps
from extractor_flow.flows.extractor_comparison.checks.skips import check_skips
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.records import JobRecord

_ROLES = {
    "final_model": layout.FINAL_MODEL,
    "best_model": layout.BEST_MODEL,
    "policy": layout.WEIGHTS,
    "evaluations": layout.EVALUATIONS,
    "monitor": layout.MONITOR,
    "metrics": layout.METRICS,
}


@dataclass(frozen=True)
class Claims(JobClaims):
    """What one completed job claims, and what it was to do."""

    plan: Plan


def evidence_of(run: RunContext) -> Iterator[Violation | Unchecked]:
    """Everything in *run* that its artifacts contradict."""
    from extractor_flow.flows.extractor_comparison.checks.models import check_jobs_differ, check_models

    yield from check_skips(run)
    claims = [claim for record in run.records if (claim := _claims(run, record)) is not None]
    for claim in claims:
        yield from _check_job(claim)
        yield from check_models(claim)
        if run.deep:
            yield from _deep(claim)
    yield from check_jobs_differ(claims)


def _deep(job: Claims) -> Iterator[Violation | Unchecked]:
    try:
        from extractor_flow.flows.extractor_comparison.checks.torch_reload import check_with_torch
    except ImportError as error:
        yield Unchecked(job.record.directory, f"with PyTorch, which cannot be imported here: {error}")
        return
    yield from check_with_torch(job)


def _claims(run: RunContext, record: JobRecord) -> Claims | None:
    if not isinstance(record.outcome, Completed):
        return None
    return Claims(run, record, record.outcome, Plan.from_parameters(run.parameters[record.job_key]))


def _check_job(job: Claims) -> Iterator[Violation | Unchecked]:
    yield from _check_roles(job)
    yield from check_details(job)
    yield from read_or_violation(job.path(layout.METRICS), _check_metrics_file(job))
    measured = Measurements.read(job)
    yield from measured.found
    yield from check_evaluations(job, measured)
    yield from check_events(job, measured)
    yield from check_monitor(job, measured)
    yield from check_episodes(job, measured)


def _check_roles(job: Claims) -> Iterator[Violation]:
    """The artifacts are those of a training that ended, under their own names."""
    claimed = {role: artifact.path for role, artifact in job.outcome.artifacts.items()}
    if (count := checkpoint_count(job.plan)) > len(claimed):
        yield job.contradicted("artifacts", f"{len(claimed)} artifacts", f"the schedule gives {count} checkpoints")
        return
    names = {role: job.path(name) for role, name in _ROLES.items()}
    names |= {f"checkpoint_{step}": job.path(layout.checkpoint(step)) for step in checkpoint_steps(job.plan)}
    events = claimed.pop("tensorboard", None)
    if events is None or not events.startswith(job.path(f"{layout.TENSORBOARD}/")):
        yield job.contradicted("artifacts.tensorboard", events or "nothing", f"one in {layout.TENSORBOARD} is due")
    for role in sorted(names.keys() | claimed.keys()):
        if names.get(role) != claimed.get(role):
            claim, due = claimed.get(role, "nothing"), names.get(role, "nothing")
            yield job.contradicted(f"artifacts.{role}", claim, f"the schedule gives {due}")


def _check_metrics_file(job: Claims) -> Iterator[Violation]:
    path = job.path(layout.METRICS)
    data = require_object(job.run.read(path, read_json), path)
    outcome = job.outcome
    told = {
        "metrics": dict(outcome.metrics),
        "training_steps": outcome.training_steps,
        "details": dict(outcome.details),
    }
    for name in sorted(told.keys() | data.keys()):
        if data.get(name) != told.get(name):
            yield Violation(
                path, f"$.{name}", brief(data.get(name)), f"{JOURNAL} has {brief(told.get(name))}", "evidence"
            )
