"""Which frames of a training are set aside to judge by; imports no deep-learning package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig


def validation_block(data: PtychographyData, config: TrainingConfig) -> NDArray[np.bool_]:
    """Which frames are set aside: those nearest to a frame the subsampling seed picks, at least a group's worth."""
    count = validation_count(data.count, config)
    size = config.group_rule().size
    if data.count < count + size:
        msg = f"diffraction: found {data.count} frames; expected at least {count + size}: {count} are set aside"
        raise DataError(msg)
    points = np.stack([data.xcoords, data.ycoords], axis=1)
    _, nearest = KDTree(points).query(points[middle_frame(data.count, config)], k=count)
    block = np.zeros(data.count, dtype=bool)
    block[np.atleast_1d(nearest)] = True
    return block


def middle_frame(frames: int, config: TrainingConfig) -> int:
    """The one of *frames* around which frames are set aside."""
    return int(np.random.default_rng(config.subsampling_seed).integers(frames))


def validation_count(frames: int, config: TrainingConfig) -> int:
    """How many of *frames* are set aside."""
    return max(round(config.validation_share * frames), config.group_rule().size)
