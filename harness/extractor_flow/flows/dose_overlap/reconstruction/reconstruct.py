"""From frames to a whole object: the network's patches, turned to agree and laid on top of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.calibration import Calibration, constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, frame_corners, windows
from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics
from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import PreparedFrames, chunks, explain, prepare
from extractor_flow.flows.dose_overlap.reconstruction.phase_sync import synchronised
from extractor_flow.flows.dose_overlap.reconstruction.pie import iterate
from extractor_flow.readers.weights import digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

    Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A complex object (M, M), and the pixels that the scan covered; elsewhere the object is a constant."""

    image: Complex
    mask: NDArray[np.bool_]


def reconstruct(bundle: Bundle, data: PtychographyData) -> Reconstruction:
    """The object under the frames of *data*, which need not be those of the training; no truth is looked at."""
    optics = Optics.of(bundle.probe)
    frames = prepare(data, bundle.config, bundle.calibration, optics)
    patches = predict(bundle.network(), frames, optics)
    return assemble(patches, frames.first.reshape(-1, 2), optics, data)


def reconstruct_input(bundle: Bundle, data: PtychographyData) -> Reconstruction:
    """The classical estimate that the network gets with each frame, laid together as its own patches are."""
    optics = Optics.of(bundle.probe)
    frames = prepare(data, bundle.config, bundle.calibration, optics)
    patches = frames.estimates().flatten(0, 1).numpy().astype(np.complex128)
    return assemble(patches, frames.first.reshape(-1, 2), optics, data)


def reconstruct_untrained(config: TrainingConfig, data: PtychographyData) -> Reconstruction:
    """What the network says before its first step: the floor that a training has to leave behind."""
    weights = initial_network(config).state_dict()
    calibration = Calibration.of(data, config.dose)
    return reconstruct(Bundle(config, calibration, data.probe_guess, weights), data)


def reconstruct_constant(data: PtychographyData) -> Reconstruction:
    """A constant object as bright as the frames: the floor under every method."""
    image = np.full(data.object_guess.shape, constant_level(data), dtype=np.complex128)
    return Reconstruction(image, coverage(data))


def reconstruct_iteratively(data: PtychographyData, *, iterations: int, seed: int = 0) -> Reconstruction:
    """The iterative solver's object, on the same area."""
    return Reconstruction(iterate(data, iterations=iterations, seed=seed), coverage(data))


def coverage(data: PtychographyData) -> NDArray[np.bool_]:
    """The area on which every method is scored: a property of scan and probe alone."""
    return covered(data.probe_guess, frame_corners(data), len(data.object_guess))


def initial_network(config: TrainingConfig) -> PatchNetwork:
    """The untrained network that the config's seed gives; the global generator of torch is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return PatchNetwork(config.width).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def untrained_digest(config: TrainingConfig) -> str:
    """The digest of the weights that a training with *config* begins with."""
    return digest_of({name: value.numpy() for name, value in initial_network(config).state_dict().items()})


@torch.no_grad()
def predict(network: PatchNetwork, frames: PreparedFrames, optics: Optics) -> Complex:
    """The patches of all groups, (G C, B, B)."""
    rows = (each.to(frames.inputs.device) for each in chunks(len(frames.groups)))
    parts = [explain(network, frames, each, optics) for each in rows]
    return torch.cat(parts).flatten(0, 1).cpu().numpy().astype(np.complex128)


def assemble(patches: Complex, first: NDArray[np.int64], optics: Optics, data: PtychographyData) -> Reconstruction:
    """Turn the (n, B, B) patches until they agree, and average them with the probe's intensity as the weight."""
    weights = np.abs(optics.crop(optics.probe).cpu().numpy().astype(np.complex128)) ** 2
    weights /= weights.max()
    turned = synchronised(patches, weights, first)
    total = np.zeros(data.object_guess.shape, dtype=np.complex128)
    light = np.zeros(data.object_guess.shape)
    for window, patch in zip(windows(first, optics.box), turned, strict=True):
        total[window] += weights * patch
        light[window] += weights
    image = np.full(total.shape, constant_level(data), dtype=np.complex128)
    np.divide(total, light, out=image, where=light > np.finfo(np.float32).eps)
    return Reconstruction(image, coverage(data))
