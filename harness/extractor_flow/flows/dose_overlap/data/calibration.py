"""Photons: what the training frames say about brightness, and how they are parted; imports no deep-learning package."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData


@dataclass(frozen=True)
class Calibration:
    """What the training frames say about brightness: needed again, unchanged, wherever the network is used.

    ``level`` is the amplitude of an equally bright constant object, ``input_scale`` multiplies the frames,
    ``photon_scale`` is the number of photons for each unit of intensity: as the metadata say, or else as the dose.
    """

    level: float
    input_scale: float
    photon_scale: float

    @classmethod
    def of(cls, data: PtychographyData, dose: float) -> Calibration:
        """The calibration of *data*, whose mean frame holds *dose* photons."""
        energy = mean_energy(data)
        return cls(constant_level(data), input_scale(data.frame_size, energy), photon_scale(data) or dose / energy)

    def as_dict(self) -> dict[str, float]:
        """The fields by name."""
        return asdict(self)


def photon_scale(data: PtychographyData) -> float | None:
    """The photons for each unit of intensity, as the metadata of *data* say; ``None`` where they say nothing usable."""
    scale = data.metadata.get("photon_scale")
    return scale if isinstance(scale, float) and math.isfinite(scale) and scale > 0 else None


def mean_energy(data: PtychographyData) -> float:
    """The mean of sum A² over the frames; what masked pixels would have had is taken from the probe's own pattern."""
    frames = data.diffraction.astype(np.float64) ** 2
    if data.mask is None:
        return float(frames.sum(axis=(-2, -1)).mean())
    pattern = np.abs(np.fft.fftshift(np.fft.fft2(data.probe_guess.astype(np.complex128)))) ** 2
    return float(frames[:, data.mask].sum(axis=1).mean() * pattern.sum() / pattern[data.mask].sum())


def input_scale(frame_size: int, energy: float) -> float:
    """sqrt((N/2)² / mean sum A²): what the diffraction amplitudes are multiplied by for the network."""
    return math.sqrt((frame_size / 2) ** 2 / energy)


def constant_level(data: PtychographyData) -> float:
    """The amplitude of the constant object with frames as bright as the measured ones: sqrt(mean sum A² / sum |P|²)."""
    light = float(np.sum(np.abs(data.probe_guess.astype(np.complex128)) ** 2))
    return math.sqrt(mean_energy(data) / light)


def split_photons(
    data: PtychographyData, scale: float, share: float, rng: np.random.Generator
) -> tuple[PtychographyData, PtychographyData]:
    """Each photon of *data* goes with the probability *share* into the first part, else into the second.

    *scale* is the number of photons for each unit of intensity. Both parts are as bright as *data*; given the object
    their noise is independent, so that what is made of one cannot have fitted the noise of the other.
    """
    counts = np.rint(data.diffraction.astype(np.float64) ** 2 * scale).astype(np.int64)
    kept = rng.binomial(counts, share)
    parts = ((kept, share), (counts - kept, 1 - share))
    first, second = (
        replace(data, diffraction=np.sqrt(part / (each * scale)).astype(np.float32)) for part, each in parts
    )
    return first, second
