"""Draws a world from above with numpy alone, from the distance of each pixel to each shape."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from extractor_flow.flows.extractor_comparison.environments.arena import ROBOT_RADIUS
from extractor_flow.flows.extractor_comparison.environments.pedestrians import PEDESTRIAN_RADIUS
from extractor_flow.flows.extractor_comparison.environments.world import GOAL_RADIUS, World

if TYPE_CHECKING:
    from extractor_flow.flows.extractor_comparison.environments.lidar import Floats, Lidar, Scan

PIXELS = 480
"""Side of a picture."""

_BORDER = 0.25  # shown around the arena (m)
_FLOOR = (226, 228, 232)
_SEEN = (253, 246, 214)
_RAY = (240, 205, 110)
_WALL = (52, 58, 70)
_GOAL = (46, 158, 91)
_PEDESTRIAN = (214, 84, 60)
_ROBOT = (38, 98, 188)
_HEADING = (255, 255, 255)

_DRAWN_RAYS = 34
_RAY_WIDTH = 0.02  # (m)

Picture = NDArray[np.float32]
Colour = tuple[int, int, int]
Window = tuple[slice, slice]
_EVERYWHERE = (slice(None), slice(None))


class Canvas:
    """A picture of a square of the plane; every shape is painted over those before it, with a soft edge."""

    def __init__(self, size: float) -> None:
        self._metres = (size + 2 * _BORDER) / PIXELS
        ticks = (np.arange(PIXELS) + 0.5) * self._metres - _BORDER
        self.points = ticks[None, :] + 1j * ticks[::-1, None]  # the y axis points up
        self._picture: Picture = np.full((PIXELS, PIXELS, 3), _FLOOR, dtype=np.float32)

    def paint(self, outside: Floats, colour: Colour, window: Window = _EVERYWHERE) -> None:
        """Cover a shape, given how far outside of it (m; negative within) each pixel of the *window* lies."""
        shares = np.clip(0.5 - outside / self._metres, 0.0, 1.0)[:, :, None].astype(np.float32)
        self._picture[window] += shares * (np.array(colour, dtype=np.float32) - self._picture[window])

    def disc(self, centre: complex, radius: float, colour: Colour) -> None:
        """A filled disc."""
        window = self._around(centre, centre, radius)
        self.paint(np.abs(self.points[window] - centre) - radius, colour, window)

    def ring(self, centre: complex, radius: float, width: float, colour: Colour) -> None:
        """A circle."""
        window = self._around(centre, centre, radius + width)
        self.paint(np.abs(np.abs(self.points[window] - centre) - radius) - width / 2, colour, window)

    def line(self, start: complex, end: complex, width: float, colour: Colour) -> None:
        """A line with round ends."""
        window = self._around(start, end, width)
        edge, from_start = end - start, self.points[window] - start
        along = np.clip((from_start * edge.conjugate()).real / abs(edge) ** 2, 0.0, 1.0)
        self.paint(np.abs(from_start - along * edge) - width / 2, colour, window)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture, shape (PIXELS, PIXELS, 3)."""
        return np.rint(self._picture).astype(np.uint8)

    def _around(self, one: complex, other: complex, margin: float) -> Window:
        pad = margin + 2 * self._metres
        columns = [(value + _BORDER) / self._metres for value in (one.real, other.real)]
        rows = [PIXELS - (value + _BORDER) / self._metres for value in (one.imag, other.imag)]
        return _span(rows, pad / self._metres), _span(columns, pad / self._metres)


def draw(world: World, lidar: Lidar, rays: Scan) -> NDArray[np.uint8]:
    """A picture of *world*: what the lidar sees is light, a sample of its rays drawn, the robot's nose is white."""
    canvas = Canvas(world.arena.size)
    _draw_scan(canvas, world, lidar, rays)
    canvas.ring(world.goal, GOAL_RADIUS, 0.08, _GOAL)
    canvas.disc(world.goal, 0.12, _GOAL)
    for start, end in zip(world.walls.starts.tolist(), world.walls.ends.tolist(), strict=True):
        canvas.line(start, end, 0.1, _WALL)
    for centre in world.crowd.positions.tolist():
        canvas.disc(centre, PEDESTRIAN_RADIUS, _PEDESTRIAN)
    canvas.disc(world.position, ROBOT_RADIUS, _ROBOT)
    canvas.line(world.position, world.position + cmath.rect(ROBOT_RADIUS, world.heading), 0.08, _HEADING)
    return canvas.pixels()


def _draw_scan(canvas: Canvas, world: World, lidar: Lidar, rays: Scan) -> None:
    seen = canvas.points - world.position
    places = (np.angle(seen) - world.heading + math.pi) / math.tau * len(rays)
    reached = (rays * np.float32(lidar.reach))[np.rint(places).astype(np.int64) % len(rays)]
    outside = np.abs(seen) - reached
    canvas.paint(outside, _SEEN)
    spacing = max(1, len(rays) // _DRAWN_RAYS)
    off_ray = np.abs(places / spacing - np.rint(places / spacing)) * spacing / len(rays) * math.tau
    canvas.paint(np.maximum(outside, np.abs(seen) * off_ray - _RAY_WIDTH / 2), _RAY)


def _span(pixels: list[float], pad: float) -> slice:
    return slice(max(0, math.floor(min(pixels) - pad)), max(0, math.ceil(max(pixels) + pad)))
