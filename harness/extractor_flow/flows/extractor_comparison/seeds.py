"""The seeds that follow from a run's seed; numpy alone, so that whoever verifies a run can work them out again."""

from __future__ import annotations

import numpy as np


def evaluation_seeds(seed: int, episodes: int) -> list[int]:
    """The seeds of the evaluation episodes of a run with *seed*: a random stream apart from training's."""
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(1,))
    return [int(state) >> 1 for state in stream.generate_state(episodes)]


def training_seed(seed: int) -> int:
    """The seed of the first training environment; those of other runs are far away, not the next number."""
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(0,))
    return int(stream.generate_state(1)[0]) >> 2
