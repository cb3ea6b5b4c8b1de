"""What a training works on: frames to learn from, a block of frames to judge by, and the losses of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.calibration import Calibration
from extractor_flow.flows.dose_overlap.data.validation_split import validation_block
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.reconstruction.device import device_of
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics, excess_nll
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import PreparedFrames, explain, prepare
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import assemble, predict
from extractor_flow.flows.dose_overlap.scoring.scores import score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """Frames to learn from and a block of neighbouring frames to judge by, which no step sees; on *device*."""

    config: TrainingConfig
    optics: Optics
    calibration: Calibration
    learn: PreparedFrames
    judge: PreparedFrames
    judged_data: PtychographyData
    device: torch.device

    @classmethod
    def of(cls, config: TrainingConfig, data: PtychographyData) -> TrainingTask:
        """Set a block of frames aside and prepare both parts; too few frames for two parts are a :class:`DataError`."""
        block = validation_block(data, config)
        optics = Optics.of(data.probe_guess)
        learned, judged = data.select(np.flatnonzero(~block)), data.select(np.flatnonzero(block))
        calibration = Calibration.of(learned, config.dose)
        learn, judge = (prepare(part, config, calibration, optics) for part in (learned, judged))
        device = device_of(config.device)
        return cls(config, optics.to(device), calibration, learn.to(device), judge.to(device), judged, device)

    @property
    def training_frames(self) -> int:
        """The number of frames that steps learn from."""
        return len(self.learn.amplitudes)

    @property
    def validation_frames(self) -> int:
        """The number of frames set aside."""
        return len(self.judge.amplitudes)

    def batches(self, rng: np.random.Generator) -> Iterator[Tensor]:
        """The groups of each step of one epoch: passes over all groups in random order, one after another."""
        count, size = self.learn.groups.shape
        wanted = max(self.config.batch_frames // size, 1)
        passes = -(-wanted * self.config.steps_per_epoch // count)
        order = np.concatenate([rng.permutation(count) for _ in range(passes)])
        for step in range(self.config.steps_per_epoch):
            yield torch.from_numpy(order[step * wanted : (step + 1) * wanted]).to(self.device)

    def loss(self, network: PatchNetwork, rows: Tensor) -> Tensor:
        """The excess negative log-likelihood of some groups' photons; no truth enters."""
        return self._loss(network, self.learn, rows)

    @torch.no_grad()
    def look(self, network: PatchNetwork, epoch: int, train_loss: float | None, rate: float) -> EpochRecord:
        """Judge the network by the frames set aside."""
        network.eval()
        rows = torch.arange(len(self.judge.groups), device=self.device)
        loss = float(self._loss(network, self.judge, rows))
        return EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            validation_loss=loss,
            learning_rate=None if train_loss is None else rate,
            **self._against_truth(network),
        )

    def _loss(self, network: PatchNetwork, frames: PreparedFrames, rows: Tensor) -> Tensor:
        patches = explain(network, frames, rows, self.optics)
        return excess_nll(self.optics.diffract(patches), frames.measured(rows), self.calibration.photon_scale)

    def _against_truth(self, network: PatchNetwork) -> dict[str, float | None]:
        if self.judged_data.patches is None:
            return {}
        patches = predict(network, self.judge, self.optics)
        found = assemble(patches, self.judge.first.reshape(-1, 2), self.optics, self.judged_data)
        scores = score(self.judged_data.object_guess, found.image, found.mask)
        return {
            "amplitude_psnr": scores.amplitude.psnr,
            "amplitude_ssim": scores.amplitude.ssim,
            "phase_psnr": scores.phase.psnr,
            "phase_ssim": scores.phase.ssim,
        }
