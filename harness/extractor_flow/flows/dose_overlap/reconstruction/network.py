"""The network: an encoder-decoder that corrects a classical estimate of the object under a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

# What is brighter is an outlier, which the network need not see in full.
_BRIGHTEST = 3.0


class PatchNetwork(nn.Module):
    """Maps (n, 1 + 2 estimates, B, B) inputs to complex patches (n, B, B), in units of the data's level; B = 4 k.

    Channel 0 is the scaled diffraction amplitude; two channels each (real, imaginary) are classical estimates of the
    object. The network goes a learned share of the way from the first estimate to each other one, and adds a
    correction; before the first step it repeats the first estimate.
    """

    def __init__(self, width: int, estimates: int = 1) -> None:
        super().__init__()
        self.outer = _convolution(1 + 2 * estimates, width)
        self.middle = nn.Sequential(_halving(width, 2 * width), _convolution(2 * width, 2 * width))
        self.inner = nn.Sequential(_halving(2 * width, 3 * width), _convolution(3 * width, 3 * width))
        self.inner_up = nn.ConvTranspose2d(3 * width, 2 * width, 2, 2)
        self.middle_back = _convolution(2 * width, 2 * width)
        self.middle_up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.outer_back = _convolution(width, width)
        self.head = nn.Conv2d(width, 2, 3, padding=1)
        self.activation = nn.SiLU()
        self.shares = nn.Parameter(torch.zeros(estimates - 1)) if estimates > 1 else None
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        """The corrected estimates."""
        outer = self.outer(inputs.clamp(-_BRIGHTEST, _BRIGHTEST))
        middle = self.middle(outer)
        inner = self.inner(middle)
        middle = self.middle_back(self.activation(self.inner_up(inner) + middle))
        outer = self.outer_back(self.activation(self.middle_up(middle) + outer))
        estimates = inputs[:, 1:].reshape(len(inputs), -1, 2, *inputs.shape[2:])
        corrected = estimates[:, 0] + self.head(outer)
        if self.shares is not None:
            ways = estimates[:, 1:] - estimates[:, :1]
            corrected = corrected + (self.shares[:, None, None, None] * ways).sum(dim=1)
        return torch.complex(corrected[:, 0], corrected[:, 1])


def network_inputs(amplitudes: Tensor, *estimates: Tensor) -> Tensor:
    """The network's inputs from scaled diffraction amplitudes and complex estimates, (n, B, B) each."""
    parts = [part for each in estimates for part in (each.real, each.imag)]
    return torch.stack([amplitudes, *parts], dim=1)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.SiLU())


def _halving(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1), nn.SiLU())
