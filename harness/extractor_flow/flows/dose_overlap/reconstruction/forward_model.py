"""The differentiable forward model: patches on a common canvas, cut out, lit by the probe, diffracted, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_BOX_ENERGY = 0.9999
_BOX_STEP = 4
_PROJECTION_DAMPING = 0.05
_MERGE_FLOOR = 1e-3
_DARK = 1e-6


@dataclass(frozen=True, eq=False)
class Optics:
    """A probe (N, N) and the middle (B, B) box of a frame that holds all but 0.01 % of its energy.

    Patches of the object are B x B: outside the box a frame says nothing about the object. B is a multiple of 4.
    """

    probe: Tensor
    box: int

    @classmethod
    def of(cls, probe: NDArray[np.complex64]) -> Optics:
        """The optics of a probe whose side is at least 4 pixels."""
        return cls(torch.from_numpy(np.ascontiguousarray(probe, dtype=np.complex64)), box_side(probe))

    def to(self, device: torch.device) -> Optics:
        """The same optics on *device*."""
        return Optics(self.probe.to(device), self.box)

    @property
    def frame_size(self) -> int:
        """N."""
        return int(self.probe.shape[-1])

    @property
    def margin(self) -> int:
        """The rows above the box."""
        return (self.frame_size - self.box) // 2

    def crop(self, frames: Tensor) -> Tensor:
        """The box of (..., N, N) frames."""
        inner = slice(self.margin, self.margin + self.box)
        return frames[..., inner, inner]

    def pad(self, patches: Tensor) -> Tensor:
        """(..., B, B) patches in frames of zeros, (..., N, N)."""
        after = self.frame_size - self.box - self.margin
        padded: Tensor = functional.pad(patches, (self.margin, after, self.margin, after))
        return padded

    def diffract(self, patches: Tensor, probes: Tensor | None = None) -> Tensor:
        """The centred intensities |FFT(P O)|² / N² of complex (..., B, B) patches under their probes."""
        spectra = torch.fft.fft2(self.pad(patches * (self.crop(self.probe) if probes is None else probes)))
        intensity = spectra.real**2 + spectra.imag**2
        centred: Tensor = torch.fft.fftshift(intensity, dim=(-2, -1))
        return centred / self.frame_size**2


def box_side(probe: NDArray[np.complex64]) -> int:
    """The side of the smallest centred box, a multiple of 4, with 99.99 % of the probe's energy, or the largest."""
    energy = np.abs(probe.astype(np.complex128)) ** 2
    size = len(probe)
    largest = size - size % _BOX_STEP
    for side in range(_BOX_STEP, largest, _BOX_STEP):
        start = (size - side) // 2
        inner = slice(start, start + side)
        if energy[inner, inner].sum() >= _BOX_ENERGY * energy.sum():
            return side
    return largest


@dataclass(frozen=True, eq=False)
class Canvas:
    """Where the C patches of each of G groups lie on the group's own canvas."""

    index: Tensor
    shape: tuple[int, int, int]
    pixels: int

    @classmethod
    def of(cls, first: NDArray[np.int64], box: int) -> Canvas:
        """The canvases of groups whose frames begin at *first*, (G, C, 2)."""
        offsets = torch.from_numpy(first - first.min(axis=1, keepdims=True))
        width = int(offsets.max()) + box if offsets.numel() else box
        axis = torch.arange(box)
        rows = offsets[..., 0, None, None] + axis[:, None]
        columns = offsets[..., 1, None, None] + axis[None, :]
        index = (rows * width + columns).flatten(1)
        return cls(index, (offsets.shape[1], box, box), width * width)

    def to(self, device: torch.device) -> Canvas:
        """The same canvases on *device*."""
        return Canvas(self.index.to(device), self.shape, self.pixels)

    def select(self, groups: Tensor) -> Canvas:
        """The canvases of some of the groups."""
        return Canvas(self.index[groups], self.shape, self.pixels)

    def collect(self, patches: Tensor) -> Tensor:
        """The sums of (G, C, B, B) patches on the canvases, (G, pixels)."""
        empty = patches.new_zeros(len(self.index), self.pixels)
        return empty.scatter_add(1, self.index, patches.flatten(1))

    def cut(self, canvases: Tensor) -> Tensor:
        """The patches (G, C, B, B) of (G, pixels) canvases."""
        return canvases.gather(1, self.index).reshape(-1, *self.shape)


