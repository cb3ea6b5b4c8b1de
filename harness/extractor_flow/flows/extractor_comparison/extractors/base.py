"""What all extractors share: an encoder per part with a layout, and one perceptron for all vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from extractor_flow.flows.extractor_comparison.extractors.observation import find_branches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gymnasium import spaces

    from extractor_flow.flows.extractor_comparison.extractors.observation import Part


class Encoder(nn.Module):
    """Turns a batch of one part into features: (batch, channels, *size) to (batch, *features*)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features


class Flatten(Encoder):
    """Leaves the values as they are."""

    def __init__(self, part: Part) -> None:
        super().__init__(part.values)

    def forward(self, values: Tensor) -> Tensor:
        """Shape (batch, values)."""
        return values.flatten(1)


class Layers(Encoder):
    """Linear layers, each with a ReLU and dropout behind it; with no *widths*, the values as they are."""

    def __init__(self, inputs: int, widths: Sequence[int], dropout_rate: float = 0.0) -> None:
        super().__init__(widths[-1] if widths else inputs)
        modules: list[nn.Module] = []
        for before, width in zip([inputs, *widths], widths, strict=False):
            modules += [nn.Linear(before, width), nn.ReLU()]
            if dropout_rate:
                modules.append(nn.Dropout(dropout_rate))
        self.layers = nn.Sequential(*modules)

    def forward(self, values: Tensor) -> Tensor:
        """Shape (batch, width of the last layer)."""
        encoded: Tensor = self.layers(values.flatten(1))
        return encoded


class Naming(TypedDict, total=False):
    """Which keys of the observation are the sequence and the vectors; shape decides about what is not named."""

    sequence_key: str | None
    vector_keys: Sequence[str] | None


class Branching(Naming, total=False):
    """:class:`Naming`, and the widths of the vectors' perceptron; with none, vectors stay as they are."""

    drive_hidden_dims: Sequence[int]


class BranchedExtractor(BaseFeaturesExtractor):
    """The features of every part that has a layout, in the space's order, then those of the vectors."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        encoder: Callable[[Part], Encoder],
        *,
        drive_hidden_dims: Sequence[int] = (32, 16),
        drive_dropout_rate: float = 0.0,
        **names: Unpack[Naming],
    ) -> None:
        branches = find_branches(observation_space, **names)
        encoders = [encoder(part) for part in branches.laid_out]
        width = sum(part.values for part in branches.vectors)
        vector_encoder = Layers(width, drive_hidden_dims, drive_dropout_rate) if width else None
        features = sum(module.features for module in encoders) + (vector_encoder.features if vector_encoder else 0)
        super().__init__(observation_space, features)
        self._branches = branches
        self.encoders = nn.ModuleList(encoders)
        self.vector_encoder = vector_encoder

    def forward(self, observations: Tensor | Mapping[str, Tensor]) -> Tensor:
        """The features, shape (batch, features_dim), of a preprocessed batch of observations."""
        parts = zip(self.encoders, self._branches.laid_out, strict=True)
        features = [encoder(part.read(observations)) for encoder, part in parts]
        if self.vector_encoder is not None:
            vectors = [part.read(observations).flatten(1) for part in self._branches.vectors]
            features.append(self.vector_encoder(torch.cat(vectors, dim=1)))
        return torch.cat(features, dim=1)
