"""A selective state-space model (S6) in plain torch, small enough for a CPU.

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), arXiv:2312.00752: the block of
its figure 3 and the recurrence of its algorithm 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from extractor_flow.flows.extractor_comparison.extractors.base import BranchedExtractor, Branching, Encoder, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gymnasium import spaces

    from extractor_flow.flows.extractor_comparison.extractors.observation import Part

_STEP_RANGE = (1e-3, 1e-1)  # where the step sizes begin


class MambaLiteExtractor(BranchedExtractor):
    """Residual selective state-space blocks over tokens, averaged, and a perceptron for the vectors."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *,
        d_model: int = 64,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        num_layers: int = 1,
        dropout_rate: float = 0.0,
        max_tokens: int = 17,
        **branching: Unpack[Branching],
    ) -> None:
        def encoder(part: Part) -> Encoder:
            blocks = [SelectiveBlock(d_model, d_state, d_conv, expand) for _ in range(num_layers)]
            return _MambaEncoder(Tokens(part, max_tokens), d_model, blocks, dropout_rate)

        super().__init__(observation_space, encoder, **branching)


class _MambaEncoder(Encoder):
    def __init__(self, tokens: Tokens, d_model: int, blocks: Sequence[nn.Module], dropout_rate: float) -> None:
        super().__init__(d_model)
        self.tokens = tokens
        self.embed = nn.Linear(tokens.width, d_model)
        self.blocks = nn.ModuleList(blocks)
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in blocks)
        self.dropout = nn.Dropout(dropout_rate)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, values: Tensor) -> Tensor:
        hidden = self.embed(self.tokens(values))
        for block, norm in zip(self.blocks, self.norms, strict=True):
            hidden = hidden + self.dropout(block(norm(hidden)))
        encoded: Tensor = self.norm(hidden).mean(dim=1)
        return encoded


class SelectiveBlock(nn.Module):
    """Maps (batch, length, d_model) to the same shape; a place sees only those before it.

    One half of the input passes a depthwise convolution and the selective recurrence, the other half is its gate.
    """

    def __init__(self, d_model: int, d_state: int, d_conv: int, expand: int) -> None:
        super().__init__()
        inner, self._rank = expand * d_model, math.ceil(d_model / 16)
        self._d_state = d_state
        self.spread = nn.Linear(d_model, 2 * inner, bias=False)
        self.convolution = nn.Conv1d(inner, inner, d_conv, groups=inner, padding=d_conv - 1)
        self.select = nn.Linear(inner, self._rank + 2 * d_state, bias=False)
        self.step = nn.Linear(self._rank, inner, bias=False)
        # Not the bias of a Linear: Stable-Baselines3 sets those to zero, and the steps would all begin at 0.7.
        self.step_bias = nn.Parameter(_first_steps(inner))
        self.log_decay = nn.Parameter(torch.arange(1.0, d_state + 1).log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.join = nn.Linear(inner, d_model, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """The block's output, without the residual."""
        inputs, gate = self.spread(tokens).chunk(2, dim=-1)
        convolved = self.convolution(inputs.transpose(1, 2))[..., : tokens.shape[1]].transpose(1, 2)
        inputs = functional.silu(convolved)
        low_rank, write, read = self.select(inputs).split([self._rank, self._d_state, self._d_state], dim=-1)
        steps = functional.softplus(self.step(low_rank) + self.step_bias)
        scanned = selective_scan(inputs, steps, -self.log_decay.exp(), write, read)
        joined: Tensor = self.join((scanned + self.skip * inputs) * functional.silu(gate))
        return joined


def selective_scan(inputs: Tensor, steps: Tensor, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
    """The recurrence h_t = exp(step_t A) h_(t-1) + step_t B_t x_t, with the output y_t = C_t h_t and h_0 = 0.

    *inputs* x and *steps* have the shape (batch, length, inner), *decay* A (inner, state) is negative, *write* B and
    *read* C have the shape (batch, length, state). All but the recurrence itself is done for all places at once.
    """
    kept = torch.exp(steps[..., None] * decay)
    added = (steps * inputs)[..., None] * write[:, :, None, :]
    state = torch.zeros_like(added[:, 0])
    states = []
    for keep, add in zip(kept.unbind(1), added.unbind(1), strict=True):
        state = torch.addcmul(add, keep, state)
        states.append(state)
    outputs: Tensor = (torch.stack(states, dim=1) @ read[..., None]).squeeze(-1)
    return outputs


def _first_steps(count: int) -> Tensor:
    """Biases whose softplus is spread evenly, on a logarithmic scale, over the range in which steps begin."""
    low, high = (math.log(bound) for bound in _STEP_RANGE)
    steps = torch.exp(torch.rand(count) * (high - low) + low)
    return steps + torch.log(-torch.expm1(-steps))
