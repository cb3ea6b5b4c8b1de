"""Pictures of a whole scan: what a few solver steps say of the object, for the network to correct."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from extractor_flow.flows.dose_overlap.reconstruction.likelihood import Prior, most_likely
from extractor_flow.flows.dose_overlap.reconstruction.network import network_inputs
from extractor_flow.flows.dose_overlap.reconstruction.pie import iterate

if TYPE_CHECKING:
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
    from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

MIRRORED, TURNS = 4, 8
"""From how many turns on a picture is mirrored, too, and how many ways there are to turn it."""

# A network halves its input twice.
_STEP = 4
_DARK = 1e-6
_MOMENTUM = 0.5
# The share of the steps that the way from the most likely object towards a smoother or rougher one takes. It saves time
# and was not tuned: 12 of 30 steps go a fifth to two thirds of the way that 120 go, further where photons are few.
_FURTHER = 0.4


@dataclass(frozen=True, eq=False)
class Picture:
    """An estimate (rows, columns) of the object, and the lit box that the network sees, ``inputs`` (1, channels, h, w).

    Channel 0 says how much light fell on a pixel; two each are estimates, of which the first is corrected. ``index``
    (n, B B) says which pixels of the flat object a frame lights. The network's numbers are in units of ``level``;
    ``weights`` (h, w) say how much of its correction counts: without them all of it.
    """

    estimate: Tensor
    inputs: Tensor
    box: tuple[slice, slice]
    index: Tensor
    level: float
    weights: Tensor | None = None

    @classmethod
    def of(cls, scan: Scan, config: TrainingConfig, photon_scale: float) -> Picture:
        """What the solvers' first steps give, with *photon_scale* photons for each unit of intensity."""
        estimates = [each.reshape(scan.shape) for each in _estimates(scan, config, photon_scale)]
        light = scan.light()
        box = _lit_box(light)
        inputs = network_inputs(torch.log1p(light[box])[None], *(each[box][None] / scan.level for each in estimates))
        weights = light[box] / (light[box] + config.dim) if config.dim else None
        return cls(estimates[0], inputs, box, scan.index, scan.level, weights)

    def for_frames(self, index: Tensor) -> Picture:
        """The same picture, for frames that light other pixels."""
        return replace(self, index=index)

    def to(self, device: torch.device) -> Picture:
        """The same picture on *device*."""
        estimate, inputs, index = (each.to(device) for each in (self.estimate, self.inputs, self.index))
        weights = None if self.weights is None else self.weights.to(device)
        return replace(self, estimate=estimate, inputs=inputs, index=index, weights=weights)

    def drawn(self, network: PatchNetwork, *, turns: int = 0) -> Tensor:
        """The object (rows, columns) as *network* corrects it, seeing it *turns* quarters of a circle further round."""
        found, given = self.estimate.clone(), self.estimate[self.box]
        corrected = self.level * turned_back(network(turned(self.inputs, turns)), turns)[0]
        found[self.box] = corrected if self.weights is None else given + self.weights * (corrected - given)
        return found

    def drawn_from_all_sides(self, network: PatchNetwork) -> Tensor:
        """The mean of what *network* draws however it is turned: what depends on where up is averages out."""
        return torch.stack([self.drawn(network, turns=turns) for turns in range(TURNS)]).mean(dim=0)

    def cut(self, image: Tensor, frames: Tensor) -> Tensor:
        """The pieces (k, B B) of an object under some of the frames."""
        chosen = self.index[frames]
        return image.flatten().index_select(0, chosen.flatten()).reshape(chosen.shape)


def _estimates(scan: Scan, config: TrainingConfig, photon_scale: float) -> tuple[Tensor, ...]:
    """The most likely object; with a spread, also what it began from, and a rougher and a smoother one."""
    begun = iterate(scan, passes=config.projections, momentum=_MOMENTUM, seed=config.grouping_seed)
    if not config.refinements:
        return (begun,)

    def likely(start: Tensor, smoothness: float, steps: int) -> Tensor:
        return most_likely(scan, start, Prior(smoothness), photon_scale=photon_scale, steps=steps)

    image = likely(begun, config.smoothness, config.refinements)
    if config.estimates == 1:
        return (image,)
    steps = math.ceil(_FURTHER * config.refinements)
    others = (likely(image, config.smoothness * way, steps) for way in (1 / config.spread, config.spread))
    return (image, begun, *others)


def turned(pictures: Tensor, turns: int) -> Tensor:
    """(..., h, w) pictures *turns* quarters of a circle round, and then mirrored if there are 4 or more."""
    found = torch.rot90(pictures, turns % 4, (-2, -1))
    return found.flip(-1) if turns >= MIRRORED else found


def turned_back(pictures: Tensor, turns: int) -> Tensor:
    """What :func:`turned` undoes."""
    return torch.rot90(pictures.flip(-1) if turns >= MIRRORED else pictures, -(turns % 4), (-2, -1))


def _lit_box(light: Tensor) -> tuple[slice, slice]:
    """The rows and columns that hold all light, each a multiple of 4 long; up to 3 at the object's rim are left out."""
    lit = light > _DARK * light.max()
    rows, columns = (_stretch(lit.any(dim=dim)) for dim in (1, 0))
    return rows, columns


def _stretch(lit: Tensor) -> slice:
    places = torch.nonzero(lit).flatten()
    first, last = int(places[0]), int(places[-1]) + 1
    length = min(-(-(last - first) // _STEP), len(lit) // _STEP) * _STEP
    start = min(first, len(lit) - length)
    return slice(start, start + length)
