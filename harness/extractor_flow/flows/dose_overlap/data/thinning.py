"""Thins a scan to a wanted overlap: which positions a view keeps, and the numbers behind that choice."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import KDTree

from extractor_flow.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_BOUND = 0.10
SMALLEST_FLOOR = 0.0005
FLOOR_SHARE = 0.8


@dataclass(frozen=True)
class SpacingMetrics:
    """The numbers of one selection; spacings are nearest-neighbour distances of the offered positions, in pixels."""

    min_spacing: float
    max_spacing: float
    mean_spacing: float
    median_spacing: float
    threshold: float
    n_positions: int
    n_accepted: int
    n_rejected: int
    acceptance_rate: float
    geometry_acceptance_bound: float
    effective_min_acceptance: float

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Accepted:
    """The view exists: the indices of the kept positions, ascending, and how they were found."""

    indices: NDArray[np.int64]
    selection_strategy: Literal["direct", "greedy"]
    metrics: SpacingMetrics


@dataclass(frozen=True)
class Rejected:
    """The view cannot be had from these positions; *metrics* are those of the greedy pass."""

    direct_rate: float
    greedy_rate: float
    metrics: SpacingMetrics

    @property
    def reason(self) -> str:
        """One line with every number of the decision."""
        numbers = self.metrics
        return (
            f"OVERSAMPLING-001: of {numbers.n_positions} positions a spacing of {numbers.threshold:g} px keeps"
            f" {self.direct_rate:.4%} directly and {self.greedy_rate:.4%} greedily; at least"
            f" {numbers.effective_min_acceptance:.4%} is wanted; the smallest spacing is {numbers.min_spacing:g} px"
        )


def spacing_threshold(overlap: float, frame_size: int) -> float:
    """S = (1 - f) N in pixels; an overlap outside [0, 1) is a :class:`ConfigError`."""
    if not 0 <= overlap < 1:
        raise ConfigError([f"overlap is {overlap!r}; expected a fraction of at least 0 and below 1"])
    return (1 - overlap) * frame_size


def nearest_spacings(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each of the (n, 2) points to its nearest neighbour; fewer than two are a :class:`DataError`."""
    if len(points) <= 1:
        msg = f"positions: found {len(points)}; expected at least 2, to measure a spacing"
        raise DataError(msg)
    distances, _ = KDTree(points).query(points, k=2)
    return np.asarray(distances[:, 1])


def acceptance_bound(points: NDArray[np.float64], threshold: float) -> float:
    """min(0.10, bounding-box area / (pi (S/2)²) / n): the largest share of positions that geometry lets one keep."""
    width, height = np.ptp(points, axis=0)
    return min(LARGEST_BOUND, float(width * height) / (math.pi * (threshold / 2) ** 2) / len(points))


def acceptance_floor(bound: float) -> float:
    """max(0.0005, 0.8 bound): a view with a smaller share of the positions is rejected."""
    return max(SMALLEST_FLOOR, FLOOR_SHARE * bound)


def greedy_indices(points: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """The positions kept by one pass in (y, x) order that keeps what is at least *threshold* from all kept so far."""
    kept: list[int] = []
    places = np.empty_like(points)
    for index in np.lexsort((points[:, 0], points[:, 1])).tolist():
        gaps = places[: len(kept)] - points[index]
        if not kept or float(np.min(np.einsum("ij,ij->i", gaps, gaps))) >= threshold**2:
            places[len(kept)] = points[index]
            kept.append(index)
    return np.array(sorted(kept), dtype=np.int64)


def select_view(
    xcoords: NDArray[np.float64], ycoords: NDArray[np.float64], *, overlap: float, frame_size: int
) -> Accepted | Rejected:
    """Keep the positions whose nearest neighbour is at least (1 - overlap) N away; a greedy pass if those are too few.

    An impossible overlap is a :class:`ConfigError`, fewer than two positions a :class:`DataError`.
    """
    threshold = spacing_threshold(overlap, frame_size)
    points = np.stack([xcoords, ycoords], axis=1).astype(np.float64)
    spacings = nearest_spacings(points)
    floor = acceptance_floor(acceptance_bound(points, threshold))
    direct = np.flatnonzero(spacings >= threshold)
    if len(direct) / len(points) >= floor:
        return Accepted(direct, "direct", _metrics(points, spacings, threshold, len(direct)))
    greedy = greedy_indices(points, threshold)
    metrics = _metrics(points, spacings, threshold, len(greedy))
    if metrics.acceptance_rate >= floor:
        return Accepted(greedy, "greedy", metrics)
    return Rejected(len(direct) / len(points), metrics.acceptance_rate, metrics)


def _metrics(
    points: NDArray[np.float64], spacings: NDArray[np.float64], threshold: float, accepted: int
) -> SpacingMetrics:
    bound = acceptance_bound(points, threshold)
    return SpacingMetrics(
        min_spacing=float(spacings.min()),
        max_spacing=float(spacings.max()),
        mean_spacing=float(spacings.mean()),
        median_spacing=float(np.median(spacings)),
        threshold=threshold,
        n_positions=len(points),
        n_accepted=accepted,
        n_rejected=len(points) - accepted,
        acceptance_rate=accepted / len(points),
        geometry_acceptance_bound=bound,
        effective_min_acceptance=acceptance_floor(bound),
    )
