"""What a training works on: frames to learn from, a block of frames to judge by, and the losses of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.calibration import Calibration, split_photons
from extractor_flow.flows.dose_overlap.data.validation_split import validation_block
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.reconstruction.device import device_of
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import (
    PreparedFrames,
    Recipe,
    explain,
    misfit,
    prepare,
)
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import reconstruct_with
from extractor_flow.flows.dose_overlap.scoring.scores import score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

# The number of the split of the photons to judge by; an epoch's split has the epoch's number, from 1 on.
_JUDGED = 0
# Keeps the generator of the splits apart from that of the batches.
_SPLITTING = 80


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """Frames to learn from and a block of neighbouring frames to judge by, which no step sees; on *device*.

    Where the photons are split, the network sees a share of each frame's photons and has to explain the rest.
    """

    recipe: Recipe
    learned: PtychographyData
    judged: PtychographyData
    judge: PreparedFrames
    device: torch.device

    @classmethod
    def of(cls, config: TrainingConfig, data: PtychographyData) -> TrainingTask:
        """Set a block of frames aside and prepare it; too few frames for two parts are a :class:`DataError`."""
        block = validation_block(data, config)
        learned, judged = data.select(np.flatnonzero(~block)), data.select(np.flatnonzero(block))
        recipe = Recipe(config, Calibration.of(learned, config.dose), Optics.of(data.probe_guess))
        shown, held_out = _split(data, recipe, _JUDGED)
        places = np.flatnonzero(block)
        frames = prepare(shown.select(places), recipe, whole=shown, share=config.split)
        judge = frames.with_photons_of(held_out.select(places))
        device = device_of(config.device)
        return cls(recipe, learned, judged, judge.to(device), device)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the training."""
        return self.recipe.config

    @property
    def training_frames(self) -> int:
        """The number of frames that steps learn from."""
        return self.learned.count

    @property
    def validation_frames(self) -> int:
        """The number of frames set aside."""
        return self.judged.count

    def to_learn(self, epoch: int) -> PreparedFrames:
        """The frames of one epoch, with the photons split for this epoch."""
        shown, held_out = _split(self.learned, self.recipe, epoch)
        return prepare(shown, self.recipe, share=self.config.split).with_photons_of(held_out).to(self.device)

    def batches(self, frames: PreparedFrames, rng: np.random.Generator) -> Iterator[Tensor]:
        """The groups of each step of one epoch: passes over all groups in random order, one after another."""
        count, size = frames.groups.shape
        wanted = max(self.config.batch_frames // size, 1)
        passes = -(-wanted * self.config.steps_per_epoch // count)
        order = np.concatenate([rng.permutation(count) for _ in range(passes)])
        for step in range(self.config.steps_per_epoch):
            yield torch.from_numpy(order[step * wanted : (step + 1) * wanted]).to(self.device)

    def loss(self, network: PatchNetwork, frames: PreparedFrames, rows: Tensor, *, turns: int = 0) -> Tensor:
        """The excess negative log-likelihood of some groups' photons, nats a pixel; no truth enters."""
        share = 1.0 if self.config.split == 1 else 1 - self.config.split
        patches = explain(network, frames, rows, turns=turns)
        return self.recipe.calibration.photon_scale * share * misfit(patches, frames, rows)

    @torch.no_grad()
    def look(self, network: PatchNetwork, epoch: int, train_loss: float | None, rate: float) -> EpochRecord:
        """Judge the network by the frames set aside."""
        network.eval()
        rows = torch.arange(len(self.judge.groups), device=self.device)
        loss = float(self.loss(network, self.judge, rows))
        return EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            validation_loss=loss,
            learning_rate=None if train_loss is None else rate,
            **self._against_truth(network),
        )

    def _against_truth(self, network: PatchNetwork) -> dict[str, float | None]:
        if self.judged.patches is None:
            return {}
        found = reconstruct_with(network, self.judge, self.judged)
        scores = score(self.judged.object_guess, found.image, found.mask)
        return {
            "amplitude_psnr": scores.amplitude.psnr,
            "amplitude_ssim": scores.amplitude.ssim,
            "phase_psnr": scores.phase.psnr,
            "phase_ssim": scores.phase.ssim,
        }


def _split(data: PtychographyData, recipe: Recipe, number: int) -> tuple[PtychographyData, PtychographyData]:
    """The photons of *data* that the network is shown, and those it has to explain; without a split, all for both."""
    if recipe.config.split == 1:
        return data, data
    rng = np.random.default_rng([recipe.config.seed, _SPLITTING, number])
    return split_photons(data, recipe.calibration.photon_scale, recipe.config.split, rng)
