"""Two multi-layer perceptrons: one for what has a layout, which it does not see, and one for the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from extractor_flow.flows.extractor_comparison.extractors.base import BranchedExtractor, Layers, Naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gymnasium import spaces


class PerceptronExtractor(BranchedExtractor):
    """Linear layers with ReLU and dropout; the layout of rays or pixels is flattened first."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        ray_hidden_dims: Sequence[int] = (64, 32),
        drive_hidden_dims: Sequence[int] = (16, 8),
        dropout_rate: float = 0.1,
        **names: Unpack[Naming],
    ) -> None:
        super().__init__(
            observation_space,
            lambda part: Layers(part.values, ray_hidden_dims, dropout_rate),
            drive_hidden_dims=drive_hidden_dims,
            drive_dropout_rate=dropout_rate,
            **names,
        )
