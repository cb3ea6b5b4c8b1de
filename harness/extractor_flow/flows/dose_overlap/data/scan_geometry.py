"""Where the frames of a scan lie on the object, in whole pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

    Complex = NDArray[np.complex64] | NDArray[np.complex128]


def corners(xcoords: NDArray[np.float64], ycoords: NDArray[np.float64], frame_size: int) -> NDArray[np.int64]:
    """The first row and column of each frame, (n, 2): the nearest whole pixel to its middle minus half a frame."""
    middles = np.stack([ycoords, xcoords], axis=1)
    return np.asarray(np.rint(middles), dtype=np.int64) - frame_size // 2


def frame_corners(data: PtychographyData) -> NDArray[np.int64]:
    """:func:`corners` of all frames; a frame that leaves the object is a :class:`DataError`."""
    found = corners(data.xcoords, data.ycoords, data.frame_size)
    require_inside(found, data.frame_size, len(data.object_guess))
    return found


def require_inside(found: NDArray[np.int64], frame_size: int, object_size: int) -> None:
    """Raise :class:`DataError` unless every frame lies inside the object."""
    last = object_size - frame_size
    outside = np.flatnonzero(((found < 0) | (found > last)).any(axis=1))
    if len(outside):
        middle = (found[outside[0]] + frame_size // 2).tolist()
        half = frame_size // 2
        msg = (
            f"xcoords, ycoords: found {len(outside)} frames outside the object, the first, number {outside[0]}, at"
            f" y = {middle[0]}, x = {middle[1]}; expected {half} to {last + half}"
        )
        raise DataError(msg)


def windows(first: NDArray[np.int64], frame_size: int) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of each frame."""
    for row, column in first.tolist():
        yield slice(row, row + frame_size), slice(column, column + frame_size)


def cut(image: Complex, first: NDArray[np.int64], frame_size: int) -> Complex:
    """The (n, N, N) pieces of *image* under the frames."""
    views = np.lib.stride_tricks.sliding_window_view(image, (frame_size, frame_size))
    return np.array(views[first[:, 0], first[:, 1]])


def illumination(probe: Complex, first: NDArray[np.int64], object_size: int) -> NDArray[np.float64]:
    """The sum of the probe's intensity over all frames, (M, M), in units of the probe's brightest pixel."""
    intensity = np.abs(probe.astype(np.complex128)) ** 2
    total = np.zeros((object_size, object_size))
    for window in windows(first, len(probe)):
        total[window] += intensity
    return np.asarray(total / intensity.max())


def covered(probe: Complex, first: NDArray[np.int64], object_size: int, threshold: float = 0.1) -> NDArray[np.bool_]:
    """The pixels whose :func:`illumination` is at least *threshold*: the area that a scan can tell something about."""
    return np.asarray(illumination(probe, first, object_size) >= threshold)
