"""Looks at a cell's record: only what a training says of itself, and nothing that its curves contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Violation, brief, close
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.schedule import learning_rate
from extractor_flow.flows.dose_overlap.scoring.names import IMAGES, INPUT, METHODS, SCORES, metric_name
from extractor_flow.layout import JOURNAL
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import read_json, require_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.checks.claims import Claims

_ROLES = {
    "bundle": layout.BUNDLE,
    "checkpoint": layout.CHECKPOINT,
    "curves": layout.CURVES,
    "reconstructions": layout.RECONSTRUCTIONS,
    "metrics": layout.METRICS,
}
TRAINING_METRICS = frozenset(
    {
        "final_loss",
        "best_validation_loss",
        "untrained_validation_loss",
        "best_epoch",
        "epochs_completed",
        "total_parameters",
        "training_frames",
        "validation_frames",
    }
)
SCORE_METRICS = frozenset(
    {metric_name(method, image, short) for method in METHODS for image in IMAGES for short in SCORES}
    | {f"gain_over_{method}" for method in ("untrained", "constant", INPUT)}
    | {"covered_pixels", "coverage"}
)
DETAILS = frozenset(
    {
        "cell",
        "curves",
        "bundle_sha256",
        "bundle_size_bytes",
        "stopped_early",
        "untrained_weights_sha256",
        "data_sha256",
        "device",
        "torch_threads",
        "versions",
    }
)
VERSIONS = frozenset({"numpy", "scipy", "torch"})
_EPOCH = frozenset(EpochRecord(0, None, 0.0, None).as_dict())
_LONGEST_VERSION = 100


def check_record(job: Claims) -> Iterator[Violation]:
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
    yield from _check_names(job)


def _check_names(job: Claims) -> Iterator[Violation]:
    """Nothing is told that a training does not tell."""
    metrics, details = job.outcome.metrics, job.outcome.details
    for name in sorted(metrics.keys() - TRAINING_METRICS - SCORE_METRICS):
        yield job.contradicted(f"metrics.{name}", metrics[name], "nothing in this flow measures that")
    for name in sorted(details.keys() ^ DETAILS):
        due = "a training tells it" if name in DETAILS else "no training tells that"
        yield job.contradicted(f"details.{name}", details.get(name, "nothing"), due)
    versions = details.get("versions")
    if not isinstance(versions, dict) or versions.keys() != VERSIONS or not all(map(_is_version, versions.values())):
        what = f"expected those of {', '.join(sorted(VERSIONS))}"
        yield job.contradicted("details.versions", versions, what)


def _is_version(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _LONGEST_VERSION


def check_curves(job: Claims) -> Iterator[Violation]:
    """The curves give the recorded numbers, end where the plan says, and have the plan's learning rates."""
    path = job.path(layout.CURVES)
    data = require_object(job.run.read(path, read_json), path)
    for name in sorted(data.keys() - {"curves"}):
        yield Violation(path, f"$.{name}", brief(data[name]), "a training writes no such member", "evidence")
    curves, told = data.get("curves"), job.outcome.details.get("curves")
    if curves != told:
        yield job.contradicted("details.curves", told, f"{layout.CURVES} has {brief(curves)}")
    epochs = _epochs(curves, path)
    yield from _check_numbers(job, epochs)
    yield from _check_end(job, path, epochs)
    yield from _check_rates(job, path, epochs)


def _check_numbers(job: Claims, epochs: list[dict[str, Any]]) -> Iterator[Violation]:
    losses = [epoch["validation_loss"] for epoch in epochs]
    last, best = len(epochs) - 1, losses.index(min(losses))
    for name, found in {
        "epochs_completed": last,
        "best_epoch": best,
        "best_validation_loss": losses[best],
        "untrained_validation_loss": losses[0],
        "final_loss": epochs[-1]["train_loss"],
    }.items():
        yield from job.metric(name, found, layout.CURVES)
    steps = last * job.plan.training.steps_per_epoch
    if job.outcome.training_steps != steps:
        yield job.contradicted("training_steps", job.outcome.training_steps, f"{last} epochs have {steps} steps")


def _check_end(job: Claims, path: str, epochs: list[dict[str, Any]]) -> Iterator[Violation]:
    config = job.plan.training
    losses = [epoch["validation_loss"] for epoch in epochs]
    last, best = len(epochs) - 1, losses.index(min(losses))
    stopped = last < config.epochs
    if last > config.epochs or (stopped and last - best != config.patience):
        what = f"{config.epochs} are due, or {config.patience} after the best"
        yield Violation(path, "$.curves", f"{last} epochs, the best {best}", what, "evidence")
    if job.outcome.details.get("stopped_early") is not stopped:
        yield job.contradicted("details.stopped_early", job.outcome.details.get("stopped_early"), f"{last} epochs")


def _check_rates(job: Claims, path: str, epochs: list[dict[str, Any]]) -> Iterator[Violation]:
    config = job.plan.training
    for number, epoch in enumerate(epochs):
        due = learning_rate(config, number * config.steps_per_epoch) if number else None
        if not close(epoch.get("learning_rate"), due):
            claim, found = brief(epoch.get("learning_rate")), f"the plan gives {due!r}"
            yield Violation(path, f"$.curves[{number}].learning_rate", claim, found, "evidence")


def _epochs(curves: Json, path: str) -> list[dict[str, Any]]:
    """The epochs of a learning curve: from the untrained network on, each with its losses."""
    if not isinstance(curves, list) or len(curves) <= 1 or not all(isinstance(each, dict) for each in curves):
        raise ReadError(Kind.HEADER, path, "is not a curve of at least two points")
    epochs: list[dict[str, Any]] = [dict(each) for each in curves if isinstance(each, dict)]
    for number, epoch in enumerate(epochs):
        losses = [epoch.get("validation_loss"), *([epoch.get("train_loss")] if number else [])]
        if epoch.get("epoch") != number or not all(isinstance(loss, int | float) and loss >= 0 for loss in losses):
            raise ReadError(Kind.HEADER, path, f"point {number} is not epoch {number} with its losses")
        if epoch.keys() != _EPOCH:
            raise ReadError(Kind.HEADER, path, f"point {number} has {', '.join(sorted(epoch.keys() ^ _EPOCH))}")
    return epochs


def check_metrics_file(job: Claims) -> Iterator[Violation]:
    """The metrics' file tells what the journal tells."""
    path = job.path(layout.METRICS)
    data = require_object(job.run.read(path, read_json), path)
    outcome = job.outcome
    told: Mapping[str, Any] = {
        "metrics": dict(outcome.metrics),
        "training_steps": outcome.training_steps,
        "details": dict(outcome.details),
    }
    for name in sorted(told.keys() | data.keys()):
        if data.get(name) != told.get(name):
            claim, found = brief(data.get(name)), f"{JOURNAL} has {brief(told.get(name))}"
            yield Violation(path, f"$.{name}", claim, found, "evidence")
