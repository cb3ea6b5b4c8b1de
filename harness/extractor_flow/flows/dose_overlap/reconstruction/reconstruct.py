"""From frames to a whole object: the network's patches, turned to agree and laid on top of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.calibration import constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, frame_corners, windows
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics
from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import (
    PreparedFrames,
    Recipe,
    chunks,
    explain,
    prepare,
)
from extractor_flow.flows.dose_overlap.reconstruction.phase_sync import synchronised
from extractor_flow.readers.weights import digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

    Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A complex object (M, M), and the pixels that the scan covered; elsewhere the object is a constant."""

    image: Complex
    mask: NDArray[np.bool_]


def recipe_of(bundle: Bundle) -> Recipe:
    """How frames are made ready for the network of *bundle*."""
    return Recipe(bundle.config, bundle.calibration, Optics.of(bundle.probe))


def reconstruct(bundle: Bundle, data: PtychographyData) -> Reconstruction:
    """The object under the frames of *data*, which need not be those of the training; no truth is looked at."""
    return reconstruct_with(bundle.network(), prepare(data, recipe_of(bundle)), data)


@torch.no_grad()
def reconstruct_with(network: PatchNetwork | None, frames: PreparedFrames, data: PtychographyData) -> Reconstruction:
    """What *network* makes of the prepared frames of *data*; without one, what it would be given."""
    picture = frames.picture
    if picture is not None:
        image = picture.estimate if network is None else picture.drawn_from_all_sides(network)
        return Reconstruction(image.cpu().numpy().astype(np.complex128), coverage(data))
    patches = frames.estimates().flatten(0, 1) if network is None else predict(network, frames)
    turned = synchronised(_numbers(patches), patch_weights(frames.recipe.optics), frames.first.reshape(-1, 2))
    return assemble(turned, frames.first.reshape(-1, 2), frames.recipe.optics, data)


def reconstruct_constant(data: PtychographyData) -> Reconstruction:
    """A constant object as bright as the frames: the floor under every method."""
    image = np.full(data.object_guess.shape, constant_level(data), dtype=np.complex128)
    return Reconstruction(image, coverage(data))


def coverage(data: PtychographyData) -> NDArray[np.bool_]:
    """The area on which every method is scored: a property of scan and probe alone."""
    return covered(data.probe_guess, frame_corners(data), data.object_guess.shape)


def initial_network(config: TrainingConfig) -> PatchNetwork:
    """The untrained network that the config's seed gives; the global generator of torch is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return PatchNetwork(config.width, config.estimates).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def untrained_digest(config: TrainingConfig) -> str:
    """The digest of the weights that a training with *config* begins with."""
    return digest_of({name: value.numpy() for name, value in initial_network(config).state_dict().items()})


def predict(network: PatchNetwork, frames: PreparedFrames) -> Tensor:
    """The patches of all groups, (G C, B, B)."""
    rows = (each.to(frames.groups.device) for each in chunks(len(frames.groups)))
    return torch.cat([explain(network, frames, each) for each in rows]).flatten(0, 1)


def _numbers(patches: Tensor) -> Complex:
    return patches.cpu().numpy().astype(np.complex128)


def patch_weights(optics: Optics) -> NDArray[np.float64]:
    """How much each pixel of a patch counts, (B, B): the probe's intensity, at most 1."""
    weights = np.abs(optics.crop(optics.probe).cpu().numpy().astype(np.complex128)) ** 2
    return np.asarray(weights / weights.max())


def assemble(patches: Complex, first: NDArray[np.int64], optics: Optics, data: PtychographyData) -> Reconstruction:
    """Average the (n, B, B) patches with the probe's intensity as the weight."""
    weights = patch_weights(optics)
    total = np.zeros(data.object_guess.shape, dtype=np.complex128)
    light = np.zeros(data.object_guess.shape)
    for window, patch in zip(windows(first, optics.box), patches, strict=True):
        total[window] += weights * patch
        light[window] += weights
    image = np.full(total.shape, constant_level(data), dtype=np.complex128)
    np.divide(total, light, out=image, where=light > np.finfo(np.float32).eps)
    return Reconstruction(image, coverage(data))
