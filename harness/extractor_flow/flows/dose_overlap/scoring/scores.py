"""Scores of a reconstruction against the true object, on the area that the scan covered."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.scoring.frc import ring_correlation
from extractor_flow.flows.dose_overlap.scoring.ssim import MS_SSIM_SCALES, Window, ssim_and_ms_ssim

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Complex = NDArray[np.complex64] | NDArray[np.complex128]
    Image = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ImageScores:
    """The scores of one real image. ``None``: the number does not exist (no window, a constant image, no error).

    ``data_range`` is the span of the true values on the mask, in which the errors are measured; ``frc_cutoff`` is in
    cycles a pixel; ``ssim_pixels`` says over how many pixels the SSIM is a mean.
    """

    psnr: float | None
    ssim: float | None
    ms_ssim: float | None
    frc_cutoff: float | None
    data_range: float
    ssim_pixels: int


@dataclass(frozen=True)
class Scores:
    """A reconstruction's scores, and the size of the area they hold for."""

    amplitude: ImageScores
    phase: ImageScores
    mask_pixels: int
    mask_share: float
    ms_ssim_scales: int = MS_SSIM_SCALES

    def as_dict(self) -> dict[str, float | int | None]:
        """One flat mapping, ``amplitude_psnr`` and so on."""
        flat: dict[str, float | int | None] = {}
        for name, scores in (("amplitude", self.amplitude), ("phase", self.phase)):
            flat |= {f"{name}_{key}": value for key, value in asdict(scores).items()}
        return flat | {
            "mask_pixels": self.mask_pixels,
            "mask_share": self.mask_share,
            "ms_ssim_scales": self.ms_ssim_scales,
        }


def score(truth: Complex, image: Complex, mask: Mask) -> Scores:
    """Compare the complex *image* with *truth* where *mask* is true, after :func:`aligned`; no scale is fitted.

    The phase's error is taken on the circle, so that a phase that wraps costs nothing. An empty mask, a shape that does
    not fit or a value that is not finite is a :class:`DataError`.
    """
    _check(truth, image, mask)
    box = ndimage.find_objects(mask.astype(np.int8))[0]
    share = float(mask.mean())
    truth, image, mask = truth[box], image[box], mask[box]
    turned = aligned(image, truth, mask)
    reference = truth.astype(np.complex128)
    # The truth's own global phase means nothing: turned away, it cannot make the phase wrap and its span 2 pi.
    true_phase = np.angle(reference * np.conj(reference[mask].sum()))
    # SSIM compares means, which have to be positive: both phases are counted from the lowest true one.
    true_phase = true_phase - true_phase[mask].min()
    phase = true_phase + np.angle(turned * reference.conj())
    return Scores(
        amplitude=image_scores(np.abs(reference), np.abs(turned), mask),
        phase=image_scores(true_phase, phase, mask),
        mask_pixels=int(mask.sum()),
        mask_share=share,
    )


def aligned(image: Complex, truth: Complex, mask: Mask) -> NDArray[np.complex128]:
    """*image* times the one phase factor that brings it closest to *truth* on *mask*.

    Frames leave the object's global phase free. With a known probe nothing else is free: a phase ramp on the object
    would shift every pattern.
    """
    overlap = np.vdot(image[mask].astype(np.complex128), truth[mask].astype(np.complex128))
    factor = overlap / abs(overlap) if abs(overlap) > 0 else 1.0
    return np.asarray(image.astype(np.complex128) * factor)


def image_scores(truth: Image, image: Image, mask: Mask) -> ImageScores:
    """The scores of a real *image*; its data range is the span of *truth* on *mask*."""
    data_range = float(np.ptp(truth[mask]))
    if data_range == 0:
        return ImageScores(None, None, None, None, 0.0, 0)
    window = Window(data_range)
    similarity, multi_scale = ssim_and_ms_ssim(truth, image, mask, window)
    rings = ring_correlation(truth, image, mask)
    return ImageScores(
        psnr=psnr(truth, image, mask, data_range=data_range),
        ssim=None if similarity is None else similarity.value,
        ms_ssim=multi_scale,
        frc_cutoff=None if rings is None else rings.cutoff(),
        data_range=data_range,
        ssim_pixels=0 if similarity is None else similarity.pixels,
    )


def psnr(truth: Image, image: Image, mask: Mask, *, data_range: float) -> float | None:
    """20 log10(data range / RMS error) on *mask*, in dB; ``None`` where there is no error at all."""
    error = float(np.mean((truth[mask] - image[mask]) ** 2))
    return None if error == 0 else 20 * math.log10(data_range) - 10 * math.log10(error)


def _check(truth: Complex, image: Complex, mask: Mask) -> None:
    if not (truth.shape == image.shape == mask.shape):
        shapes = f"image {image.shape}, truth {truth.shape}, mask {mask.shape}"
        msg = f"reconstruction: found the shapes {shapes}; expected one shape"
        raise DataError(msg)
    if not mask.any():
        msg = "reconstruction: found no covered pixel; expected some"
        raise DataError(msg)
    if not (np.isfinite(image).all() and np.isfinite(truth).all()):
        msg = "reconstruction: found values that are not finite; expected none"
        raise DataError(msg)
