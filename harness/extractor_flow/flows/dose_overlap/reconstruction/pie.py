"""A yardstick: the iterative solver that knows the probe (regularised PIE with momentum) and sees every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan

# Frames corrected at once: enough to let the Fourier transform be the work, few enough that most do not overlap.
_BATCH = 48
_FIRST_STEP = 1.0
_LAST_STEP = 0.2
_DARK = 1e-12


def iterate(scan: Scan, *, passes: int, momentum: float = 0.0, seed: int = 0) -> Tensor:
    """The flat object after *passes* over all frames in random order, from a constant object.

    The step shrinks from 1 to 0.2 over the passes, which averages the noise of later frames instead of following it.
    After each pass the object also goes *momentum* further the way it went. Pixels that no frame lights keep the
    constant.
    """
    image, rng = scan.constant(), np.random.default_rng(seed)
    before, drift = image.clone(), torch.zeros_like(image)
    brightest = float((scan.probes.abs() ** 2).max())
    for step in np.geomspace(_FIRST_STEP, _LAST_STEP, passes).tolist():
        order = torch.from_numpy(rng.permutation(scan.count))
        for first in range(0, scan.count, _BATCH):
            frames = order[first : first + _BATCH]
            image += step * _correction(scan, image, frames, brightest)
        if momentum:
            drift = momentum * drift + (image - before)
            image += momentum * drift
            before = image.clone()
    return image


def _correction(scan: Scan, image: Tensor, frames: Tensor, brightest: float) -> Tensor:
    """What has to be added to *image* so that the spectra of some frames have the measured amplitudes."""
    probes, pixels = scan.probes[frames], scan.index[frames].flatten()
    waves = scan.cut(image, frames) * probes
    spectra = scan.spectra(waves)
    wanted = spectra * (scan.amplitudes[frames] / spectra.abs().clamp(min=_DARK))
    if scan.seen is not None:
        wanted = torch.where(scan.seen, wanted, spectra)
    change = (scan.waves(wanted) - waves) * probes.conj()
    total = torch.zeros_like(image).index_add_(0, pixels, change.flatten())
    light = torch.zeros(len(image)).index_add_(0, pixels, (probes.abs() ** 2).flatten())
    return total / light.clamp(min=brightest)
