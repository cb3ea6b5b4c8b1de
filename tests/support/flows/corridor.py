"""What a test's own extractor and environments are made of; named in configs as ``support.flows.corridor:...``."""

from __future__ import annotations

import os

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class


class Flat(BaseFeaturesExtractor):
    """A user's extractor: everything in one vector, one layer."""

    def __init__(self, observation_space, width=8):
        super().__init__(observation_space, width)
        self.layer = nn.Linear(spaces.utils.flatdim(observation_space), width)

    def forward(self, observations):
        parts = observations.values() if isinstance(observations, dict) else [observations]
        return torch.tanh(self.layer(torch.cat([part.flatten(1) for part in parts], 1)))


class Breaks(Flat):
    """Can be made, and not be trained."""

    def forward(self, observations):
        msg = "this extractor was made to break"
        raise RuntimeError(msg)


class Frozen(BaseFeaturesExtractor):
    """The extractor of a preset, of which nothing is ever trained."""

    def __init__(self, observation_space, **parameters):
        make, arguments = extractor_class("mlp_small", parameters)
        inner = make(observation_space, **arguments)
        super().__init__(observation_space, inner.features_dim)
        self.inner = inner
        self.requires_grad_(requires_grad=False)

    def forward(self, observations):
        return self.inner(observations)


class NotAnExtractor:
    pass


class Corridor(gymnasium.Env):
    """Walk right from 0 to 5: a real task, learned within a few hundred steps. Counts the resets of each process."""

    def __init__(self, *, length=5, limit=12, observation="vector", bad_at=None, bad_reward="nan"):
        self._length, self._limit, self._kind = length, limit, observation
        self._bad_at, self._bad_reward = bad_at, bad_reward
        self._place = self._steps = 0
        self._noise = 0.0
        self.observation_space = {
            "vector": spaces.Box(-2.0, 20.0, (2,), np.float32),
            "exact": spaces.Box(-2.0, 20.0, (2,), np.float64),
            "image": spaces.Box(0, 255, (7, 7, 3), np.uint8),
            "screen": spaces.Box(0, 255, (40, 40, 1), np.uint8),
            "dict": spaces.Dict(
                {
                    "mission": spaces.Text(10),
                    "place": spaces.Box(-2.0, 20.0, (2,), np.float32),
                    "kind": spaces.Discrete(3),
                }
            ),
        }[observation]
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self._place, self._steps = 0, 0
        self._noise = float(self.np_random.uniform(0, 1))
        return self._observe(), {}

    def step(self, action):
        self._place += 1 if int(action) == 1 else -1
        self._steps += 1
        done = self._place >= self._length
        reward = 10.0 * done - 0.1 + 0.01 * self._noise
        if self._steps == self._bad_at:
            reward = float(self._bad_reward)
        return self._observe(), reward, done, not done and self._steps >= self._limit, {"is_success": done}

    def _observe(self):
        place = np.array([max(-2.0, self._place / 5), self._noise], np.float32)
        if self._kind == "image":
            return np.full((7, 7, 3), 100 + self._place, np.uint8)
        if self._kind == "screen":
            seen = np.zeros((40, 40, 1), np.uint8)
            seen[:, 4 * self._place + 8 : 4 * self._place + 12] = 255
            return seen
        if self._kind == "dict":
            return {"mission": "walk", "place": place, "kind": np.int64(1)}
        return place.astype(np.float64) if self._kind == "exact" else place


def make_corridor(**arguments):
    return Corridor(**arguments)


def make_nothing():
    return object()


class Dying(Corridor):
    """Takes its process along."""

    def step(self, action):
        os._exit(3)


class Failing(Corridor):
    """Raises in the middle of an episode."""

    def step(self, action):
        msg = "the simulator has crashed"
        raise RuntimeError(msg)


def make_dying():
    return Dying()


def make_failing():
    return Failing()


class Trap(gymnasium.Env):
    """Gives NaN on its 40th step; the lanes of an evaluation play shorter episodes and never get there."""

    def __init__(self):
        self.observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._steps = self._total = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self._steps = 0
        self._total = 0 if seed is not None else self._total
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self._steps += 1
        self._total += 1
        reward = float("nan") if self._total == 40 else 1.0
        return np.zeros(2, np.float32), reward, self._steps == 10, False, {}


def make_trap():
    return Trap()


class Sloppy(Corridor):
    """Draws from numpy's global generator instead of its own."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self._noise = float(np.random.uniform(0, 1))
        return self._observe(), {}


def make_sloppy():
    return Sloppy()


SEEDS_SEEN: list[int] = []


class Listening(Corridor):
    """Remembers, in this process, the seeds that environments were reset with."""

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            SEEDS_SEEN.append(seed)
        return super().reset(seed=seed, options=options)


def make_listening():
    return Listening()


class Sums(gymnasium.Env):
    """Say the sum of two numbers, twenty times: all seeds learn it alike, and each update brings them on."""

    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = spaces.Box(-3.0, 3.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        return self._draw(), {}

    def step(self, action):
        self._steps += 1
        reward = -abs(float(action[0]) - float(self._shown.sum()))
        return self._draw(), reward, False, self._steps >= 20, {}

    def _draw(self):
        self._shown = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self._shown
