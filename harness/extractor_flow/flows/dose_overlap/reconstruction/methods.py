"""Reconstructs a cell's held-out frames by every method, and measures the computing time of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.calibration import Calibration
from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
from extractor_flow.flows.dose_overlap.reconstruction.likelihood import Prior, most_likely
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import prepare
from extractor_flow.flows.dose_overlap.reconstruction.pie import iterate
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import (
    initial_network,
    recipe_of,
    reconstruct_constant,
    reconstruct_with,
)
from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MAP, PIE, REFINED, TRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
    from extractor_flow.flows.dose_overlap.training_config import SolverConfig

    Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Made:
    """The object that every method gives, and the CPU seconds that it took from the frames on."""

    images: Mapping[str, Complex]
    seconds: Mapping[str, float]


@dataclass
class _Clock:
    """CPU seconds of this process by what they were for."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.process_time)

    def lap(self, name: str, *, after: float = 0.0) -> None:
        """Book the time since the last lap on *name*, with the *after* seconds of what it builds on."""
        now = time.process_time()
        self.seconds[name], self.last = after + now - self.last, now


def objects_of(bundle: Bundle, frames: PtychographyData, solver: SolverConfig) -> Made:
    """The object that every method gives for *frames*; the true object in them is not used."""
    with torch_threads(bundle.config.threads):
        learned, seconds = _by_network(bundle, frames)
        solved, more = _by_solvers(bundle, frames, solver, learned[TRAINED])
    more[REFINED] += seconds[TRAINED]
    return Made(learned | solved, seconds | more)


def _by_network(bundle: Bundle, frames: PtychographyData) -> tuple[dict[str, Complex], dict[str, float]]:
    config, clock = bundle.config, _Clock()
    prepared = prepare(frames, recipe_of(bundle))
    given = reconstruct_with(None, prepared, frames).image
    clock.lap(INPUT)
    trained = reconstruct_with(bundle.network(), prepared, frames).image
    clock.lap(TRAINED, after=clock.seconds[INPUT])
    untrained = reconstruct_with(initial_network(config), prepared, frames).image
    images = {
        TRAINED: trained,
        INPUT: given,
        "untrained": untrained,
        "constant": reconstruct_constant(frames).image,
    }
    return images, clock.seconds


def _by_solvers(
    bundle: Bundle, frames: PtychographyData, solver: SolverConfig, learned: Complex
) -> tuple[dict[str, Complex], dict[str, float]]:
    """PIE; MAP from its result; and MAP again, kept near the network's object."""
    scale = Calibration.of(frames, bundle.config.dose).photon_scale
    clock = _Clock()
    scan = Scan.of(frames)
    pie = iterate(scan, passes=solver.iterations, momentum=solver.momentum, seed=bundle.config.seed)
    clock.lap(PIE)
    smooth = Prior(smoothness=solver.smoothness)
    likely = most_likely(scan, pie, smooth, photon_scale=scale, steps=solver.map_steps)
    clock.lap(MAP, after=clock.seconds[PIE])
    near = torch.from_numpy(learned.astype(np.complex64)).flatten()
    drawn = Prior(solver.smoothness, solver.trust, near)
    refined = most_likely(scan, near, drawn, photon_scale=scale, steps=solver.map_steps)
    clock.lap(REFINED)
    images = {PIE: pie, MAP: likely, REFINED: refined}
    return {name: _picture(scan, image) for name, image in images.items()}, clock.seconds


def _picture(scan: Scan, image: Tensor) -> Complex:
    return np.asarray(image.reshape(scan.shape).numpy(), dtype=np.complex128)
