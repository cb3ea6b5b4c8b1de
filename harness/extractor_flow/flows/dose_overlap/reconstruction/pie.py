"""The yardstick: an iterative solver that knows the probe (regularised PIE) and sees every frame of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from extractor_flow.flows.dose_overlap.data.calibration import constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import frame_corners, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

    Complex = NDArray[np.complex128]

ITERATIONS = 15
_DAMPING = 0.9
_FIRST_STEP = 1.0
_LAST_STEP = 0.2


def iterate(data: PtychographyData, *, iterations: int = ITERATIONS, seed: int = 0) -> Complex:
    """The object (M, M) after *iterations* passes over all frames in random order, from a constant object.

    The step shrinks from 1 to 0.2 over the passes, which averages the noise of later frames instead of following it.
    Pixels that no frame lights keep the constant.
    """
    probe = data.probe_guess.astype(np.complex128)
    first = frame_corners(data)
    places = list(windows(first, data.frame_size))
    measured = np.fft.ifftshift(data.diffraction.astype(np.float64), axes=(-2, -1)) * data.frame_size
    image = np.full(data.object_guess.shape, constant_level(data), dtype=np.complex128)
    light = np.abs(probe) ** 2
    pull = probe.conj() / ((1 - _DAMPING) * light + _DAMPING * light.max())
    rng = np.random.default_rng(seed)
    for step in np.geomspace(_FIRST_STEP, _LAST_STEP, iterations).tolist():
        for frame in rng.permutation(data.count).tolist():
            piece = image[places[frame]]
            piece += step * pull * _correction(probe * piece, measured[frame])
    return image


def _correction(wave: Complex, measured: NDArray[np.float64]) -> Complex:
    """What has to be added to *wave* so that its spectrum has the measured amplitudes."""
    spectrum = fft.fft2(wave)
    size = np.abs(spectrum)
    wanted = np.divide(spectrum * measured, size, out=measured.astype(np.complex128), where=size > 0)
    return np.asarray(fft.ifft2(wanted) - wave)
