"""Trains the network of one cell and reconstructs the held-out frames: the way in to this flow's heavy imports."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
import torch
from loguru import logger

from extractor_flow.files import sha256_of, write_bytes, write_json
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.contract import CONTRACT
from extractor_flow.flows.dose_overlap.data.dataset import npz_bytes, read_data
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle
from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
from extractor_flow.flows.dose_overlap.reconstruction.methods import objects_of
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import coverage, untrained_digest
from extractor_flow.flows.dose_overlap.scoring import cell_metrics
from extractor_flow.flows.dose_overlap.scoring.names import TRUTH
from extractor_flow.flows.dose_overlap.training import loop
from extractor_flow.study.flow import JobResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from extractor_flow.flows.dose_overlap.history import EpochRecord
    from extractor_flow.flows.dose_overlap.training.loop import TrainingOutcome
    from extractor_flow.flows.dose_overlap.training_config import SolverConfig, TrainingConfig
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job

    Progress = Callable[[EpochRecord], None]


@dataclass(frozen=True)
class CellData:
    """The files that a cell learns from and is measured on."""

    train: Path
    test: Path

    def digests(self) -> dict[str, str]:
        """Their SHA-256, by ``train`` and ``test``."""
        return {"train": sha256_of(self.train), "test": sha256_of(self.test)}


def train(job: Job, workspace: Workspace) -> JobResult:
    """Train the job's cell in *workspace*; the files it left and what was measured.

    On one machine's CPU, the same job gives the same metrics and the same bundle, bit for bit.
    """
    begun = time.process_time()
    plan = Plan.from_parameters(job.parameters)
    directory = workspace.path
    root = directory.parents[len(PurePosixPath(job.directory).parts) - 1] / layout.DATA
    data = CellData(*(root / plan.cell.data_path(split) for split in layout.SPLITS))

    def progress(record: EpochRecord) -> None:
        shown = {"loss": record.validation_loss, "amplitude_psnr": record.amplitude_psnr}
        known = {name: value for name, value in shown.items() if value is not None}
        workspace.progress(record.epoch, plan.training.epochs, **known)

    outcome = train_cell(plan.training, data.train, directory, progress)
    trained = time.process_time() - begun
    measured, seconds = reconstruct_cell(data.test, directory, plan.solver)
    metrics = training_metrics(outcome) | measured
    details = {"cell": plan.cell.as_dict(), **details_of(plan.training, outcome, data)}
    write_json(
        directory / layout.METRICS,
        {"metrics": metrics, "training_steps": outcome.steps_completed, "details": details},
        durable=False,
    )
    # Not in the file: with them, the same job would not leave the same bytes.
    spent = {"training": trained, **seconds}
    logger.bind(**{name: round(each, 2) for name, each in spent.items()}).info("CPU seconds")
    return JobResult(metrics, CONTRACT.paths, outcome.steps_completed, {**details, "cpu_seconds": spent})


def train_cell(
    config: TrainingConfig, data: Path, directory: Path, progress: Progress, *, resume: bool = False
) -> TrainingOutcome:
    """Train on the frames in *data*; leave bundle, checkpoint and curves in *directory*, and a log line an epoch.

    With *resume* it goes on from a checkpoint that is there; of a finished training, nothing is trained again.
    """

    def log(record: EpochRecord) -> None:
        facts = {name: value for name, value in record.as_dict().items() if value is not None}
        logger.bind(**facts).info("epoch done")
        progress(record)

    with torch_threads(config.threads):
        outcome = loop.train(config, read_data(data), directory, progress=log, resume=resume)
    write_json(directory / layout.CURVES, {"curves": curves_of(outcome)}, durable=False)
    logger.bind(steps=outcome.steps_completed, stopped_early=outcome.stopped_early).info("training done")
    return outcome


def reconstruct_cell(data: Path, directory: Path, solver: SolverConfig) -> tuple[dict[str, float], dict[str, float]]:
    """Reconstruct the held-out frames in *data* by every method; keep the objects in *directory*.

    Their metrics, and each method's CPU seconds.
    """
    frames = read_data(data)
    made = objects_of(read_bundle(directory / layout.BUNDLE), frames, solver)
    kept = cell_metrics.stored({**made.images, TRUTH: frames.object_guess}, coverage(frames))
    write_bytes(directory / layout.RECONSTRUCTIONS, npz_bytes(kept), durable=False)
    logger.bind(frames=frames.count).info("held-out frames reconstructed")
    return cell_metrics.measured(kept), dict(made.seconds)


def training_metrics(outcome: TrainingOutcome) -> dict[str, float]:
    """The metrics of a training; none depends on the machine's speed."""
    return {
        "final_loss": outcome.final_loss,
        "best_validation_loss": outcome.best_validation_loss,
        "untrained_validation_loss": outcome.curves[0].validation_loss,
        "best_epoch": outcome.best_epoch,
        "epochs_completed": outcome.epochs_completed,
        "total_parameters": outcome.parameters,
        "training_frames": outcome.training_frames,
        "validation_frames": outcome.validation_frames,
    }


def curves_of(outcome: TrainingOutcome) -> list[dict[str, Any]]:
    """The epochs as plain data."""
    return [record.as_dict() for record in outcome.curves]


def details_of(config: TrainingConfig, outcome: TrainingOutcome, data: CellData) -> dict[str, Any]:
    """The curves, the digests by which a result can be checked, and what computed it."""
    return {
        "curves": curves_of(outcome),
        "bundle_sha256": outcome.bundle_sha256,
        "bundle_size_bytes": outcome.bundle_size_bytes,
        "stopped_early": outcome.stopped_early,
        "untrained_weights_sha256": untrained_digest(config),
        "data_sha256": data.digests(),
        "device": outcome.device,
        "torch_threads": config.threads,
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "torch": torch.__version__},
    }
