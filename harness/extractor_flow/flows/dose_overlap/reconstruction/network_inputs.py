"""Frames made ready for the network: calibrated, each or all together with a classical estimate of the object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.grouping import GroupRule, group_frames
from extractor_flow.flows.dose_overlap.data.scan_geometry import frame_corners
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import (
    Canvas,
    Measured,
    Optics,
    excess_nll,
    merge,
    project,
)
from extractor_flow.flows.dose_overlap.reconstruction.likelihood import dark_rate
from extractor_flow.flows.dose_overlap.reconstruction.network import network_inputs
from extractor_flow.flows.dose_overlap.reconstruction.picture import Picture, turned, turned_back
from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan, frame_probes
from extractor_flow.flows.dose_overlap.training_config import SCAN

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.calibration import Calibration
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

_CHUNK = 256
_LONE = GroupRule(1)


@dataclass(frozen=True, eq=False)
class Recipe:
    """How frames are made ready: the settings, and the brightness and the optics of the frames learned from."""

    config: TrainingConfig
    calibration: Calibration
    optics: Optics


@dataclass(frozen=True, eq=False)
class PreparedFrames:
    """G groups of C frames: what the network sees, what the photons say, and where the patches lie.

    ``groups`` (G, C) names the frames, ``measured`` holds theirs; ``first`` (G, C, 2) is the first row and column of
    each patch on the object. The network sees each frame, ``inputs`` (G, C, 3, B, B), or one ``picture`` of the whole
    scan, in which every frame is a group by itself.
    """

    recipe: Recipe
    measured: Measured
    groups: Tensor
    first: NDArray[np.int64]
    canvas: Canvas
    inputs: Tensor | None = None
    picture: Picture | None = None

    def to(self, device: torch.device) -> PreparedFrames:
        """The same frames on *device*."""
        return replace(
            self,
            measured=self.measured.to(device),
            groups=self.groups.to(device),
            canvas=self.canvas.to(device),
            inputs=None if self.inputs is None else self.inputs.to(device),
            picture=None if self.picture is None else self.picture.to(device),
        )

    def with_photons_of(self, data: PtychographyData) -> PreparedFrames:
        """The same frames with the photons of *data* to be explained."""
        return replace(self, measured=replace(self.measured, amplitudes=torch.from_numpy(data.diffraction)))

    def estimates(self) -> Tensor:
        """The classical estimates that the network gets frame by frame, complex (G, C, B, B)."""
        if self.inputs is None:
            msg = "frames of a picture have no estimates of their own"
            raise TypeError(msg)
        return torch.complex(self.inputs[:, :, 1], self.inputs[:, :, 2]) * self.recipe.calibration.level


def prepare(
    data: PtychographyData, recipe: Recipe, *, whole: PtychographyData | None = None, share: float = 1.0
) -> PreparedFrames:
    """Compute the network's inputs for the frames of *data*, which have the probe's size, else :class:`DataError`.

    A picture is made of the *whole* scan, of which *data* may be a part. The frames hold the *share* of the photons.
    """
    config, optics = recipe.config, recipe.optics
    if data.frame_size != optics.frame_size:
        msg = f"diffraction: found frames of {data.frame_size} pixels; expected {optics.frame_size}, as the probe has"
        raise DataError(msg)
    rule = _LONE if config.input == SCAN else config.group_rule()
    points = np.stack([data.xcoords, data.ycoords], axis=1)
    groups = group_frames(points, rule, seed=config.grouping_seed)
    first = (frame_corners(data) + optics.margin)[groups]
    seen = None if data.mask is None else torch.from_numpy(data.mask)
    measured = Measured(torch.from_numpy(data.diffraction), frame_probes(data, optics), seen)
    frames = PreparedFrames(recipe, measured, torch.from_numpy(groups), first, Canvas.of(first, optics.box))
    if config.input != SCAN:
        return replace(frames, inputs=_inputs(frames))
    scan = Scan.of(data if whole is None else whole)
    photons = recipe.calibration.photon_scale * share
    return replace(frames, picture=Picture.of(scan, config, photons).for_frames(Scan.of(data).index))


def explain(network: PatchNetwork, frames: PreparedFrames, rows: Tensor, *, turns: int = 0) -> Tensor:
    """The network's object under each frame of some groups, merged within each group: complex (g, C, B, B).

    The network sees everything *turns* quarters of a circle further round, and from 4 on in a mirror: what it makes of
    an object should not depend on where up is.
    """
    optics = frames.recipe.optics
    if frames.picture is not None:
        found = frames.picture.cut(frames.picture.drawn(network, turns=turns), frames.groups[rows, 0])
        return found.reshape(-1, 1, optics.box, optics.box)
    inputs = frames.inputs[rows]  # type: ignore[index]  # without a picture there are inputs
    patches = turned_back(network(turned(inputs.flatten(0, 1), turns)), turns) * frames.recipe.calibration.level
    return merge(patches.reshape(*inputs.shape[:2], *patches.shape[1:]), frames.canvas.select(rows), optics)


def misfit(patches: Tensor, frames: PreparedFrames, rows: Tensor) -> Tensor:
    """The excess negative log-likelihood of the photons of some groups under *patches*, for 1 photon of intensity 1."""
    chosen, measured = frames.groups[rows], frames.measured
    intensity = frames.recipe.optics.diffract(patches, measured.probes[chosen])
    dark = dark_rate(measured.amplitudes**2, frames.recipe.calibration.photon_scale)
    return excess_nll(intensity, measured.amplitudes[chosen], 1.0, measured.seen, dark=dark)


def chunks(count: int) -> tuple[Tensor, ...]:
    """The numbers 0 to count - 1 in pieces that bound the memory of one step."""
    return tuple(torch.arange(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK))


def _inputs(frames: PreparedFrames) -> Tensor:
    """The inputs from the frames of each group alone, (G, C, 3, B, B)."""
    recipe, parts = frames.recipe, []
    level, optics = recipe.calibration.level, recipe.optics
    for chunk in chunks(len(frames.groups)):
        chosen = frames.groups[chunk]
        measured = Measured(frames.measured.amplitudes[chosen], frames.measured.probes[chosen], frames.measured.seen)
        canvas = frames.canvas.select(chunk)
        found = project(measured, canvas, optics, level=level, steps=recipe.config.projections) / level
        scaled = optics.crop(measured.amplitudes) * recipe.calibration.input_scale
        flat = network_inputs(scaled.flatten(0, 1), found.flatten(0, 1))
        parts.append(flat.reshape(*chosen.shape, *flat.shape[1:]))
    return torch.cat(parts)
