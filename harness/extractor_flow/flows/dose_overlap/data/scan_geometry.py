"""Where the frames of a scan lie on the object: in whole pixels, and by what fraction of one the probe is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

    Complex = NDArray[np.complex64] | NDArray[np.complex128]
    Floats = NDArray[np.float64]

# Nobody knows a position better; a fraction that varies less is none.
_SAME_FRACTION = 1e-3
_ROUNDING = 1e-6


def whole_pixels(coordinates: Floats) -> NDArray[np.int64]:
    """The pixel of each coordinate: floor(x + 1/2), the same way for all coordinates with the same fraction."""
    common = _common_fraction(coordinates)
    if common is None:
        return np.asarray(np.floor(coordinates + 0.5), dtype=np.int64)
    return np.asarray(np.rint(coordinates - common) + np.floor(common + 0.5 + _ROUNDING), dtype=np.int64)


def fractions(xcoords: Floats, ycoords: Floats) -> Floats:
    """By how much each frame's middle is off its whole pixel, (n, 2): down and right, at most half a pixel.

    A fraction that all frames share is a convention about a pixel's origin, and counts as none.
    """
    axes = (ycoords, xcoords)
    parts = [np.zeros(len(axis)) if _common_fraction(axis) is not None else axis - whole_pixels(axis) for axis in axes]
    return np.stack(parts, axis=1)


def corners(xcoords: Floats, ycoords: Floats, frame_size: int) -> NDArray[np.int64]:
    """The first row and column of each frame, (n, 2): the whole pixel of its middle minus half a frame."""
    return np.stack([whole_pixels(ycoords), whole_pixels(xcoords)], axis=1) - frame_size // 2


def frame_corners(data: PtychographyData) -> NDArray[np.int64]:
    """:func:`corners` of all frames; a frame that leaves the object is a :class:`DataError`."""
    found = corners(data.xcoords, data.ycoords, data.frame_size)
    require_inside(found, data.frame_size, data.object_guess.shape)
    return found


def require_inside(found: NDArray[np.int64], frame_size: int, shape: tuple[int, ...]) -> None:
    """Raise :class:`DataError` unless every frame lies inside an object of *shape*."""
    last = np.array(shape) - frame_size
    outside = np.flatnonzero(((found < 0) | (found > last)).any(axis=1))
    if len(outside):
        half = frame_size // 2
        row, column = (found[outside[0]] + half).tolist()
        msg = (
            f"xcoords, ycoords: found {len(outside)} frames outside the object, the first, number {outside[0]}, at"
            f" y = {row}, x = {column}; expected y from {half} to {last[0] + half} and x from {half} to"
            f" {last[1] + half}"
        )
        raise DataError(msg)


def probes_at(probe: Complex, offsets: Floats) -> NDArray[np.complex128]:
    """The probe moved by each of *offsets* (n, 2), through the Fourier shift theorem: (n, N, N)."""
    down, right = (np.fft.fftfreq(length) for length in probe.shape)
    turns = offsets[:, 0, None, None] * down[:, None] + offsets[:, 1, None, None] * right
    return np.asarray(np.fft.ifft2(np.fft.fft2(probe.astype(np.complex128)) * np.exp(-2j * np.pi * turns)))


def windows(first: NDArray[np.int64], frame_size: int) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of each frame."""
    for row, column in first.tolist():
        yield slice(row, row + frame_size), slice(column, column + frame_size)


def cut(image: Complex, first: NDArray[np.int64], frame_size: int) -> Complex:
    """The (n, N, N) pieces of *image* under the frames."""
    views = np.lib.stride_tricks.sliding_window_view(image, (frame_size, frame_size))
    return np.array(views[first[:, 0], first[:, 1]])


def illumination(probe: Complex, first: NDArray[np.int64], shape: tuple[int, ...]) -> Floats:
    """The sum of the probe's intensity over all frames, of *shape*, in units of the probe's brightest pixel."""
    intensity = np.abs(probe.astype(np.complex128)) ** 2
    total = np.zeros(shape)
    for window in windows(first, len(probe)):
        total[window] += intensity
    return np.asarray(total / intensity.max())


def covered(
    probe: Complex, first: NDArray[np.int64], shape: tuple[int, ...], threshold: float = 0.1
) -> NDArray[np.bool_]:
    """The pixels whose :func:`illumination` is at least *threshold*: the area that a scan can tell something about."""
    return np.asarray(illumination(probe, first, shape) >= threshold)


def _common_fraction(coordinates: Floats) -> float | None:
    """The fraction of a pixel that all *coordinates* share, from -1/2 to 1/2; ``None`` if they share none."""
    common = float(np.angle(np.exp(2j * np.pi * coordinates).mean()) / (2 * np.pi))
    rest = coordinates - common
    return common if np.abs(rest - np.rint(rest)).max(initial=0.0) < _SAME_FRACTION else None
