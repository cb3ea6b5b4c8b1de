"""A feature extractor of this project's own, named in a config as ``class: lantern_lab.extractor:LightGradient``."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


class LightGradient(BaseFeaturesExtractor):
    """Turns the differences between neighbouring cells' light, and the place, into *features_dim* features."""

    def __init__(self, observation_space: spaces.Dict, features_dim: int = 16) -> None:
        super().__init__(observation_space, features_dim)
        cells = observation_space["light"].shape[0]
        self.layers = nn.Sequential(nn.Linear(cells - 1 + 1, features_dim), nn.Tanh())

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Features (batch, features_dim)."""
        slope = torch.diff(observations["light"], dim=1)
        return self.layers(torch.cat([slope, observations["place"]], dim=1))
