"""The learning rate of every step of a training; imports no deep-learning package."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

_WARM_UP = 0.15
_FIRST_SHARE = 0.04
_LAST_SHARE = 0.001


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The learning rate of a step: a short rise, then half a cosine down."""
    total = config.epochs * config.steps_per_epoch
    rise = max(_WARM_UP * total, 1.0)
    if step < rise:
        return config.learning_rate * (_FIRST_SHARE + (1 - _FIRST_SHARE) * step / rise)
    fall = 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1.0), 1.0)))
    return config.learning_rate * (_LAST_SHARE + (1 - _LAST_SHARE) * fall)
