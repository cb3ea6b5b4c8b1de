"""A training's identity: the digest of its settings and data; imports no deep-learning package."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.flows.dose_overlap.data.calibration import photon_scale

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig


def training_digest(config: TrainingConfig, data: PtychographyData) -> str:
    """The SHA-256 of *config* and of everything in *data* that a training uses."""
    digest = hashlib.sha256(config.digest.encode())
    for array in (data.diffraction, data.probe_guess, data.xcoords, data.ycoords, data.mask):
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    digest.update(repr(photon_scale(data)).encode())
    return digest.hexdigest()
