"""Refines a probe that is known only roughly, together with the object, so that both give the measured frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.data.scan_geometry import fractions, frame_corners

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

# As in the solver: frames corrected at once, and the step of the first and the last pass.
_BATCH, _FIRST_STEP, _LAST_STEP = 48, 1.0, 0.2
_DARK = 1e-12


class _Both:
    """Object and probe while they follow the frames, whose zero frequency is in the corner."""

    def __init__(self, data: PtychographyData) -> None:
        size = data.frame_size
        self.image = torch.from_numpy(data.object_guess.astype(np.complex64)).flatten()
        self.probe = torch.from_numpy(data.probe_guess.astype(np.complex64))
        self.amplitudes = torch.fft.ifftshift(torch.from_numpy(data.diffraction), dim=(-2, -1))
        self.seen = None if data.mask is None else torch.fft.ifftshift(torch.from_numpy(data.mask))
        axis = torch.arange(size)
        first = torch.from_numpy(frame_corners(data))
        rows, columns = first[:, 0, None, None] + axis[:, None], first[:, 1, None, None] + axis
        self.index = rows * data.object_guess.shape[1] + columns
        self.turns = _turns(fractions(data.xcoords, data.ycoords), size)

    def step(self, frames: Tensor, size: float) -> None:
        """Go towards object and probe with which *frames* have the measured amplitudes."""
        turns, pixels = self.turns[frames], self.index[frames]
        probes = torch.fft.ifft2(torch.fft.fft2(self.probe) * turns)
        pieces = self.image[pixels.flatten()].reshape(pixels.shape)
        spectra = torch.fft.fft2(pieces * probes, norm="ortho")
        wanted = spectra * (self.amplitudes[frames] / spectra.abs().clamp(min=_DARK))
        if self.seen is not None:
            wanted = torch.where(self.seen, wanted, spectra)
        change = torch.fft.ifft2(wanted - spectra, norm="ortho")
        light = self._spread((probes.abs() ** 2).to(torch.complex64), pixels).real
        self.image = self.image + size * self._spread(change * probes.conj(), pixels) / light.clamp(
            min=float(probes.abs().max()) ** 2
        )
        back = torch.fft.ifft2(torch.fft.fft2(change * pieces.conj()) * turns.conj()).sum(dim=0)
        self.probe = self.probe + size * back / (pieces.abs() ** 2).sum(dim=0).max()

    def _spread(self, pieces: Tensor, pixels: Tensor) -> Tensor:
        return torch.zeros_like(self.image).index_add_(0, pixels.flatten(), pieces.flatten())


def refine_probe(data: PtychographyData, passes: int, *, seed: int = 0) -> PtychographyData:
    """*data* with object and probe after *passes* over all frames in random order, from those that are there.

    The probe keeps its energy, since frames fix only the product of the two.
    """
    both, rng = _Both(data), np.random.default_rng(seed)
    for size in np.geomspace(_FIRST_STEP, _LAST_STEP, passes).tolist():
        order = torch.from_numpy(rng.permutation(data.count))
        for first in range(0, data.count, _BATCH):
            both.step(order[first : first + _BATCH], size)
    probe, image = both.probe.numpy(), both.image.numpy().reshape(data.object_guess.shape)
    factor = float(np.linalg.norm(data.probe_guess) / np.linalg.norm(probe))
    return replace(
        data,
        object_guess=(image / factor).astype(np.complex64),
        probe_guess=(probe * factor).astype(np.complex64),
    )


def _turns(offsets: NDArray[np.float64], size: int) -> Tensor:
    """What moves a probe by each of *offsets* (n, 2), as factors of its spectrum (n, N, N); (n, 1, 1) if none moves."""
    if not offsets.any():
        return torch.ones(len(offsets), 1, 1, dtype=torch.complex64)
    steps = np.fft.fftfreq(size)
    phases = offsets[:, 0, None, None] * steps[:, None] + offsets[:, 1, None, None] * steps
    return torch.from_numpy(np.exp(-2j * np.pi * phases).astype(np.complex64))
