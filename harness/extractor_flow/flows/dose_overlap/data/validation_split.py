"""Which frames of a training are set aside to judge by; imports NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig


def validation_block(data: PtychographyData, config: TrainingConfig) -> NDArray[np.bool_]:
    """Which frames are set aside: those nearest to a frame the subsampling seed picks, at least a group's worth.

    Of frames equally far away the first ones are taken, so that every machine sets the same ones aside.
    """
    count = validation_count(data.count, config)
    size = config.group_rule().size
    if data.count < count + size:
        msg = f"diffraction: found {data.count} frames; expected at least {count + size}: {count} are set aside"
        raise DataError(msg)
    middle = int(np.random.default_rng(config.subsampling_seed).integers(data.count))
    squares = (data.xcoords - data.xcoords[middle]) ** 2 + (data.ycoords - data.ycoords[middle]) ** 2
    block = np.zeros(data.count, dtype=bool)
    block[np.argsort(squares, kind="stable")[:count]] = True
    return block


def validation_count(frames: int, config: TrainingConfig) -> int:
    """How many of *frames* are set aside."""
    return max(round(config.validation_share * frames), config.group_rule().size)
