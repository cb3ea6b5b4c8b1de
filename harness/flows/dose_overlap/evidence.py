"""Measures again, from what the jobs left, what they claim; no training, and nothing unpickled.

Curves and bundle must give the recorded numbers; :mod:`.evidence_images` looks at the reconstructions, and
:mod:`.evidence_data` at the data that all of it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from harness.evidence import JOURNAL, Unchecked, Violation, brief, close, guarded
from harness.flows.dose_overlap import layout
from harness.flows.dose_overlap.study import Plan
from harness.readers.arrays import read_npz
from harness.readers.errors import Kind, ReadError
from harness.readers.text import decode, parse, read_json, require_object
from harness.readers.weights import HEADER_LIMIT, digest_of, read_weights
from harness.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.evidence import RunEvidence
    from harness.files import Json
    from harness.records import JobRecord

    Arrays = Mapping[str, NDArray[Any]]

_ROLES = {
    "bundle": layout.BUNDLE,
    "checkpoint": layout.CHECKPOINT,
    "curves": layout.CURVES,
    "reconstructions": layout.RECONSTRUCTIONS,
    "metrics": layout.METRICS,
}
_HEADER = "dose_overlap"
_NETWORK = "network."
_PREFIX = 8


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

    @property
    def improved(self) -> bool:
        """Whether some epoch is claimed to be better than the untrained network."""
        return self.outcome.metrics.get("best_epoch", 0) > 0


def evidence_of(run: RunEvidence) -> Iterator[Violation | Unchecked]:
    """Everything in *run* that its artifacts contradict."""
    jobs = [job for record in run.records if (job := _claims(run, record)) is not None]
    for job in jobs:
        yield from _check_roles(job)
        for name, check in (
            (layout.CURVES, _check_curves(job)),
            (layout.METRICS, _check_metrics_file(job)),
            (layout.BUNDLE, _check_bundle(job)),
        ):
            yield from guarded(job.path(name), check)
    yield from _check_jobs_differ(jobs)
    try:
        from harness.flows.dose_overlap.evidence_data import check_data
        from harness.flows.dose_overlap.evidence_images import check_images
    except ImportError as error:
        yield Unchecked("data and reconstructions", f"{error}; install the extra [dose]")
        return
    yield from check_images(jobs)
    yield from check_data(run, jobs)


def _claims(run: RunEvidence, record: JobRecord) -> Claims | None:
    if not isinstance(record.outcome, Completed):
        return None
    return Claims(run, record, record.outcome, Plan.from_parameters(run.parameters[record.job_key]))


def _check_roles(job: Claims) -> Iterator[Violation]:
    """The artifacts are those of a training that ended, under their own names; the details are the plan's."""
    names = {role: job.path(name) for role, name in _ROLES.items()}
    claimed = {role: artifact.path for role, artifact in job.outcome.artifacts.items()}
    for role in sorted(names.keys() | claimed.keys()):
        if names.get(role) != claimed.get(role):
            due = names.get(role, "nothing")
            yield job.contradicted(f"artifacts.{role}", claimed.get(role, "nothing"), f"a cell leaves {due}")
    details, cell = job.outcome.details, job.plan.cell
    told = {
        "cell": (details.get("cell"), {"dose": cell.dose, "view": cell.view}),
        "torch_threads": (details.get("torch_threads"), job.plan.training.threads),
    }
    for member, (claim, due_value) in told.items():
        if claim != due_value:
            yield job.contradicted(f"details.{member}", claim, f"the job has {due_value!r}")
    yield from job.run.check_device(job.record, details.get("device"), job.plan.training.device)


def _check_curves(job: Claims) -> Iterator[Violation]:
    path = job.path(layout.CURVES)
    curves = require_object(job.run.read(path, read_json), path).get("curves")
    told = job.outcome.details.get("curves")
    if curves != told:
        yield job.contradicted("details.curves", told, f"{layout.CURVES} has {brief(curves)}")
    epochs = _epochs(curves, path)
    losses = [epoch["validation_loss"] for epoch in epochs]
    last, best = len(epochs) - 1, losses.index(min(losses))
    config = job.plan.training
    for name, found in {
        "epochs_completed": last,
        "best_epoch": best,
        "best_validation_loss": losses[best],
        "untrained_validation_loss": losses[0],
        "final_loss": epochs[-1]["train_loss"],
    }.items():
        yield from job.metric(name, found, layout.CURVES)
    steps = last * config.steps_per_epoch
    if job.outcome.training_steps != steps:
        yield job.contradicted("training_steps", job.outcome.training_steps, f"{last} epochs have {steps} steps")
    stopped = last < config.epochs
    if last > config.epochs or (stopped and last - best != config.patience):
        what = f"{config.epochs} are due, or {config.patience} after the best"
        yield Violation(path, "$.curves", f"{last} epochs, the best {best}", what, "evidence")
    if job.outcome.details.get("stopped_early") is not stopped:
        yield job.contradicted("details.stopped_early", job.outcome.details.get("stopped_early"), f"{last} epochs")


