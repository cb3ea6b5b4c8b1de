"""Pedestrians that walk by a social-force rule and make way for each other, the walls and the robot.

The rule is that of Helbing and Molnar, "Social force model for pedestrian dynamics", Phys. Rev. E 51, 4282 (1995), with
circular potentials: an acceleration towards the desired velocity within a relaxation time, and a repulsion that falls
off exponentially with the distance between two surfaces. Points are complex numbers, x + iy in metres.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.flows.extractor_comparison.environments.arena import ROBOT_RADIUS, Arena, draw_points
from extractor_flow.flows.extractor_comparison.environments.lidar import Walls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor_flow.flows.extractor_comparison.environments.lidar import Floats, Points

PEDESTRIAN_RADIUS = 0.25
"""Radius of a pedestrian's disc (m)."""

FASTEST_WALK = 1.3
"""No pedestrian moves faster (m/s)."""

_WALK = (0.6, 1.0)  # desired speeds (m/s)
_RELAXATION = 0.5  # time to reach the desired velocity (s)
_BODY_PUSH, _BODY_RANGE = 6.0, 0.35  # repulsion at contact (m/s^2) and its decay length (m): 6.0 * 0.35 = 2.1 m^2/s^2
_WALL_PUSH, _WALL_RANGE = 10.0, 0.2
_ARRIVED = 0.5  # a waypoint counts as reached within this distance (m)
_ATTENTION = 5  # steps between two looks at whether a waypoint is reached
_PATIENCE = 20  # looks after which a pedestrian gives a waypoint up
_FREE_START = 1.5  # no pedestrian starts nearer to the robot (m)
_NOWHERE = 1e-9


class Motion:
    """How the pedestrians of a world move, and where the robot is among them; or of several worlds, one a row.

    *bodies* are their centres, the robot's the last: (pedestrians + 1,), or (worlds, pedestrians + 1).
    """

    _ARRAYS = ("bodies", "waypoints", "velocities", "_pace", "_offsets", "_distances")

    def __init__(self, bodies: Points, waypoints: Points, pace: Floats, walls: Walls) -> None:
        count = len(waypoints)
        self.bodies, self.waypoints, self._pace, self.walls = bodies, waypoints, pace, walls
        self.velocities = np.zeros(count, dtype=np.complex128)
        self._contacts = _contacts(count, len(walls))
        self._slopes, self._levels = _repulsion_law(self._contacts[:count], count + 1)
        self._apart = np.where(np.eye(*self._contacts.shape) > 0, np.inf, _NOWHERE)  # nobody meets themselves
        self._offsets = np.empty(self._contacts.shape, dtype=np.complex128)
        self._distances = np.empty(self._contacts.shape)
        self._look()

    @classmethod
    def together(cls, worlds: Sequence[Motion]) -> Motion:
        """One object for *worlds*, each of which then shows its row of it."""
        whole = copy.copy(worlds[0])
        for name in cls._ARRAYS:
            setattr(whole, name, np.stack([getattr(each, name) for each in worlds]))
        whole.walls = Walls.together([each.walls for each in worlds])
        for row, each in enumerate(worlds):
            whole.put(row, each)
        return whole

    def put(self, row: int, world: Motion) -> None:
        """Take *world* in for the one in *row*, which it shows from now on."""
        for name in self._ARRAYS:
            getattr(self, name)[row] = getattr(world, name)
            setattr(world, name, getattr(self, name)[row])
        self.walls.put(row, world.walls)

    @property
    def clearance(self) -> Floats:
        """From the robot's surface to the nearest wall or pedestrian's surface (m); negative when they overlap."""
        nearest: Floats = np.minimum.reduce(self._distances[..., -1, :] - self._contacts[-1], axis=-1)
        return nearest

    def advance(self, robot: Points | complex, seconds: float) -> None:
        """Move everybody by one time step, by what they saw before it; the robot is at *robot* after it."""
        self.velocities += (self._drive() + self._repulsion()) * seconds
        speeds = np.abs(self.velocities)
        fast = np.maximum.reduce(speeds, axis=-1, initial=0.0) > FASTEST_WALK
        if fast.any():
            self.velocities[fast] *= FASTEST_WALK / np.maximum(speeds[fast], FASTEST_WALK)
        self.bodies[..., :-1] += self.velocities * seconds
        self.bodies[..., -1] = robot
        self._look()

    def _look(self) -> None:
        bodies = self.bodies[..., None]
        to_bodies = bodies - self.bodies[..., None, :]
        np.concatenate([to_bodies, self.walls.offsets(bodies)], axis=-1, out=self._offsets)
        np.maximum(np.abs(self._offsets), self._apart, out=self._distances)

    def _drive(self) -> Points:
        ways = self.waypoints - self.bodies[..., :-1]
        desired = ways * (self._pace / np.maximum(np.abs(ways), _NOWHERE))
        acceleration: Points = (desired - self.velocities) * (1.0 / _RELAXATION)
        return acceleration

    def _repulsion(self) -> Points:
        distances = self._distances[..., :-1, :]
        pushes = np.exp(self._levels + self._slopes * distances) / distances
        acceleration: Points = np.add.reduce(pushes * self._offsets[..., :-1, :], axis=-1)
        return acceleration


