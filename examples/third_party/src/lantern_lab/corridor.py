"""An environment of this project's own: a dark corridor with a lamp at one end, which is to be walked to."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

Observation = dict[str, np.ndarray[Any, Any]]


def make(length: int = 9) -> CorridorEnv:
    """What ``env.factory`` of a config names; ``env.kwargs`` are its arguments."""
    return CorridorEnv(length)


class CorridorEnv(gymnasium.Env[Observation, np.int64]):
    """A corridor of *length* cells; the walker starts in the middle, the lamp hangs at one end.

    Observation (float32): ``light`` (length,), how bright each cell is, from 0 to 1; ``place`` (1,), the walker's cell
    as a share of the corridor. Action: 0 left, 1 right. Reward: 1 on reaching the lamp, -0.02 a step. An episode
    terminates at either end and is truncated after 4 * length steps; ``info["is_success"]`` says whether it was the
    right one.
    """

    def __init__(self, length: int) -> None:
        self.observation_space = spaces.Dict(
            {"light": spaces.Box(0, 1, (length,), np.float32), "place": spaces.Box(0, 1, (1,), np.float32)}
        )
        self.action_space = spaces.Discrete(2)
        self._length = length
        self._place = self._lamp = self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start in the middle; which end the lamp hangs at is chance."""
        super().reset(seed=seed)
        self._place, self._steps = self._length // 2, 0
        self._lamp = int(self.np_random.integers(2)) * (self._length - 1)
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Walk one cell."""
        self._place += 1 if action else -1
        self._steps += 1
        arrived = self._place == self._lamp
        ended = self._place in (0, self._length - 1)
        reward = 1.0 if arrived else -0.02
        return self._observation(), reward, ended, self._steps >= 4 * self._length, {"is_success": arrived}

    def _observation(self) -> Observation:
        distance = np.abs(np.arange(self._length) - self._lamp)
        place = np.array([self._place / (self._length - 1)], np.float32)
        return {"light": np.exp(-distance / 2).astype(np.float32), "place": place}
