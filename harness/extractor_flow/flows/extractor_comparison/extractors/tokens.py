"""Cuts sequences and images into a bounded number of tokens, for the models whose cost grows with their number."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from extractor_flow.flows.extractor_comparison.extractors.observation import Part

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
