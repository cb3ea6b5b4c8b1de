"""Structural similarity on a masked area: SSIM, and MS-SSIM with a stated number of scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]
    Mask = NDArray[np.bool_]

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
    similarity, _, counted = _maps(truth, image, mask, window)
    if not counted.any():
        return None
    return Similarity(float(similarity[counted].mean()), int(counted.sum()))


def ms_ssim(truth: Image, image: Image, mask: Mask, window: Window, *, scales: int = MS_SSIM_SCALES) -> float | None:
    """Multi-scale SSIM over the first *scales* of the usual five, their exponents scaled to a sum of 1.

    ``None`` where at some scale no window counts. Negative means count as 0.
    """
    weights = np.array(_SCALE_WEIGHTS[:scales]) / sum(_SCALE_WEIGHTS[:scales])
    result = 1.0
    for number, weight in enumerate(weights.tolist()):
        similarity, contrast, counted = _maps(truth, image, mask, window)
        if not counted.any():
            return None
        chosen = similarity if number == scales - 1 else contrast
        result *= max(float(chosen[counted].mean()), 0.0) ** weight
        (truth, image), mask = (_halved(picture, mask) for picture in (truth, image)), _halved_mask(mask)
    return result


def _maps(truth: Image, image: Image, mask: Mask, window: Window) -> tuple[Image, Image, Mask]:
    """The maps of SSIM and of its contrast-structure factor, and the pixels where they count."""
    weight = mask.astype(np.float64)
    held = _blurred(weight)
    counted = mask & (held >= window.share - _ROUNDING)

    def mean(picture: Image) -> Image:
        return np.divide(_blurred(picture * weight), held, out=np.zeros_like(held), where=counted)

    mean_one, mean_two = mean(truth), mean(image)
    variance_one, variance_two = mean(truth**2) - mean_one**2, mean(image**2) - mean_two**2
    covariance = mean(truth * image) - mean_one * mean_two
    c1, c2 = (_LUMINANCE * window.data_range) ** 2, (_CONTRAST * window.data_range) ** 2
    contrast = (2 * covariance + c2) / (variance_one + variance_two + c2)
    luminance = (2 * mean_one * mean_two + c1) / (mean_one**2 + mean_two**2 + c1)
    return luminance * contrast, contrast, counted


def _blurred(picture: Image) -> Image:
    """Outside the picture there is nothing: what the window loses there it loses as outside a mask."""
    return np.asarray(ndimage.gaussian_filter(picture, _SIGMA, radius=_RADIUS, mode="constant"), dtype=np.float64)


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
