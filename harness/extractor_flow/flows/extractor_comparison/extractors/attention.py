"""Self-attention between groups of rays, or between patches of an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Unpack

import torch
from torch import Tensor, nn

from extractor_flow.flows.extractor_comparison.extractors.base import BranchedExtractor, Branching, Encoder, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gymnasium import spaces

    from extractor_flow.flows.extractor_comparison.extractors.observation import Part

_LONGEST_PERIOD = 10_000.0


class AttentionExtractor(BranchedExtractor):
    """Layers of multi-head self-attention over tokens, averaged, and a perceptron for the vectors."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        embed_dim: int = 32,
        num_heads: int = 2,
        num_layers: int = 1,
        dropout_rate: float = 0.1,
        max_tokens: int = 17,
        **branching: Unpack[Branching],
    ) -> None:
        def encoder(part: Part) -> Encoder:
            layers = [_AttentionLayer(embed_dim, num_heads, dropout_rate) for _ in range(num_layers)]
            return _AttentionEncoder(Tokens(part, max_tokens), embed_dim, layers)

        super().__init__(observation_space, encoder, **branching)


class _AttentionEncoder(Encoder):
    def __init__(self, tokens: Tokens, embed_dim: int, layers: Sequence[nn.Module]) -> None:
        super().__init__(embed_dim)
        self.tokens = tokens
        self.embed = nn.Linear(tokens.width, embed_dim)
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(embed_dim)
        self.register_buffer("positions", position_codes(tokens.count, embed_dim), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        embedded = self.embed(self.tokens(values)) + self.positions
        encoded: Tensor = self.norm(self.layers(embedded)).mean(dim=1)
        return encoded


class _AttentionLayer(nn.Module):
    """Adds to each token what it attends to; normalised first, so that depth does not hold back the gradient."""

    def __init__(self, embed_dim: int, num_heads: int, dropout_rate: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embed_dim)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, dropout_rate, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        normed = self.norm(tokens)
        attended: Tensor = self.attention(normed, normed, normed, need_weights=False)[0]
        return tokens + attended


def position_codes(count: int, width: int) -> Tensor:
    """Sines and cosines that tell *count* places apart, shape (count, width), with *width* even.

    Vaswani et al., "Attention is all you need" (2017), section 3.5.
    """
    places = torch.arange(count, dtype=torch.float32)[:, None]
    frequencies = torch.exp(-math.log(_LONGEST_PERIOD) * torch.arange(0, width, 2, dtype=torch.float32) / width)
    return torch.stack([torch.sin(places * frequencies), torch.cos(places * frequencies)], dim=2).flatten(1)
