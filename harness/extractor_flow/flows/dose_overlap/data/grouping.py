"""Puts frames into groups of neighbours, which a network sees and explains together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUPING_SEED = 123


@dataclass(frozen=True)
class GroupRule:
    """Groups of *size* frames: one and size - 1 of its *neighbor_count* nearest others, drawn *repeats* times."""

    size: int = 4
    neighbor_count: int = 7
    repeats: int = 1

    def __post_init__(self) -> None:
        problems = []
        if self.size < 1 or self.repeats < 1:
            problems.append(f"group size and repeats are {self.size} and {self.repeats}; expected at least 1 each")
        if self.size > 1 and self.neighbor_count < self.size:
            problems.append(f"neighbor_count is {self.neighbor_count}; expected at least the group size {self.size}")
        if problems:
            raise ConfigError(problems)

    @classmethod
    def for_gridsize(cls, gridsize: int, *, neighbor_count: int = 7, repeats: int = 1) -> GroupRule:
        """Gridsize 1 looks at each frame alone, gridsize 2 at groups of four; another one is a :class:`ConfigError`."""
        if gridsize not in {1, 2}:
            raise ConfigError([f"gridsize is {gridsize!r}; expected 1 or 2"])
        return cls(gridsize**2, neighbor_count, repeats if gridsize > 1 else 1)


def group_frames(points: NDArray[np.float64], rule: GroupRule, *, seed: int = GROUPING_SEED) -> NDArray[np.int64]:
    """Groups of the (n, 2) points as indices, (n * repeats, size): each row begins with its own frame, none twice.

    Fewer points than a group holds are a :class:`DataError`.
    """
    count = len(points)
    if count < rule.size:
        msg = f"positions: found {count}; expected at least the group size {rule.size}"
        raise DataError(msg)
    own = np.tile(np.arange(count), rule.repeats)[:, None]
    if rule.size == 1:
        return own
    near = _neighbours(points, min(rule.neighbor_count, count - 1))
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(near, (rule.repeats, 1)), axis=1)
    return np.concatenate([own, np.sort(order[:, : rule.size - 1], axis=1)], axis=1)


def _neighbours(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The *count* nearest others of each point; among points at one place a point is still not its own neighbour."""
    from scipy.spatial import KDTree  # here, so that a config can be read without scipy

    _, found = KDTree(points).query(points, k=count + 1)
    found = np.asarray(found, dtype=np.int64)
    is_own = found == np.arange(len(points))[:, None]
    is_own[~is_own.any(axis=1), -1] = True
    return np.asarray(found[~is_own].reshape(len(points), count), dtype=np.int64)
