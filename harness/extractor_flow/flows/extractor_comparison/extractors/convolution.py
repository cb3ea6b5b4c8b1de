"""Convolutions over sequences and images of any size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Unpack

from torch import Tensor, nn

from extractor_flow.flows.extractor_comparison.extractors.base import (
    BranchedExtractor,
    Branching,
    Encoder,
    Flatten,
    Naming,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gymnasium import spaces

    from extractor_flow.flows.extractor_comparison.extractors.observation import Part

_STRIDE = 2


class DynamicsExtractor(BranchedExtractor):
    """Convolution layers with ReLU and dropout over what has a layout, vectors as they are.

    Without *use_ray_conv* everything stays as it is, and there are no parameters to learn.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        use_ray_conv: bool = True,
        num_filters: Sequence[int] = (64, 16, 16, 16),
        kernel_sizes: Sequence[int] = (3, 3, 3, 3),
        dropout_rates: Sequence[float] = (0.3, 0.3, 0.3, 0.3),
        **names: Unpack[Naming],
    ) -> None:
        layers = list(zip(num_filters, kernel_sizes, dropout_rates, strict=True))

        def encoder(part: Part) -> Encoder:
            return Convolutions(part, layers, normalise=False) if use_ray_conv else Flatten(part)

        super().__init__(observation_space, encoder, drive_hidden_dims=(), **names)


class LightweightCnnExtractor(BranchedExtractor):
    """Normalised convolution layers over what has a layout, and a perceptron for the vectors."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        num_filters: Sequence[int] = (32, 16),
        kernel_sizes: Sequence[int] = (5, 3),
        dropout_rate: float = 0.1,
        **branching: Unpack[Branching],
    ) -> None:
        layers = [(filters, size, dropout_rate) for filters, size in zip(num_filters, kernel_sizes, strict=True)]
        super().__init__(
            observation_space,
            lambda part: Convolutions(part, layers, normalise=True),
            drive_dropout_rate=dropout_rate,
            **branching,
        )


class Convolutions(Encoder):
    """Convolutions of stride 2, each given as (filters, kernel size, dropout rate); the last one's output is flattened.

    A kernel shrinks to what it reads, so that none of its weights meets padding alone, however small the observation.
    """

    def __init__(self, part: Part, layers: Iterable[tuple[int, int, float]], *, normalise: bool) -> None:
        modules: list[nn.Module] = []
        channels, size = part.channels, part.size
        for filters, kernel_size, dropout_rate in layers:
            kernel = tuple(min(kernel_size, length) for length in size)
            modules += [_convolution(channels, filters, kernel)]
            # Over all channels and places of one observation: unlike a batch norm it is the same while collecting
            # experience and while learning from it.
            modules += [nn.GroupNorm(1, filters)] if normalise else []
            modules += [nn.ReLU(), *([nn.Dropout(dropout_rate)] if dropout_rate else [])]
            channels = filters
            size = tuple(_strided(length, width) for length, width in zip(size, kernel, strict=True))
        super().__init__(channels * prod(size))
        self.layers = nn.Sequential(*modules, nn.Flatten())

    def forward(self, values: Tensor) -> Tensor:
        """Shape (batch, filters of the last layer x places that its strides leave)."""
        encoded: Tensor = self.layers(values)
        return encoded


def _convolution(channels: int, filters: int, kernel: tuple[int, ...]) -> nn.Module:
    padding = tuple((width - 1) // 2 for width in kernel)
    if len(kernel) == 1:
        return nn.Conv1d(channels, filters, kernel[0], _STRIDE, padding[0])
    return nn.Conv2d(channels, filters, (kernel[0], kernel[1]), _STRIDE, (padding[0], padding[1]))


def _strided(length: int, width: int) -> int:
    return (length + 2 * ((width - 1) // 2) - width) // _STRIDE + 1
