"""Walls in the plane, and a range finder: every ray against every wall and pedestrian in one matrix product.

Points and vectors are complex numbers, x + iy in metres: a crossing product is then one operation and not four, which
is what the speed of small arrays depends on. For two vectors, conj(a) b = (a . b) + i (a x b).
"""

from __future__ import annotations

import cmath
import copy
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Points = NDArray[np.complex128]
Floats = NDArray[np.float64]
Scan = NDArray[np.float32]

_TINY = 1e-9  # no coordinate is meant so exactly
_STEEP = 1e6  # a ray that passes a wall's end on the inside by less than one part in this of its length misses
_ORIGIN = np.array([[0], [1j * _STEEP], [-1j * _STEEP]])


class Walls:
    """Line segments between *starts* and *ends*, each of the shape (walls,); of several worlds (worlds, 1, walls)."""

    def __init__(self, starts: Points, ends: Points) -> None:
        self.starts, self.ends = starts, ends
        self.edges = ends - starts
        self._projectors = self.edges.conj() / np.maximum(np.abs(self.edges) ** 2, _TINY)
        self._crosses = (starts.conj() * self.edges).imag + _TINY  # so that none is zero, also in line with a wall
        self._rows = np.stack([-1j * self.edges, 1j * _STEEP * starts, -1j * _STEEP * ends])

    @classmethod
    def together(cls, worlds: Sequence[Walls]) -> Walls:
        """The walls of several worlds, which have equally many, as one object."""
        whole = copy.copy(worlds[0])
        for name in vars(whole):
            setattr(whole, name, np.stack([np.atleast_2d(getattr(walls, name)) for walls in worlds]))
        return whole

    def put(self, world: int, walls: Walls) -> None:
        """Give one of the worlds other *walls*."""
        for name, whole in vars(self).items():
            whole[world] = getattr(walls, name)

    def __len__(self) -> int:
        return int(self.starts.shape[-1])

    def offsets(self, points: Points | complex) -> Points:
        """The vectors from the nearest point of each wall to *points*: shape (..., walls) for points (..., 1)."""
        from_start = points - self.starts
        along = (from_start * self._projectors).real
        nearest: Points = from_start - np.minimum(np.maximum(along, 0.0), 1.0) * self.edges
        return nearest

    def ray_rows(self, position: Points | complex) -> Points:
        """Vectors, shape (3, walls), whose dot products with a direction tell where a ray from *position* ends.

        In several worlds the shape is (worlds, 3, walls) for positions (worlds, 1, 1).

        A wall from a to a + e, seen from the sensor, is met at the distance t along the direction d where
        t d = a + u e. Hence 1/t = (d x e) / (a x e), u/t = (a x d) / (a x e), and the ray hits where 0 <= u <= 1. The
        products are 1/t, u/t and (1 - u)/t, the latter two scaled up: so the smallest of the three is 1/t where the
        ray hits, and negative elsewhere.
        """
        crosses = self._crosses - (position.conjugate() * self.edges).imag
        rows: Points = (self._rows - np.multiply(position, _ORIGIN)) / crosses
        return rows


class Lidar:
    """A ring of equally spaced rays; ray 0 looks backwards, ray ``rays // 2`` ahead, indices grow counter-clockwise."""

    def __init__(self, rays: int, reach: float) -> None:
        self.angles = np.linspace(-math.pi, math.pi, rays, endpoint=False)
        self.reach = reach
        self._directions = np.stack([np.cos(self.angles), np.sin(self.angles)]).astype(np.float32)

    def scan(self, position: complex, heading: float, walls: Walls, discs: Points, radius: float) -> Scan:
        """The distance to the first wall or disc along each ray as a share of the reach, in [0, 1]; 1 is "nothing".

        *discs* are the centres, shape (discs,), of discs of the same *radius* (m); the sensor is outside of them.
        """
        return self.scans(position, cmath.rect(1.0, -heading), walls.ray_rows(position), discs, radius)

    def scans(
        self, position: Points | complex, turn: Points | complex, of_walls: Points, discs: Points, radius: float
    ) -> Scan:
        """As :meth:`scan`, of as many worlds as there are: *position* and *turn*, back by the heading, (worlds, 1).

        *of_walls* are the walls' rays, (worlds, 3, walls), *discs* are (worlds, discs): the scans are (worlds, rays).
        """
        to_discs: Points = discs - position
        inverse_powers = 1.0 / np.maximum(np.abs(to_discs) ** 2 - radius**2, _TINY)
        walls = of_walls.shape[-1]
        rows = np.concatenate([of_walls.reshape(*discs.shape[:-1], 3 * walls), to_discs * inverse_powers], axis=-1)
        rows *= turn  # from here on in the sensor's frame
        # One product a world, never one for all: its bits may depend on how many rows there are.
        products = rows.view(np.float64).reshape(*rows.shape, 2).astype(np.float32) @ self._directions
        hits, starts, ends = (products[..., part * walls : (part + 1) * walls, :] for part in range(3))
        nearest = np.maximum.reduce(np.minimum(np.minimum(hits, starts), ends), axis=-2)
        if discs.shape[-1]:
            np.fmax(nearest, _disc_closeness(products[..., 3 * walls :, :], inverse_powers), out=nearest)
        np.maximum(nearest, 1.0 / self.reach, out=nearest)
        shares: Scan = (1.0 / self.reach) / nearest
        return shares


def _disc_closeness(products: Scan, inverse_powers: Floats) -> Scan:
    """The inverse distance to the nearest disc along each ray; negative or NaN where none is hit.

    A ray with the direction d meets the circle around c with the radius r where t^2 - 2 (c . d) t + k = 0, with the
    point's power k = |c|^2 - r^2. With p = (c . d) / k, as given in *products*, the nearer root is
    1/t = p + sqrt(p^2 - 1/k); it is NaN where the line misses the circle, and negative where the circle lies behind.
    """
    closeness = products * products
    closeness -= inverse_powers.astype(np.float32)[..., None]
    with np.errstate(invalid="ignore"):
        np.sqrt(closeness, out=closeness)
    closeness += products
    closest: Scan = np.fmax.reduce(closeness, axis=-2)
    return closest
