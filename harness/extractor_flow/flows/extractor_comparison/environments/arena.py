"""Where walls, the robot, its goal and the pedestrians are at the start of an episode."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from extractor_flow.flows.extractor_comparison.environments.lidar import Points, Walls

ROBOT_RADIUS = 0.3
"""Radius of the robot's disc (m)."""

MARGIN = 1.0
"""No start, goal or waypoint is nearer to an outer wall (m)."""

CLEARANCE = 0.8
"""No start, goal or waypoint is nearer to an inner wall (m)."""

SMALLEST_ARENA = 5.0
_TRIP = 0.4  # start and goal are at least this share of the arena's side apart
_WALL_GAP = 1.2  # inner walls leave at least this between them: four robot radii
_OVERLAP = 0.01  # outer walls reach past their corners, so that no ray slips through between two of them
_CANDIDATES = 16


@dataclass(frozen=True)
class Arena:
    """What is asked of an episode's layout: a square with inner walls and pedestrians."""

    size: float = 10.0
    walls: int = 2
    pedestrians: int = 4

    def problems(self) -> list[str]:
        """Why no layout can be made, one line each; empty if one can."""
        if not (isinstance(self.size, int | float) and SMALLEST_ARENA <= self.size < math.inf):
            return [f"arena_size is {self.size!r}; expected a number of metres, at least {SMALLEST_ARENA:g}"]
        counts = {"walls": (self.walls, self.most_walls), "pedestrians": (self.pedestrians, self.most_pedestrians)}
        return [
            f"{name} is {value!r}; an arena of {self.size:g} m has room for 0 to {most}"
            for name, (value, most) in counts.items()
            if not (isinstance(value, int) and 0 <= value <= most)
        ]

    @property
    def most_walls(self) -> int:
        """How many inner walls fit without closing a way."""
        return int((self.size - 2 * MARGIN) // (2 * _WALL_GAP)) ** 2

    @property
    def most_pedestrians(self) -> int:
        """How many pedestrians can still move: one for every two square metres."""
        return int(self.size**2 / 2)


def draw_walls(arena: Arena, rng: np.random.Generator) -> Walls:
    """The four outer walls, then the inner ones: each in a cell of its own, so that a way leads around each of them."""
    corners = arena.size * np.array([0, 1, 1 + 1j, 1j], dtype=np.complex128)
    sides = _OVERLAP * np.array([1, 1j, -1, -1j], dtype=np.complex128)
    starts, ends = corners - sides, np.roll(corners, -1) + sides
    if not arena.walls:
        return Walls(starts, ends)
    cells = min(max(2, math.ceil(math.sqrt(arena.walls))), math.isqrt(arena.most_walls))
    side = (arena.size - 2 * MARGIN) / cells
    taken = rng.choice(cells**2, size=arena.walls, replace=False)
    slack = side / 4 - _WALL_GAP / 2
    jitter = rng.uniform(-slack, slack, size=arena.walls) + 1j * rng.uniform(-slack, slack, size=arena.walls)
    centres = MARGIN * (1 + 1j) + side * (taken % cells + 0.5 + 1j * (taken // cells + 0.5)) + jitter
    halves = side / 4 * np.exp(1j * rng.uniform(0.0, math.pi, size=arena.walls))
    return Walls(np.concatenate([starts, centres - halves]), np.concatenate([ends, centres + halves]))


def draw_trip(arena: Arena, walls: Walls, rng: np.random.Generator) -> tuple[complex, complex]:
    """A start and a goal, both free of walls and far enough apart."""
    while True:
        starts, goals = draw_points(arena, walls, rng, 2 * _CANDIDATES).reshape(2, _CANDIDATES)
        apart = np.abs(goals - starts) >= _TRIP * arena.size
        if apart.any():
            chosen = int(apart.argmax())
            return complex(starts[chosen]), complex(goals[chosen])


def draw_points(arena: Arena, walls: Walls, rng: np.random.Generator, count: int) -> Points:
    """*count* independent places free of walls, shape (count,)."""
    found = np.empty(0, dtype=np.complex128)
    while len(found) < count:
        pairs = rng.uniform(MARGIN, arena.size - MARGIN, size=(count + 2, 2))
        candidates = pairs.view(np.complex128)
        free = np.abs(walls.offsets(candidates)).min(axis=1) >= CLEARANCE
        found = np.concatenate([found, candidates[free, 0]])
    return found[:count]
