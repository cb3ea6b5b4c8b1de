"""What all extractors share: an encoder per part with a layout, and one perceptron for all vectors."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.nn import functional

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


_IMAGE_AXES = 2


class Tokens(nn.Module):
    """Groups neighbouring readings (or pixels) of all channels into at most *most* tokens of equal size.

    Turns (batch, channels, *size) into (batch, *count*, *width*); what is missing to a full last group is zero. The
    tokens of an image stand row by row, and a sequence is an image of one row.
    """

    def __init__(self, part: Part, most: int) -> None:
        super().__init__()
        self._height, self._width = part.size if len(part.size) == _IMAGE_AXES else (1, *part.size)
        rows, columns = _grid(self._height, self._width, most)
        self._tall, self._wide = ceil(self._height / rows), ceil(self._width / columns)
        self._rows, self._columns = ceil(self._height / self._tall), ceil(self._width / self._wide)
        self.count = self._rows * self._columns
        self.width = part.channels * self._tall * self._wide

    def forward(self, values: Tensor) -> Tensor:
        """Shape (batch, count, width)."""
        batch, channels = values.shape[:2]
        image = values.reshape(batch, channels, self._height, self._width)
        right, below = self._columns * self._wide - self._width, self._rows * self._tall - self._height
        padded = functional.pad(image, (0, right, 0, below)) if right or below else image
        cut = padded.reshape(batch, channels, self._rows, self._tall, self._columns, self._wide)
        return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, self.count, self.width)


def _grid(height: int, width: int, most: int) -> tuple[int, int]:
    """Into how many rows and columns of groups to cut: at most *most* groups together, each as square as can be."""
    rows = max(1, min(height, most, round((most * height / width) ** 0.5)))
    return rows, max(1, min(width, most // rows))
