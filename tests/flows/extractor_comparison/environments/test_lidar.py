"""The range finder, against known distances and against a slow and plain ray caster."""

from __future__ import annotations

import math

import numpy as np
import pytest

from extractor_flow.flows.extractor_comparison.environments.arena import Arena, draw_points, draw_walls
from extractor_flow.flows.extractor_comparison.environments.lidar import Lidar, Walls

REACH = 6.0


def no_discs():
    return np.empty(0, dtype=np.complex128)


def square(size):
    return draw_walls(Arena(size, walls=0), np.random.default_rng(0))


def slow_distance(position, angle, walls, discs, radius):
    """The distance along one ray, by Cramer's rule for each wall and the quadratic formula for each disc."""
    dx, dy = math.cos(angle), math.sin(angle)
    distances = [REACH]
    for start, end in zip(walls.starts.tolist(), walls.ends.tolist(), strict=True):
        ex, ey = end.real - start.real, end.imag - start.imag
        rx, ry = start.real - position.real, start.imag - position.imag
        determinant = dy * ex - dx * ey
        if determinant:
            t = (ex * ry - ey * rx) / determinant
            u = (dx * ry - dy * rx) / determinant
            if t > 0 and 0 <= u <= 1:
                distances.append(t)
    for centre in discs.tolist():
        cx, cy = centre.real - position.real, centre.imag - position.imag
        half = cx * dx + cy * dy
        discriminant = half * half - (cx * cx + cy * cy - radius * radius)
        if discriminant >= 0 and half > 0:
            distances.append(half - math.sqrt(discriminant))
    return min(distances)


@pytest.mark.parametrize("seed", range(12))
def test_every_ray_agrees_with_a_plain_ray_caster(seed):
    rng = np.random.default_rng(seed)
    arena = Arena(10.0, walls=seed % 5, pedestrians=seed % 7)
    walls, lidar = draw_walls(arena, rng), Lidar(272, REACH)
    position = complex(draw_points(arena, walls, rng, 1)[0])
    places = draw_points(arena, walls, rng, 40)
    discs = places[np.abs(places - position) > 0.6][: arena.pedestrians]
    heading = float(rng.uniform(-math.pi, math.pi))

    scan = lidar.scan(position, heading, walls, discs, 0.25)

    slow = [slow_distance(position, heading + angle, walls, discs, 0.25) for angle in lidar.angles]
    wrong = np.abs(scan * REACH - slow) > 1e-3
    # A ray that grazes an edge may fall on either side of it in single precision.
    assert int(wrong.sum()) <= 1


def test_rays_begin_behind_and_turn_to_the_left():
    scan = Lidar(4, REACH).scan(4 + 3j, 0.0, square(10.0), no_discs(), 0.25)

    np.testing.assert_allclose(scan * REACH, [4.0, 3.0, 6.0, 6.0], rtol=1e-5)


def test_rays_turn_with_the_heading():
    scan = Lidar(4, REACH).scan(4 + 3j, math.pi / 2, square(10.0), no_discs(), 0.25)

    np.testing.assert_allclose(scan * REACH, [3.0, 6.0, 6.0, 4.0], rtol=1e-5)


def test_a_disc_is_seen_ahead_and_not_behind():
    scan = Lidar(4, REACH).scan(4 + 4j, 0.0, square(8.0), np.array([6 + 4j]), 0.25)

    np.testing.assert_allclose(scan * REACH, [4.0, 4.0, 1.75, 4.0], rtol=1e-5)


def test_a_disc_hides_what_is_behind_it():
    walls = Walls(np.array([3.0 - 1j]), np.array([3.0 + 1j]))
    scan = Lidar(4, REACH).scan(0j, 0.0, walls, np.array([2 + 0j, 5 + 0j]), 0.5)

    np.testing.assert_allclose(scan * REACH, [6.0, 6.0, 1.5, 6.0], rtol=1e-5)


def test_no_ray_slips_out_through_a_corner():
    lidar = Lidar(8, 100.0)
    scans = [lidar.scan(complex(x, x), 0.0, square(10.0), no_discs(), 0.25) for x in np.linspace(0.5, 9.5, 181)]

    assert float(np.max(scans)) * 100.0 <= 9.5 * math.sqrt(2) + 1e-3


def test_a_wall_in_line_with_the_sensor_is_no_obstacle():
    walls = Walls(np.array([1.0 + 0j]), np.array([2.0 + 0j]))
    scan = Lidar(8, REACH).scan(0j, 0.1, walls, no_discs(), 0.25)

    np.testing.assert_array_equal(scan, np.ones(8, np.float32))