def merge(patches: Tensor, canvas: Canvas, optics: Optics) -> Tensor:
    """Make the complex (G, C, B, B) patches agree: each pixel becomes the mean of all that see it, weighted by |P|²."""
    if patches.shape[1] == 1:
        return patches
    light = _light(optics) + _MERGE_FLOOR
    weights = light.expand(patches.shape)
    weighted = patches * light
    total = torch.complex(canvas.collect(weighted.real), canvas.collect(weighted.imag))
    share = canvas.collect(weights).clamp(min=_MERGE_FLOOR)
    return canvas.cut(total / share)


@dataclass(frozen=True, eq=False)
class Measured:
    """Centred amplitudes (..., N, N) of frames, their probes (..., B, B), and which pixels the detector has seen."""

    amplitudes: Tensor
    probes: Tensor
    seen: Tensor | None = None

    def to(self, device: torch.device) -> Measured:
        """The same on *device*."""
        seen = None if self.seen is None else self.seen.to(device)
        return Measured(self.amplitudes.to(device), self.probes.to(device), seen)


def project(frames: Measured, canvas: Canvas, optics: Optics, *, level: float, steps: int) -> Tensor:
    """A classical estimate of the object under each frame of each group, complex (G, C, B, B).

    From an object of the constant amplitude *level*, *steps* times: diffract, put the measured amplitudes in, go back,
    and spread the difference over the canvas.
    """
    measured = torch.fft.ifftshift(frames.amplitudes, dim=(-2, -1)) * optics.frame_size
    dead = None if frames.seen is None else ~torch.fft.ifftshift(frames.seen)
    probe, amplitudes = frames.probes, frames.amplitudes
    light = canvas.collect(_light(optics).expand(len(amplitudes), *canvas.shape))
    step = 1 / ((light + _PROJECTION_DAMPING) * optics.probe.abs().max() ** 2)
    estimate = torch.full_like(light, level).to(torch.complex64)
    for _ in range(steps):
        waves = optics.pad(canvas.cut(estimate) * probe)
        spectra = torch.fft.fft2(waves)
        wanted = measured if dead is None else torch.where(dead, spectra.abs(), measured)
        corrected = torch.fft.ifft2(torch.polar(wanted, spectra.angle()))
        change = optics.crop(corrected - waves) * probe.conj()
        estimate = estimate + step * torch.complex(canvas.collect(change.real), canvas.collect(change.imag))
    return canvas.cut(estimate)


def excess_nll(
    intensity: Tensor, amplitudes: Tensor, photon_scale: float, seen: Tensor | None = None, *, dark: float | None = None
) -> Tensor:
    """The Poisson negative log-likelihood of counts s² A² under rates s² I, above that of a perfect fit; nats a pixel.

    Only pixels that the detector has *seen* (N, N) count; the intensity *dark*, if given, is added to every rate. A
    model without error scores about 0.5 where many photons fall on a pixel, less where few do, and never below
    0.
    """
    measured = amplitudes**2
    floor = _DARK * measured.mean() if dark is None else dark
    rate = intensity + floor
    fit = torch.where(measured > 0, measured * torch.log(measured.clamp(min=1e-30) / rate), torch.zeros_like(rate))
    excess = rate - measured + fit
    return photon_scale * (excess if seen is None else excess[..., seen]).mean()


def _light(optics: Optics) -> Tensor:
    energy = optics.crop(optics.probe).abs() ** 2
    return energy / optics.probe.abs().max() ** 2
