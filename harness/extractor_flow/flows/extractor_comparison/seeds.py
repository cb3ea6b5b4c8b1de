"""The seeds that follow from a run's seed; numpy alone, so that whoever verifies a run can work them out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def evaluation_seeds(seed: int, episodes: int) -> list[int]:
    """The seeds of the evaluation episodes of a run with *seed*: a random stream apart from training's."""
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(1,))
    return [int(state) >> 1 for state in stream.generate_state(episodes)]


def held_out_seeds(seed: int, episodes: int, evaluation: Sequence[int]) -> list[int]:
    """The seeds of the episodes that decide: a stream of its own, without any of those in *evaluation*."""
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(2,))
    seen = frozenset(evaluation)
    drawn = (int(state) >> 1 for state in stream.generate_state(episodes + len(evaluation)))
    return [number for number in drawn if number not in seen][:episodes]


def training_seed(seed: int) -> int:
    """The seed of the first training environment; those of other runs are far away, not the next number."""
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(0,))
    return int(stream.generate_state(1)[0]) >> 2
