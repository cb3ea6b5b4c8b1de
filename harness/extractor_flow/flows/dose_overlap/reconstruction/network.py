"""The network: an encoder-decoder that corrects a classical estimate of the object under a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

INPUT_CHANNELS = 3
# What is brighter is an outlier, which the network need not see in full.
_BRIGHTEST = 3.0


class PatchNetwork(nn.Module):
    """Maps (n, 3, B, B) inputs to complex patches (n, B, B), in units of the data's level; B a multiple of 4.

    Channel 0 is the scaled diffraction amplitude, 1 and 2 are a classical estimate of the object (real, imaginary). The
    network adds a correction to the estimate; before the first step the correction is zero.
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
        self.head = nn.Conv2d(width, 2, 3, padding=1)
        self.activation = nn.SiLU()
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        """The corrected estimates."""
        outer = self.outer(inputs.clamp(-_BRIGHTEST, _BRIGHTEST))
        middle = self.middle(outer)
        inner = self.inner(middle)
        middle = self.middle_back(self.activation(self.inner_up(inner) + middle))
        outer = self.outer_back(self.activation(self.middle_up(middle) + outer))
        corrected = inputs[:, 1:] + self.head(outer)
        return torch.complex(corrected[:, 0], corrected[:, 1])


def network_inputs(amplitudes: Tensor, estimates: Tensor) -> Tensor:
    """The (n, 3, B, B) inputs from scaled diffraction amplitudes and complex estimates, (n, B, B) each."""
    return torch.stack([amplitudes, estimates.real, estimates.imag], dim=1)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.SiLU())


def _halving(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1), nn.SiLU())
