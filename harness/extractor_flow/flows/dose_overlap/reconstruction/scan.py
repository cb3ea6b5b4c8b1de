"""All frames of a scan on one object: what the solvers compute with. On the CPU, in single precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from extractor_flow.flows.dose_overlap.data.calibration import constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import fractions, frame_corners, probes_at
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics

if TYPE_CHECKING:
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

_CHUNK = 256
# Below it a gradient counts as flat, in the unit of the picture. With a tenth of it, rounding decides which way a flat
# place goes.
_FLAT = 1e-2


@dataclass(frozen=True, eq=False)
class Scan:
    """n frames, each the box of B x B pixels that its probe lights, on an object of *shape*.

    ``amplitudes`` (n, N, N) have their zero frequency in the corner, as the Fourier transform gives it; ``index``
    (n, B B) says which pixels of the flat object a frame lights; ``probes`` is (n, B, B). Where ``seen`` (N, N) is
    false, the detector saw nothing. ``level`` is the amplitude of an equally bright constant object.
    """

    optics: Optics
    amplitudes: Tensor
    index: Tensor
    probes: Tensor
    seen: Tensor | None
    shape: tuple[int, int]
    level: float

    @classmethod
    def of(cls, data: PtychographyData) -> Scan:
        """The scan that *data* holds; a frame outside the object is a :class:`extractor_flow.errors.DataError`."""
        optics = Optics.of(data.probe_guess)
        first = torch.from_numpy(frame_corners(data) + optics.margin)
        rows, columns = data.object_guess.shape
        axis = torch.arange(optics.box)
        index = (first[:, 0, None, None] + axis[:, None]) * columns + first[:, 1, None, None] + axis
        seen = None if data.mask is None else torch.fft.ifftshift(torch.from_numpy(data.mask))
        amplitudes = torch.fft.ifftshift(torch.from_numpy(data.diffraction), dim=(-2, -1))
        if seen is not None:
            amplitudes = amplitudes * seen
        return cls(
            optics,
            amplitudes,
            index.flatten(1),
            frame_probes(data, optics),
            seen,
            (rows, columns),
            constant_level(data),
        )

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(self.amplitudes)

    def constant(self) -> Tensor:
        """The constant object of this brightness, flat."""
        return torch.full((self.shape[0] * self.shape[1],), self.level, dtype=torch.complex64)

    def cut(self, image: Tensor, frames: Tensor | slice = slice(None)) -> Tensor:
        """The pieces (k, B, B) of a flat object under some of the frames."""
        pixels = self.index[frames]
        found = image.index_select(0, pixels.flatten())
        return found.reshape(len(pixels), self.optics.box, self.optics.box)

    def light(self) -> Tensor:
        """How much light fell on each pixel, (rows, columns), in units of the probe's brightest pixel."""
        energy = self.probes.abs() ** 2
        empty = torch.zeros(self.shape[0] * self.shape[1])
        total = empty.index_add_(0, self.index.flatten(), energy.flatten()) / energy.max()
        return total.reshape(self.shape)

    def spectra(self, waves: Tensor) -> Tensor:
        """The Fourier transforms of (k, B, B) exit waves; the squares of their amplitudes are intensities."""
        found: Tensor = torch.fft.fft2(self.optics.pad(waves), norm="ortho")
        return found

    def waves(self, spectra: Tensor) -> Tensor:
        """The boxes (k, B, B) of the waves with these spectra."""
        return self.optics.crop(torch.fft.ifft2(spectra, norm="ortho"))


def frame_probes(data: PtychographyData, optics: Optics) -> Tensor:
    """The box of the probe of each frame, (n, B, B), moved by the fraction of a pixel that its position is off."""
    offsets = fractions(data.xcoords, data.ycoords)
    box = optics.crop(optics.probe)
    if not offsets.any():
        return box.expand(data.count, *box.shape)
    parts = [
        probes_at(data.probe_guess, offsets[start : start + _CHUNK]).astype(np.complex64)
        for start in range(0, data.count, _CHUNK)
    ]
    return torch.cat([optics.crop(torch.from_numpy(part)) for part in parts])


def total_variation(image: Tensor) -> Tensor:
    """The sum of |gradient| over a picture (rows, columns, channels), rounded off where it is flat."""
    down = functional.pad(image[1:] - image[:-1], (0, 0, 0, 0, 0, 1))
    right = functional.pad(image[:, 1:] - image[:, :-1], (0, 0, 0, 1))
    return torch.sqrt((down**2 + right**2).sum(dim=-1) + _FLAT**2).sum()
