"""What the training frames say about brightness; imports no deep-learning package."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData


@dataclass(frozen=True)
class Calibration:
    """What the training frames say about brightness: needed again, unchanged, wherever the network is used.

    ``level`` is the amplitude of an equally bright constant object, ``input_scale`` multiplies the frames,
    ``photon_scale`` is the number of photons for each unit of intensity.
    """

    level: float
    input_scale: float
    photon_scale: float

    @classmethod
    def of(cls, data: PtychographyData, dose: float) -> Calibration:
        """The calibration of *data*, whose mean frame holds *dose* photons."""
        energy = float(np.mean(np.sum(data.diffraction.astype(np.float64) ** 2, axis=(-2, -1))))
        return cls(constant_level(data), input_scale(data.frame_size, energy), dose / energy)

    def as_dict(self) -> dict[str, float]:
        """The fields by name."""
        return asdict(self)


def input_scale(frame_size: int, mean_energy: float) -> float:
    """sqrt((N/2)² / mean sum A²): what the diffraction amplitudes are multiplied by for the network."""
    return math.sqrt((frame_size / 2) ** 2 / mean_energy)


def constant_level(data: PtychographyData) -> float:
    """The amplitude of the constant object with frames as bright as the measured ones: sqrt(mean sum A² / sum |P|²)."""
    energy = np.sum(data.diffraction.astype(np.float64) ** 2, axis=(-2, -1))
    return float(np.sqrt(energy.mean() / np.sum(np.abs(data.probe_guess.astype(np.complex128)) ** 2)))
