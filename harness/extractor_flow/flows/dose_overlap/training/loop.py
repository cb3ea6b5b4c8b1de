"""Trains a network on measured frames alone: what it says about the object has to explain the photons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.errors import DataError, JobError
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.identity import training_digest
from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle, write_bundle
from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
from extractor_flow.flows.dose_overlap.reconstruction.picture import TURNS
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import initial_network
from extractor_flow.flows.dose_overlap.reconstruction.task import TrainingTask
from extractor_flow.flows.dose_overlap.training.checkpoint import TrainingState, read_state, write_state
from extractor_flow.flows.dose_overlap.training_config import learning_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.history import EpochRecord
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import PreparedFrames
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training really did. Losses in nats a pixel; the bundle holds the best epoch's weights."""

    final_loss: float
    best_epoch: int
    best_validation_loss: float
    epochs_completed: int
    stopped_early: bool
    steps_completed: int
    parameters: int
    training_frames: int
    validation_frames: int
    checkpoint_path: Path
    bundle_path: Path
    bundle_sha256: str
    bundle_size_bytes: int
    curves: tuple[EpochRecord, ...]
    device: str


def train(
    config: TrainingConfig,
    data: PtychographyData,
    directory: Path,
    *,
    progress: Callable[[EpochRecord], None] | None = None,
    resume: bool = False,
) -> TrainingOutcome:
    """Train on *data* and leave a checkpoint and a bundle in *directory*, which must exist.

    The true object in *data* is used for the curves and for nothing else. The same config and data give the same
    bundle, byte for byte, on one machine, also when the training was interrupted and goes on from its checkpoint
    (*resume*).
    Every exception passes through; after one, the last checkpoint is whole. A loss that is not finite is a
    :class:`JobError`, data that cannot be grouped or a checkpoint of another training a :class:`DataError`.
    """
    with torch_threads(config.threads):
        run = _Run.of(config, data)
        checkpoint = directory / layout.CHECKPOINT
        if resume and checkpoint.exists():
            run.restore(read_state(checkpoint, run.digest))
        for record in run.epochs():
            if record.epoch % config.checkpoint_every == 0 or run.is_finished:
                write_state(checkpoint, run.state())
            if progress is not None:
                progress(record)
        return run.publish(directory)


class _Run:
    """The moving parts of one training."""

    def __init__(self, config: TrainingConfig, task: TrainingTask, digest: str) -> None:
        self.config = config
        self.task = task
        self.digest = digest
        self.network: PatchNetwork = initial_network(config).to(task.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.best = _copied(self.network)
        self.history: list[EpochRecord] = []
        self.frames: PreparedFrames | None = None

    @classmethod
    def of(cls, config: TrainingConfig, data: PtychographyData) -> _Run:
        return cls(config, TrainingTask.of(config, data), training_digest(config, data))

    @property
    def best_record(self) -> EpochRecord:
        """The epoch with the lowest validation loss, the first of equal ones."""
        return min(self.history, key=lambda record: record.validation_loss)

    @property
    def is_finished(self) -> bool:
        if not self.history:
            return False
        last = self.history[-1].epoch
        return last >= self.config.epochs or last - self.best_record.epoch >= self.config.patience

    def epochs(self) -> Iterator[EpochRecord]:
        """Run what is left, epoch by epoch; number 0 only looks."""
        while not self.is_finished:
            number = len(self.history)
            loss = self._epoch(number) if number else None
            record = self.task.look(
                self.network, number, loss, learning_rate(self.config, number * self.config.steps_per_epoch)
            )
            if not math.isfinite(record.validation_loss):
                msg = f"the training diverged: the validation loss is {record.validation_loss} after epoch {number}"
                raise JobError(msg)
            self.history.append(record)
            if self.best_record is record:
                self.best = _copied(self.network)
            yield record

    def _epoch(self, number: int) -> float:
        self.network.train()
        losses = []
        rng = np.random.default_rng([self.config.seed, number])
        frames, first = self._frames(number), (number - 1) * self.config.steps_per_epoch
        for step, rows in enumerate(self.task.batches(frames, rng), start=first):
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(self.config, step)
            loss = self.task.loss(self.network, frames, rows, turns=int(rng.integers(TURNS)))
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                msg = f"the training diverged: the loss is {losses[-1]} in epoch {number}"
                raise JobError(msg)
        return math.fsum(losses) / len(losses)

    def _frames(self, number: int) -> PreparedFrames:
        """The frames of an epoch; where no photons are split, they are the same in all."""
        if self.frames is None or self.config.split < 1:
            self.frames = self.task.to_learn(number)
        return self.frames

    def state(self) -> TrainingState:
        """A copy of everything that the next epoch depends on."""
        moments = {
            f"{parameter}.{moment}": value.cpu().clone()
            for parameter, values in self.optimiser.state_dict()["state"].items()
            for moment, value in values.items()
        }
        return TrainingState(_copied(self.network), self.best, moments, tuple(self.history), self.digest)

    def restore(self, state: TrainingState) -> None:
        """Go back to *state*."""
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in state.optimiser.items():
            parameter, moment = key.split(".", 1)
            moments.setdefault(int(parameter), {})[moment] = value
        groups = self.optimiser.state_dict()["param_groups"]
        try:
            self.network.load_state_dict(dict(state.network))
            self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        except (RuntimeError, ValueError) as error:
            msg = f"checkpoint: weights that do not fit the network: {error}"
            raise DataError(msg) from error
        self.best, self.history = dict(state.best), list(state.history)

    def publish(self, directory: Path) -> TrainingOutcome:
        """Write the bundle of the best epoch and say what was done."""
        config, task, best = self.config, self.task, self.best_record
        bundle = Bundle(config, task.recipe.calibration, task.recipe.optics.probe.cpu().numpy(), self.best)
        written = write_bundle(directory / layout.BUNDLE, bundle)
        epochs = self.history[-1].epoch
        final = self.history[-1].train_loss
        if final is None:
            msg = "the training did no epoch"
            raise JobError(msg)
        return TrainingOutcome(
            final_loss=final,
            best_epoch=best.epoch,
            best_validation_loss=best.validation_loss,
            epochs_completed=epochs,
            stopped_early=epochs < config.epochs,
            steps_completed=epochs * config.steps_per_epoch,
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            training_frames=task.training_frames,
            validation_frames=task.validation_frames,
            checkpoint_path=directory / layout.CHECKPOINT,
            bundle_path=written.path,
            bundle_sha256=written.sha256,
            bundle_size_bytes=written.size_bytes,
            curves=tuple(self.history),
            device=str(task.device),
        )


def _copied(network: PatchNetwork) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
