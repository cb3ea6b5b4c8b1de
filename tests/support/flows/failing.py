"""A feature extractor that can be made and cannot be used: its job starts, and fails."""

from __future__ import annotations

from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class FailingExtractor(BaseFeaturesExtractor):
    """Raises at the first observation."""

    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=1)

    def forward(self, observations):
        msg = "no_such layer"
        raise RuntimeError(msg)
