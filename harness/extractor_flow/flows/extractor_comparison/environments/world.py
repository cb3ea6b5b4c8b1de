"""The world of one episode: a differential-drive robot, a goal, walls and pedestrians."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.environments.arena import Arena, draw_trip, draw_walls
from extractor_flow.flows.extractor_comparison.environments.pedestrians import PEDESTRIAN_RADIUS, Crowd

if TYPE_CHECKING:
    import numpy as np

    from extractor_flow.flows.extractor_comparison.environments.lidar import Lidar, Scan

TIME_STEP = 0.1
"""Simulated time between two actions (s)."""

TOP_SPEED = 1.5
"""Largest forward speed (m/s); the robot does not reverse."""

TOP_TURN_RATE = 2.0
"""Largest turn rate to either side (rad/s)."""

ACCELERATION = 5.0
"""Largest change of the forward speed (m/s^2)."""

TURN_ACCELERATION = 10.0
"""Largest change of the turn rate (rad/s^2)."""

GOAL_RADIUS = 0.5
"""The robot has arrived when its centre is within this distance of the goal (m)."""


class World:
    """One episode's state; points are complex numbers, x + iy in metres, angles are in radians."""

    def __init__(self, arena: Arena, rng: np.random.Generator) -> None:
        self.arena = arena
        self.walls = draw_walls(arena, rng)
        self.position, self.goal = draw_trip(arena, self.walls, rng)
        self.heading = float(rng.uniform(-math.pi, math.pi))
        self.speed = 0.0
        self.turn_rate = 0.0
        self.crowd = Crowd(arena, self.walls, self.position, rng)

    @property
    def goal_distance(self) -> float:
        """From the robot's centre to the goal (m)."""
        return abs(self.goal - self.position)

    @property
    def arrived(self) -> bool:
        """Whether the robot is at its goal."""
        return self.goal_distance <= GOAL_RADIUS

    @property
    def collided(self) -> bool:
        """Whether the robot touches a wall or a pedestrian."""
        return self.crowd.clearance <= 0.0

    def advance(self, speed: float, turn_rate: float) -> None:
        """Steer towards a forward speed (m/s) and a turn rate (rad/s), and let everybody move by one time step."""
        self.steer(speed, turn_rate)
        self.crowd.advance(self.position, TIME_STEP)

    def steer(self, speed: float, turn_rate: float) -> None:
        """Move the robot alone.

        Both wheels of a differential drive roll at constant speed during a step, so the robot follows an arc of a
        circle; its chord has the length v dt sin(h)/h, with h half the angle turned, and the direction of half-way.
        """
        self.speed = _approach(self.speed, speed, ACCELERATION * TIME_STEP)
        self.turn_rate = _approach(self.turn_rate, turn_rate, TURN_ACCELERATION * TIME_STEP)
        half = self.turn_rate * TIME_STEP / 2
        chord = self.speed * TIME_STEP * (math.sin(half) / half if half else 1.0)
        self.position += cmath.rect(chord, self.heading + half)
        self.heading = math.remainder(self.heading + 2 * half, math.tau)

    def drive_state(self) -> tuple[float, float, float, float, float]:
        """Goal distance over the arena's diagonal, sine and cosine of the goal's bearing, speed and turn rate.

        The bearing is relative to the heading; speed and turn rate are shares of their largest values. All lie in
        [-1, 1].
        """
        distance, direction = cmath.polar(self.goal - self.position)
        bearing = direction - self.heading
        share = min(1.0, distance / (self.arena.size * math.sqrt(2)))
        return share, math.sin(bearing), math.cos(bearing), self.speed / TOP_SPEED, self.turn_rate / TOP_TURN_RATE

    def scan(self, lidar: Lidar) -> Scan:
        """What *lidar* sees from the robot's centre, shape (rays,), in [0, 1]."""
        return lidar.scan(self.position, self.heading, self.walls, self.crowd.positions, PEDESTRIAN_RADIUS)


def _approach(current: float, wanted: float, most: float) -> float:
    return current + max(-most, min(most, wanted - current))
