"""Checks a cell's record against its plan, its curve and its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Violation, close
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.validation_split import validation_count
from extractor_flow.flows.dose_overlap.training_config import learning_rate
from extractor_flow.layout import JOURNAL
from extractor_flow.readers.text import read_json, require_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.dose_overlap.checks.claims import Claims

_VERSIONS = {"numpy", "scipy", "torch"}


@check("dose-record", reads=("curves",))
def record(job: Claims) -> Iterator[Violation]:
    """The record's details are those of the job's plan and of the files that it left.

    Catches: the cell, device or digest of another job.
    Cannot catch: made-up versions of packages, or another device of the kind that was asked for.
    """
    details, again = job.outcome.details, _details(job)
    for name, expected in again.items():
        if details.get(name) != expected:
            yield job.contradicted(f"details.{name}", details.get(name), expected)
    versions = details.get("versions")
    if not isinstance(versions, dict) or versions.keys() != _VERSIONS:
        yield job.contradicted("details.versions", versions, f"expected those of {', '.join(sorted(_VERSIONS))}")
    yield from job.run.check_device(job.record, details.get("device"), job.plan.training.device)


def _details(job: Claims) -> dict[str, Any]:
    """The details that follow from the plan, the curve and the recorded digest of the bundle."""
    curves, cell = job.curve(), job.plan.cell
    bundle = job.outcome.artifacts.get("bundle")
    return {
        "cell": cell.as_dict(),
        "curves": curves,
        "stopped_early": len(curves) - 1 < job.plan.training.epochs,
        "torch_threads": job.plan.training.threads,
        "bundle_sha256": bundle and bundle.sha256,
        "bundle_size_bytes": bundle and bundle.size_bytes,
    }


@check("dose-metrics-file", reads=("metrics",))
def metrics_file(job: Claims) -> Iterator[Violation]:
    """The file of metrics says what the journal says.

    Catches: another number in the file that people read. Cannot catch: the same wrong number in both.
    """
    path, outcome = job.path(layout.METRICS), job.outcome
    stored = require_object(job.run.read(path, read_json), path)
    expected: dict[str, Any] = {
        "metrics": dict(outcome.metrics),
        "training_steps": outcome.training_steps,
        "details": {name: value for name, value in outcome.details.items() if name != "cpu_seconds"},
    }
    for name in sorted(stored.keys() | expected.keys()):
        if stored.get(name) != expected.get(name):
            yield job.wrong(layout.METRICS, f"$.{name}", stored.get(name), f"{JOURNAL} has {expected.get(name)!r}")


@check("dose-curve", reads=("curves",))
def curve(job: Claims) -> Iterator[Violation]:
    """The learning curve gives the recorded losses and steps, ends where the plan says, and has the plan's rates.

    Catches: a better loss in the record, more epochs or steps, a training cut short, another learning rate.
    Cannot catch: losses that curve, checkpoint and record all tell alike; dose-losses-again measures them.
    """
    epochs, config = job.curve(), job.plan.training
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
    if job.outcome.training_steps != last * config.steps_per_epoch:
        what = f"{last} epochs have {last * config.steps_per_epoch} steps"
        yield job.contradicted("training_steps", job.outcome.training_steps, what)
    if last > config.epochs or (last < config.epochs and last - best != config.patience):
        what = f"{config.epochs} are planned, or {config.patience} after the best"
        yield job.wrong(layout.CURVES, "$.curves", f"{last} epochs, the best {best}", what)
    for number, epoch in enumerate(epochs):
        expected = learning_rate(config, number * config.steps_per_epoch) if number else None
        if not close(epoch["learning_rate"], expected):
            yield job.wrong(layout.CURVES, f"$.curves[{number}].learning_rate", epoch["learning_rate"], expected)


@check("dose-frames")
def frames(job: Claims) -> Iterator[Violation]:
    """The frames that the cell claims to have learned from and to be measured on are those in the run.

    Catches: data exchanged after the training, more frames than there are. Cannot catch: frames that no detector or
    simulation gave; dose-data measures a simulated object again.
    """
    claims = job.outcome.details.get("data_sha256")
    expected = {split: job.run.files.sha256(job.data_path(split)) for split in layout.SPLITS}
    if claims != expected:
        yield job.contradicted("details.data_sha256", claims, f"the files have {expected}")
    count = job.frames("train").count
    aside = validation_count(count, job.plan.training)
    yield from job.metric("training_frames", count - aside, job.data_path("train"))
    yield from job.metric("validation_frames", aside, job.data_path("train"))
