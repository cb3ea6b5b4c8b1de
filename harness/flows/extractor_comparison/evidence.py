"""Measures again, from what the jobs left, what they claim; no training, no PyTorch, nothing unpickled.

``evaluations.npz`` must give the rewards, the weights must be those of a policy that was trained, and the monitor and
event files must fit the steps and the time. :mod:`.evidence_models` looks at the saved models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.evidence import JOURNAL, Unchecked, Violation, brief, close, guarded
from harness.flows.extractor_comparison import layout
from harness.flows.extractor_comparison.curves import Curve
from harness.flows.extractor_comparison.evidence_schedule import checkpoint_steps, evaluation_steps
from harness.flows.extractor_comparison.plan import Plan
from harness.readers.arrays import read_npz
from harness.readers.errors import Kind, ReadError
from harness.readers.events import read_events
from harness.readers.monitor import read_monitor
from harness.readers.text import read_json, require_object
from harness.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from harness.evidence import RunEvidence
    from harness.records import JobRecord

_ROLES = {
    "final_model": layout.FINAL_MODEL,
    "best_model": layout.BEST_MODEL,
    "policy": layout.WEIGHTS,
    "evaluations": layout.EVALUATIONS,
    "monitor": layout.MONITOR,
    "metrics": layout.METRICS,
}
MOST_ROLLOUTS = 10_000_000
_CLOCK_STEP = 2.0
_FLOAT32 = 1e-6


@dataclass(frozen=True)
class Claims:
    """What one completed job claims, and what it was to do."""

    run: RunEvidence
    record: JobRecord
    outcome: Completed
    plan: Plan

    def path(self, name: str) -> str:
        """The path of a file of this job, relative to the run directory."""
        return f"{self.record.directory}/{name}"

    def contradicted(self, member: str, claim: object, found: object) -> Violation:
        """The violation that the journal claims *claim* as *member* of this job."""
        return self.run.contradicted(self.record, member, claim, found)

    def metric(self, name: str, found: float | None, source: str) -> Iterator[Violation]:
        """The violation that *source* gives *found* for the metric *name* (``None``: it does not exist), if it does."""
        claim = self.outcome.metrics.get(name)
        if claim is None or found is None:
            if claim is not found:
                yield self.contradicted(f"metrics.{name}", "nothing" if claim is None else claim, f"{source}: {found}")
        elif not close(claim, found):
            yield self.contradicted(f"metrics.{name}", claim, f"{source} gives {found!r}")


def evidence_of(run: RunEvidence) -> Iterator[Violation | Unchecked]:
    """Everything in *run* that its artifacts contradict."""
    from harness.flows.extractor_comparison.evidence_models import check_jobs_differ, check_models

    claims = [claim for record in run.records if (claim := _claims(run, record)) is not None]
    for claim in claims:
        if claim.plan.steps_to_do // claim.plan.rollout > MOST_ROLLOUTS:
            yield Unchecked(claim.record.directory, f"a schedule of more than {MOST_ROLLOUTS} rollouts")
            continue
        yield from _check_job(claim)
        yield from check_models(claim)
        if run.deep:
            yield from _deep(claim)
    yield from check_jobs_differ(claims)


def _deep(job: Claims) -> Iterator[Violation | Unchecked]:
    try:
        from harness.flows.extractor_comparison.evidence_deep import check_with_torch
    except ImportError as error:
        yield Unchecked(job.record.directory, f"with PyTorch, which cannot be imported here: {error}")
        return
    yield from check_with_torch(job)


def _claims(run: RunEvidence, record: JobRecord) -> Claims | None:
    if not isinstance(record.outcome, Completed):
        return None
    return Claims(run, record, record.outcome, Plan.from_parameters(run.parameters[record.job_key]))


def _check_job(job: Claims) -> Iterator[Violation]:
    yield from _check_roles(job)
    yield from _check_details(job)
    for name, check in (
        (layout.EVALUATIONS, _check_evaluations(job)),
        (layout.METRICS, _check_metrics_file(job)),
        (layout.MONITOR, _check_monitor(job)),
    ):
        yield from guarded(job.path(name), check)
    events = job.outcome.artifacts.get("tensorboard")
    if events is not None:
        yield from guarded(events.path, _check_events(job, events.path))


def _check_roles(job: Claims) -> Iterator[Violation]:
    """The artifacts are those of a training that ended, under their own names."""
    names = {role: job.path(name) for role, name in _ROLES.items()}
    names |= {f"checkpoint_{step}": job.path(layout.checkpoint(step)) for step in checkpoint_steps(job.plan)}
    claimed = {role: artifact.path for role, artifact in job.outcome.artifacts.items()}
    events = claimed.pop("tensorboard", None)
    if events is None or not events.startswith(job.path(f"{layout.TENSORBOARD}/")):
        yield job.contradicted("artifacts.tensorboard", events or "nothing", f"one in {layout.TENSORBOARD} is due")
    for role in sorted(names.keys() | claimed.keys()):
        if names.get(role) != claimed.get(role):
            claim, due = claimed.get(role, "nothing"), names.get(role, "nothing")
            yield job.contradicted(f"artifacts.{role}", claim, f"the schedule gives {due}")


def _check_details(job: Claims) -> Iterator[Violation]:
    plan, outcome = job.plan, job.outcome
    if outcome.training_steps != plan.steps_to_do:
        yield job.contradicted("training_steps", outcome.training_steps, f"the plan gives {plan.steps_to_do}")
    details = outcome.details
    seeds = details.get("seeds")
    told = {
        "requested_steps": (details.get("requested_steps"), plan.schedule.total_timesteps),
        "environment": (details.get("environment"), plan.environment.name),
        "torch_threads": (details.get("torch_threads"), plan.threads),
        "seeds.training": (seeds.get("training") if isinstance(seeds, dict) else None, job.record.seed),
    }
    for member, (claim, due) in told.items():
        if claim != due:
            yield job.contradicted(f"details.{member}", claim, f"the job has {due!r}")
    yield from job.run.check_device(job.record, details.get("device"), job.plan.device)


def _check_evaluations(job: Claims) -> Iterator[Violation]:
    path = job.path(layout.EVALUATIONS)
    arrays = job.run.read(path, read_npz)
    curve = _curve(arrays, path)
    steps = evaluation_steps(job.plan)
    if list(curve.timesteps) != steps:
        yield Violation(
            path, "timesteps", brief(list(curve.timesteps)), f"the schedule gives {brief(steps)}", "evidence"
        )
    yield from _check_curve(job, curve)
    last = arrays["results"][-1]
    gained = curve.mean_rewards[-1] - curve.untrained
    best = curve.timesteps.index(curve.best_timestep)
    measured: dict[str, float | None] = {
        "untrained_mean_reward": curve.untrained,
        "best_mean_reward": curve.best,
        "best_timestep": curve.best_timestep,
        "final_mean_reward": curve.mean_rewards[-1],
        "final_std_reward": float(np.std(last)),
        "reward_gain": gained,
        "eval_episodes": last.size,
        "convergence_timestep": curve.convergence_timestep(job.plan.convergence_fraction),
        "untrained_success_rate": _rate(arrays, 0),
        "best_success_rate": _rate(arrays, best),
        "final_success_rate": _rate(arrays, -1),
    }
    for name, found in measured.items():
        yield from job.metric(name, found, layout.EVALUATIONS)
    if last.size != job.plan.schedule.n_eval_episodes:
        what = f"the plan gives {job.plan.schedule.n_eval_episodes}"
        yield Violation(path, "results", f"{last.size} episodes an evaluation", what, "evidence")


def _curve(arrays: Mapping[str, NDArray[Any]], path: str) -> Curve:
    """The learning curve in *arrays*, which must be SB3's layout of finite rewards and whole episodes."""
    names = {"timesteps", "results", "ep_lengths"}
    if not names <= arrays.keys() <= {*names, "successes"}:
        raise ReadError(Kind.HEADER, path, f"holds {brief(sorted(arrays))}; expected {', '.join(sorted(names))}")
    timesteps, results = arrays["timesteps"], arrays["results"]
    shapes = {arrays[name].shape for name in arrays.keys() - {"timesteps"}}
    if timesteps.ndim != 1 or shapes != {results.shape} or results.ndim != 2 or results.shape[0] != timesteps.size:  # noqa: PLR2004
        raise ReadError(Kind.SHAPE, path, "the arrays do not fit each other")
    if not results.size or timesteps.dtype.kind != "i" or results.dtype.kind != "f" or timesteps[0] != 0:
        raise ReadError(Kind.HEADER, path, "the evaluations do not begin with the untrained policy at step 0")
    if not np.isfinite(results).all() or (arrays["ep_lengths"] < 1).any():
        raise ReadError(Kind.NOT_FINITE, path, "a reward that is not finite, or an episode without a step")
    return Curve(tuple(timesteps.tolist()), tuple(float(np.mean(row)) for row in results))


