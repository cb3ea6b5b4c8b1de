"""Structural similarity on a masked area: SSIM, and MS-SSIM with a stated number of scales."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Image = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Maps = tuple[Image, Image, Mask]

MS_SSIM_SCALES = 3
WINDOW_SHARE = 0.5
_SIGMA = 1.5
_RADIUS = 5
_LUMINANCE = 0.01
_CONTRAST = 0.03
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Window:
    """The span of the true values, which is never guessed, and how much of a window the mask has to hold.

    The window is a Gaussian of sigma 1.5, 11 pixels wide. Its statistics are those of the mask's pixels alone; a pixel
    of the mask counts when at least *share* of its window's weight lies inside: with a share of 1, whole windows only.
    """

    data_range: float
    share: float = WINDOW_SHARE


@dataclass(frozen=True)
class Similarity:
    """A mean over *pixels* windows."""

    value: float
    pixels: int


def ssim(truth: Image, image: Image, mask: Mask, window: Window) -> Similarity | None:
    """The mean SSIM of two images over the mask; ``None`` where no window counts."""
    return _ssim(_maps(truth, image, mask, window))


def ms_ssim(truth: Image, image: Image, mask: Mask, window: Window, *, scales: int = MS_SSIM_SCALES) -> float | None:
    """Multi-scale SSIM over the first *scales* of the usual five, their exponents scaled to a sum of 1.

    ``None`` where at some scale no window counts. Negative means count as 0.
    """
    return _ms_ssim(_pyramid(truth, image, mask, window), scales)


def ssim_and_ms_ssim(truth: Image, image: Image, mask: Mask, window: Window) -> tuple[Similarity | None, float | None]:
    """What :func:`ssim` and :func:`ms_ssim` give, for less: the first scale of the one is the other."""
    levels = _pyramid(truth, image, mask, window)
    finest = next(levels)
    return _ssim(finest), _ms_ssim(chain([finest], levels), MS_SSIM_SCALES)


def _ssim(maps: Maps) -> Similarity | None:
    similarity, _, counted = maps
    if not counted.any():
        return None
    return Similarity(float(similarity[counted].mean()), int(counted.sum()))


def _ms_ssim(levels: Iterator[Maps], scales: int) -> float | None:
    weights = np.array(_SCALE_WEIGHTS[:scales]) / sum(_SCALE_WEIGHTS[:scales])
    result = 1.0
    for number, (weight, (similarity, contrast, counted)) in enumerate(zip(weights.tolist(), levels, strict=False), 1):
        if not counted.any():
            return None
        chosen = similarity if number == scales else contrast
        result *= max(float(chosen[counted].mean()), 0.0) ** weight
    return result


def _pyramid(truth: Image, image: Image, mask: Mask, window: Window) -> Iterator[Maps]:
    """The maps at each scale, without end, of pictures that are halved from one to the next."""
    while True:
        yield _maps(truth, image, mask, window)
        (truth, image), mask = (_halved(picture, mask) for picture in (truth, image)), _halved_mask(mask)


def _maps(truth: Image, image: Image, mask: Mask, window: Window) -> Maps:
    """The maps of SSIM and of its contrast-structure factor, and the pixels where they count."""
    weight = mask.astype(np.float64)
    pictures = np.stack([np.ones_like(weight), truth, image, truth**2, image**2, truth * image])
    held, *sums = _blurred(pictures * weight)
    counted = mask & (held >= window.share - _ROUNDING)
    means = [np.divide(each, held, out=np.zeros_like(held), where=counted) for each in sums]
    mean_one, mean_two, square_one, square_two, product = means
    variance_one, variance_two = square_one - mean_one**2, square_two - mean_two**2
    covariance = product - mean_one * mean_two
    c1, c2 = (_LUMINANCE * window.data_range) ** 2, (_CONTRAST * window.data_range) ** 2
    contrast = (2 * covariance + c2) / (variance_one + variance_two + c2)
    luminance = (2 * mean_one * mean_two + c1) / (mean_one**2 + mean_two**2 + c1)
    return luminance * contrast, contrast, counted


def _blurred(pictures: Image) -> Image:
    """Outside a picture there is nothing: what the window loses there it loses as outside a mask."""
    blurred = ndimage.gaussian_filter(pictures, _SIGMA, radius=_RADIUS, mode="constant", axes=(1, 2))
    return np.asarray(blurred, dtype=np.float64)


def _tiles(picture: Image) -> Image:
    rows, columns = picture.shape[0] // 2, picture.shape[1] // 2
    return picture[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)


def _halved(picture: Image, mask: Mask) -> Image:
    """The means of 2 x 2 tiles over the mask's pixels."""
    weight = mask.astype(np.float64)
    total = _tiles(weight).sum(axis=(1, 3))
    return np.asarray(_tiles(picture * weight).sum(axis=(1, 3)) / np.maximum(total, 1.0))


def _halved_mask(mask: Mask) -> Mask:
    """The tiles at least half of whose pixels are in the mask."""
    return np.asarray(_tiles(mask.astype(np.float64)).mean(axis=(1, 3)) >= WINDOW_SHARE)