class Crowd:
    """The pedestrians of one episode, and how close they and the walls are to the robot."""

    def __init__(self, arena: Arena, walls: Walls, robot: complex, rng: np.random.Generator) -> None:
        self._arena, self._walls, self._rng = arena, walls, rng
        bodies = np.append(_away_from(robot, arena, walls, rng), robot)
        pace = rng.uniform(*_WALK, size=arena.pedestrians)
        self.motion = Motion(bodies, draw_points(arena, walls, rng, arena.pedestrians), pace, walls)
        self._ages = np.zeros(arena.pedestrians, dtype=np.int64)
        self._steps = 0

    @property
    def positions(self) -> Points:
        """The pedestrians' centres (m), shape (pedestrians,); they change in place as time goes on."""
        return self.motion.bodies[:-1]

    @property
    def velocities(self) -> Points:
        """The pedestrians' velocities (m/s), shape (pedestrians,)."""
        return self.motion.velocities

    @property
    def clearance(self) -> float:
        """From the robot's surface to the nearest wall or pedestrian's surface (m); negative when they overlap."""
        return float(self.motion.clearance)

    def advance(self, robot: complex, seconds: float) -> None:
        """Move everybody by one time step; the robot is at *robot* after it."""
        self.look_up()
        self.motion.advance(robot, seconds)

    def look_up(self) -> None:
        """Have everybody look, before every few steps, whether their waypoint is reached, and choose another one."""
        self._steps += 1
        if self._steps % _ATTENTION:
            return
        self._ages += 1
        waypoints = self.motion.waypoints
        done = (np.abs(waypoints - self.positions) < _ARRIVED) | (self._ages > _PATIENCE)
        if done.any():
            waypoints[done] = draw_points(self._arena, self._walls, self._rng, int(done.sum()))
            self._ages[done] = 0


def _contacts(pedestrians: int, walls: int) -> Floats:
    """At which distance of centres each body (row), the robot last, touches each body and wall (column)."""
    radii = np.append(np.full(pedestrians, PEDESTRIAN_RADIUS), ROBOT_RADIUS)
    contacts: Floats = radii[:, None] + np.append(radii, np.zeros(walls))
    return contacts


def _repulsion_law(contacts: Floats, bodies: int) -> tuple[Floats, Floats]:
    """Slopes and levels such that exp(level + slope * distance) is the repulsion (m/s^2)."""
    walls = contacts.shape[1] - bodies
    ranges = np.repeat([_BODY_RANGE, _WALL_RANGE], [bodies, walls])
    pushes = np.repeat([_BODY_PUSH, _WALL_PUSH], [bodies, walls])
    return -1.0 / ranges, np.log(pushes) + contacts / ranges


def _away_from(robot: complex, arena: Arena, walls: Walls, rng: np.random.Generator) -> Points:
    found = np.empty(0, dtype=np.complex128)
    while len(found) < arena.pedestrians:
        places = draw_points(arena, walls, rng, arena.pedestrians)
        found = np.concatenate([found, places[np.abs(places - robot) >= _FREE_START]])
    return found[: arena.pedestrians]