def _check_curve(job: Claims, measured: Curve) -> Iterator[Violation]:
    told = job.outcome.details.get("curve")
    try:
        claimed = Curve.from_json(told if isinstance(told, dict) else {})
    except (KeyError, TypeError, ValueError):
        claimed = None
    if claimed is None or claimed.timesteps != measured.timesteps:
        yield job.contradicted("details.curve", told, f"{layout.EVALUATIONS} gives {measured.to_json()!r}")
        return
    for position, (claim, found) in enumerate(zip(claimed.mean_rewards, measured.mean_rewards, strict=True)):
        if not close(claim, found):
            yield job.contradicted(f"details.curve.mean_rewards[{position}]", claim, f"{layout.EVALUATIONS}: {found!r}")


def _rate(arrays: Mapping[str, NDArray[Any]], row: int) -> float | None:
    return float(np.mean(arrays["successes"][row])) if "successes" in arrays else None


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


def _check_monitor(job: Claims) -> Iterator[Violation]:
    """Episodes that ended during the training: no more steps than it had, within its time."""
    path = job.path(layout.MONITOR)
    monitor = job.run.read(path, read_monitor)
    steps = int(monitor.lengths.sum())
    if steps > job.outcome.training_steps:
        yield job.contradicted("training_steps", job.outcome.training_steps, f"{layout.MONITOR} has {steps} steps")
    yield from _check_moment(job, path, "t_start", monitor.header.get("t_start"))
    duration = job.record.duration_seconds or 0.0
    if monitor.times.size and (np.diff(monitor.times) < 0).any():
        yield Violation(path, "t", "is in order of time", "a later row has an earlier time", "evidence")
    if monitor.times.size and monitor.times.max() > duration + _CLOCK_STEP:
        yield Violation(path, "t", f"{monitor.times.max()} s", f"the job took {duration} s", "evidence")


