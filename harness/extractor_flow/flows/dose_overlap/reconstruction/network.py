"""The network: an encoder-decoder with a head for the amplitude and one for the phase of the object under a frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

INPUT_CHANNELS = 3
_AMPLITUDE_EDGE = 0.03
_PHASE_EDGE = 0.9
_GAIN_SPEED = 10.0


class PatchNetwork(nn.Module):
    """Maps (n, 3, B, B) inputs to amplitudes in (0, 1) and phases in (-pi, pi), (n, B, B) each; B a multiple of 4.

    Channel 0 is the scaled diffraction amplitude, 1 and 2 are a classical estimate of the object (real, imaginary). The
    estimate also reaches both heads directly, through one learned gain each that starts at 0.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.outer = _convolution(INPUT_CHANNELS, width)
        self.middle = nn.Sequential(_halving(width, 2 * width), _convolution(2 * width, 2 * width))
        self.inner = nn.Sequential(_halving(2 * width, 3 * width), _convolution(3 * width, 3 * width))
        self.inner_up = nn.ConvTranspose2d(3 * width, 2 * width, 2, 2)
        self.middle_back = _convolution(2 * width, 2 * width)
        self.middle_up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.outer_back = _convolution(width, width)
        self.amplitude_head = nn.Conv2d(width, 1, 3, padding=1)
        self.phase_head = nn.Conv2d(width, 1, 3, padding=1)
        self.gains = nn.Parameter(torch.zeros(2))
        self.activation = nn.SiLU()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes and phases."""
        outer = self.outer(inputs)
        middle = self.middle(outer)
        inner = self.inner(middle)
        middle = self.middle_back(self.activation(self.inner_up(inner) + middle))
        outer = self.outer_back(self.activation(self.middle_up(middle) + outer))
        amplitude, phase = _logits_of_estimate(inputs[:, 1:])
        gains = _GAIN_SPEED * self.gains
        amplitude = self.amplitude_head(outer)[:, 0] + gains[0] * amplitude
        phase = self.phase_head(outer)[:, 0] + gains[1] * phase
        return torch.sigmoid(amplitude), math.pi * torch.tanh(phase)


def network_inputs(amplitudes: Tensor, estimates: Tensor) -> Tensor:
    """The (n, 3, B, B) inputs from scaled diffraction amplitudes and complex estimates, (n, B, B) each."""
    bounded = estimates / estimates.abs().clamp(min=1.0)
    return torch.stack([amplitudes, bounded.real, bounded.imag], dim=1)


def _logits_of_estimate(estimate: Tensor) -> tuple[Tensor, Tensor]:
    """What the two heads would have to say to repeat the estimate."""
    size = torch.linalg.vector_norm(estimate, dim=1).clamp(_AMPLITUDE_EDGE, 1 - _AMPLITUDE_EDGE)
    angle = torch.atan2(estimate[:, 1], estimate[:, 0]) / math.pi
    return torch.logit(size), torch.atanh(angle.clamp(-_PHASE_EDGE, _PHASE_EDGE))


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.SiLU())


def _halving(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1), nn.SiLU())