def _epochs(curves: Json, path: str) -> list[dict[str, Any]]:
    """The epochs of a learning curve: from the untrained network on, each with its losses."""
    if not isinstance(curves, list) or len(curves) <= 1 or not all(isinstance(each, dict) for each in curves):
        raise ReadError(Kind.HEADER, path, "is not a curve of at least two points")
    epochs: list[dict[str, Any]] = [dict(each) for each in curves if isinstance(each, dict)]
    for number, epoch in enumerate(epochs):
        losses = [epoch.get("validation_loss"), *([epoch.get("train_loss")] if number else [])]
        if epoch.get("epoch") != number or not all(isinstance(loss, int | float) and loss >= 0 for loss in losses):
            raise ReadError(Kind.HEADER, path, f"point {number} is not epoch {number} with its losses")
    return epochs


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
            claim, found = brief(data.get(name)), f"{JOURNAL} has {brief(told.get(name))}"
            yield Violation(path, f"$.{name}", claim, found, "evidence")


def _check_bundle(job: Claims) -> Iterator[Violation]:
    path, details = job.path(layout.BUNDLE), job.outcome.details
    artifact = job.outcome.artifacts.get("bundle")
    if artifact is not None:
        for member, due in (("bundle_sha256", artifact.sha256), ("bundle_size_bytes", artifact.size_bytes)):
            if details.get(member) != due:
                yield job.contradicted(f"details.{member}", details.get(member), f"the artifact has {due}")
    config = job.run.read(path, _bundle_header).get("config")
    if config != job.plan.training.as_dict():
        what = f"the job has {brief(job.plan.training.as_dict())}"
        yield Violation(path, "config", brief(config), what, "evidence")
    tensors = job.run.read(path, read_weights)
    weights = {name.removeprefix(_NETWORK): value for name, value in tensors.items() if name.startswith(_NETWORK)}
    bad = [name for name, value in weights.items() if not np.isfinite(value).all()]
    if bad or not weights:
        yield Violation(path, ", ".join(bad), "holds a network of finite weights", "it does not", "evidence")
    yield from job.metric("total_parameters", sum(value.size for value in weights.values()), layout.BUNDLE)
    is_untrained = digest_of(weights) == details.get("untrained_weights_sha256")
    if is_untrained is job.improved:
        found = "the untrained network's" if is_untrained else "others, and no epoch is better than the untrained"
        yield Violation(path, "", "holds the best epoch's weights", found, "evidence")


def _bundle_header(stream: BinaryIO, where: str) -> dict[str, Json]:
    """The settings that a bundle carries."""
    length = int.from_bytes(stream.read(_PREFIX), "little")
    if length > HEADER_LIMIT:
        raise ReadError(Kind.HEADER, where, f"a header of {length} bytes")
    header = require_object(parse(decode(stream.read(length), where), where), where)
    text = require_object(header.get("__metadata__"), where).get(_HEADER)
    if not isinstance(text, str):
        raise ReadError(Kind.HEADER, where, f"carries no {_HEADER} settings")
    return require_object(parse(text, where), where)


def _check_jobs_differ(jobs: Sequence[Claims]) -> Iterator[Violation]:
    """No two jobs leave the same bundle or the same reconstructions: their data or their seed differ."""
    first: dict[tuple[str, str], Claims] = {}
    for job in jobs:
        for role in ("bundle", "reconstructions"):
            artifact = job.outcome.artifacts.get(role)
            other = job if artifact is None else first.setdefault((role, artifact.sha256), job)
            if artifact is not None and other is not job:
                what = f"the same file as {other.record.label} has"
                yield Violation(artifact.path, "", f"is of {job.record.label}", what, "evidence")


def read_arrays(job: Claims, name: str) -> Arrays:
    """The plain arrays of an NPZ file in the job's directory."""
    return job.run.read(job.path(name), read_npz)