def _check_events(job: Claims, path: str) -> Iterator[Violation]:
    """TensorBoard was told of every evaluation, when the job ran."""
    scalars = job.run.read(path, read_events)
    yield from _check_moment(job, path, "first record", scalars.first_time)
    yield from _check_moment(job, path, "last record", scalars.last_time)
    told = scalars.values.get("eval/mean_reward", [])
    curve = job.outcome.details.get("curve", {})
    due = list(zip(curve.get("timesteps", ()), curve.get("mean_rewards", ()), strict=False))
    same = len(told) == len(due) and all(
        step == due_step and math.isclose(value, reward, rel_tol=_FLOAT32, abs_tol=_FLOAT32)
        for (step, value), (due_step, reward) in zip(told, due, strict=True)
    )
    if not same:
        yield Violation(path, "eval/mean_reward", brief(told), f"the journal has {brief(due)}", "evidence")


def _check_moment(job: Claims, path: str, place: str, moment: object) -> Iterator[Violation]:
    """*moment*, in seconds since 1970, lies between the start and the end of the job."""
    record = job.record
    begin, end = (datetime.fromisoformat(str(text)).timestamp() for text in (record.start_time, record.end_time))
    if not isinstance(moment, int | float) or not begin - _CLOCK_STEP <= moment <= end + _CLOCK_STEP:
        what = f"the job ran from {record.start_time} to {record.end_time}"
        yield Violation(path, place, brief(moment), what, "evidence")
