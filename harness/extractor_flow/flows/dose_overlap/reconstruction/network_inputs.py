"""Frames made ready for the network: calibrated, grouped, each with its classical estimate of the object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.grouping import group_frames
from extractor_flow.flows.dose_overlap.data.scan_geometry import frame_corners
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Canvas, Optics, merge, project
from extractor_flow.flows.dose_overlap.reconstruction.network import network_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.calibration import Calibration
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class PreparedFrames:
    """G groups of C frames: network inputs (G, C, 3, B, B), amplitudes (n, N, N), and where the patches lie.

    ``groups`` (G, C) names the frames; ``first`` (G, C, 2) is the first row and column of each patch on the object.
    """

    inputs: Tensor
    amplitudes: Tensor
    groups: Tensor
    first: NDArray[np.int64]
    canvas: Canvas

    def to(self, device: torch.device) -> PreparedFrames:
        """The same frames on *device*."""
        inputs, amplitudes, groups = (each.to(device) for each in (self.inputs, self.amplitudes, self.groups))
        return PreparedFrames(inputs, amplitudes, groups, self.first, self.canvas.to(device))

    def measured(self, rows: Tensor) -> Tensor:
        """The measured amplitudes of some groups, (g, C, N, N)."""
        return self.amplitudes[self.groups[rows]]

    def estimates(self) -> Tensor:
        """The classical estimates among the inputs, complex (G, C, B, B)."""
        return torch.complex(self.inputs[:, :, 1], self.inputs[:, :, 2])


def prepare(data: PtychographyData, config: TrainingConfig, calibration: Calibration, optics: Optics) -> PreparedFrames:
    """Group the frames of *data* and compute their inputs; a probe that is not the optics' is a :class:`DataError`."""
    if data.frame_size != optics.frame_size:
        msg = f"diffraction: found frames of {data.frame_size} pixels; expected {optics.frame_size}, as the probe has"
        raise DataError(msg)
    points = np.stack([data.xcoords, data.ycoords], axis=1)
    groups = group_frames(points, config.group_rule(), seed=config.grouping_seed)
    first = (frame_corners(data) + optics.margin)[groups]
    canvas = Canvas.of(first, optics.box)
    amplitudes = torch.from_numpy(data.diffraction)
    inputs = torch.cat(
        [
            _inputs(amplitudes[rows], canvas.select(chunk), config.projections, calibration, optics)
            for chunk, rows in ((chunk, torch.from_numpy(groups)[chunk]) for chunk in chunks(len(groups)))
        ]
    )
    return PreparedFrames(inputs, amplitudes, torch.from_numpy(groups), first, canvas)


def explain(network: PatchNetwork, frames: PreparedFrames, rows: Tensor, optics: Optics) -> Tensor:
    """The network's object under each frame of some groups, merged within each group: complex (g, C, B, B)."""
    inputs = frames.inputs[rows]
    amplitude, phase = network(inputs.flatten(0, 1))
    patches = torch.polar(amplitude, phase)
    return merge(patches.reshape(*inputs.shape[:2], *patches.shape[1:]), frames.canvas.select(rows), optics)


def _inputs(amplitudes: Tensor, canvas: Canvas, steps: int, calibration: Calibration, optics: Optics) -> Tensor:
    estimates = project(amplitudes, canvas, optics, level=calibration.level, steps=steps)
    scaled = optics.crop(amplitudes) * calibration.input_scale
    flat = network_inputs(scaled.flatten(0, 1), estimates.flatten(0, 1))
    return flat.reshape(*amplitudes.shape[:2], *flat.shape[1:])


def chunks(count: int) -> tuple[Tensor, ...]:
    """The numbers 0 to count - 1 in pieces that bound the memory of one step."""
    return tuple(torch.arange(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK))
