"""Fourier ring correlation: up to which spatial frequency an image agrees with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

THRESHOLD = 0.5
NYQUIST = 0.5
_TAPER = 4.0
_SMALLEST_SIDE = 16


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """The correlation in rings of spatial frequency (cycles a pixel, ascending, without the mean)."""

    frequencies: NDArray[np.float64]
    correlation: NDArray[np.float64]

    def cutoff(self, threshold: float = THRESHOLD) -> float | None:
        """The frequency at which the correlation first falls below *threshold*, between rings by a straight line.

        The search begins at the best ring, so that a slow drift, which spoils only the coarsest rings, does not hide
        resolved detail. 0.5 where it never falls, since pixels hold no finer detail; ``None`` where no ring reaches it.
        """
        best = int(np.argmax(self.correlation))
        if self.correlation[best] < threshold:
            return None
        below = best + np.flatnonzero(self.correlation[best:] < threshold)
        if not len(below):
            return NYQUIST
        pair = slice(below[0] - 1, below[0] + 1)
        return float(np.interp(-threshold, -self.correlation[pair], self.frequencies[pair]))


def ring_correlation(truth: Image, image: Image, mask: NDArray[np.bool_]) -> RingCorrelation | None:
    """Compare two real images on *mask*: means are removed, and the mask's rim is softened over 4 pixels.

    A shared mask alone correlates nothing, but it smears strong coarse detail into finer rings, the more the smaller
    its pieces are. ``None`` where the mask's bounding box is under 16 pixels wide or high, or an image is constant.
    """
    box = ndimage.find_objects(mask.astype(np.int8))
    if not box or min(side.stop - side.start for side in box[0]) < _SMALLEST_SIDE:
        return None
    weights = _softened(mask[box[0]])
    one, two = (_spectrum(picture[box[0]], weights) for picture in (truth, image))
    frequencies = np.hypot(*np.meshgrid(*(np.fft.fftfreq(length) for length in weights.shape), indexing="ij"))
    rings = int(min(weights.shape) * NYQUIST)
    ring = np.rint(frequencies * min(weights.shape)).astype(np.int64)
    kept = (ring >= 1) & (ring <= rings)
    cross, power_one, power_two = (
        np.bincount(ring[kept], values[kept], rings + 1)[1:]
        for values in ((one * two.conj()).real, np.abs(one) ** 2, np.abs(two) ** 2)
    )
    if not (power_one.any() and power_two.any()):
        return None
    total = np.sqrt(power_one * power_two)
    correlation = np.divide(cross, total, out=np.zeros_like(cross), where=total > 0)
    return RingCorrelation(np.arange(1, rings + 1) / min(weights.shape), correlation)


def _softened(mask: NDArray[np.bool_]) -> Image:
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.asarray(np.sin(np.pi / 2 * np.minimum(depth / (_TAPER + 1), 1)) ** 2)


def _spectrum(image: Image, weights: Image) -> NDArray[np.complex128]:
    mean = float((image * weights).sum() / weights.sum())
    centred = (image - mean) * weights
    if np.abs(centred).max() <= np.finfo(np.float64).eps * max(abs(mean), 1.0) * 8:
        return np.zeros(image.shape, dtype=np.complex128)
    return np.asarray(np.fft.fft2(centred))
