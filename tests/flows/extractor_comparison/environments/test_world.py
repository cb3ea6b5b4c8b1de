"""What moves in the navigation environment, and how."""

from __future__ import annotations

import math

import numpy as np
import pytest

from extractor_flow.flows.extractor_comparison.environments.arena import (
    CLEARANCE,
    MARGIN,
    ROBOT_RADIUS,
    Arena,
    draw_trip,
    draw_walls,
)
from extractor_flow.flows.extractor_comparison.environments.pedestrians import FASTEST_WALK, PEDESTRIAN_RADIUS, Crowd
from extractor_flow.flows.extractor_comparison.environments.world import TIME_STEP, TOP_SPEED, TOP_TURN_RATE, World

SEEDS = range(8)


def empty_world(seed=0):
    return World(Arena(10.0, walls=0, pedestrians=0), np.random.default_rng(seed))


def crosses(start, end, wall_start, wall_end):
    """Whether the way from *start* to *end* crosses the wall."""

    def side(origin, tip, point):
        return ((tip - origin).conjugate() * (point - origin)).imag

    return (
        side(start, end, wall_start) * side(start, end, wall_end) < 0
        and side(wall_start, wall_end, start) * side(wall_start, wall_end, end) < 0
    )


def test_at_full_speed_and_turn_the_robot_drives_a_circle_of_the_radius_of_their_ratio():
    world = empty_world()
    for _ in range(10):
        world.advance(TOP_SPEED, TOP_TURN_RATE)
    radius = TOP_SPEED / TOP_TURN_RATE
    centre = world.position + radius * np.exp(1j * (world.heading + math.pi / 2))
    distances = []
    for _ in range(40):
        world.advance(TOP_SPEED, TOP_TURN_RATE)
        distances.append(abs(world.position - centre))

    np.testing.assert_allclose(distances, radius, rtol=1e-9)


def test_straight_ahead_is_along_the_heading():
    world = empty_world()
    world.heading, world.speed = 0.5, 1.0
    before = world.position
    world.advance(1.0, 0.0)

    assert world.position - before == pytest.approx(TIME_STEP * complex(math.cos(0.5), math.sin(0.5)))


def test_speed_and_turn_rate_follow_their_commands_within_the_limits_of_acceleration():
    world = empty_world()
    seen = []
    for _ in range(4):
        world.advance(TOP_SPEED, -TOP_TURN_RATE)
        seen.append((round(world.speed, 9), round(world.turn_rate, 9)))

    assert seen == [(0.5, -1.0), (1.0, -2.0), (1.5, -2.0), (1.5, -2.0)]


def test_the_drive_state_tells_where_the_goal_lies_seen_from_the_robot():
    world = empty_world()
    world.position, world.goal, world.heading = 2 + 2j, 2 + 7j, math.pi / 3
    world.speed, world.turn_rate = 0.75, -1.0

    assert world.drive_state() == pytest.approx((5 / (10 * math.sqrt(2)), 0.5, math.sqrt(0.75), 0.5, -0.5))


@pytest.mark.parametrize("seed", SEEDS)
def test_pedestrians_stay_in_the_arena_walk_through_no_wall_and_do_not_run(seed):
    world = World(Arena(10.0, walls=4, pedestrians=50), np.random.default_rng(seed))
    walls = list(zip(world.walls.starts.tolist(), world.walls.ends.tolist(), strict=True))
    for _ in range(200):
        before = world.crowd.positions.tolist()
        world.advance(0.0, 0.0)
        after = world.crowd.positions.tolist()

        assert not any(crosses(*way, *wall) for way in zip(before, after, strict=True) for wall in walls)
        assert np.abs(world.walls.offsets(world.crowd.positions[:, None])).min() >= PEDESTRIAN_RADIUS - 0.02
        assert np.abs(world.crowd.velocities).max() <= FASTEST_WALK + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_pedestrians_go_somewhere(seed):
    world = World(Arena(), np.random.default_rng(seed))
    before = world.crowd.positions.copy()
    for _ in range(30):
        world.advance(0.0, 0.0)

    assert float(np.abs(world.crowd.positions - before).max()) > 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_walks_into_a_robot_that_stands_still(seed):
    world = World(Arena(10.0, walls=0, pedestrians=4), np.random.default_rng(seed))
    gaps = []
    for _ in range(600):
        world.advance(0.0, 0.0)
        gaps.append(float(np.abs(world.crowd.positions - world.position).min()) - PEDESTRIAN_RADIUS - ROBOT_RADIUS)

    assert min(gaps) > 0.0


def test_pedestrians_react_to_where_the_robot_is():
    arena, robot = Arena(10.0, walls=0, pedestrians=1), 1 + 1j
    walls = draw_walls(arena, np.random.default_rng(0))

    def walked(beside):
        crowd = Crowd(arena, walls, robot, np.random.default_rng(1))
        for _ in range(5):
            place = complex(crowd.positions[0]) + 0.7 if beside else robot
            crowd.advance(place, TIME_STEP)
        return complex(crowd.positions[0])

    assert walked(beside=True).real < walked(beside=False).real - 0.1


def test_the_robot_has_collided_as_soon_as_it_touches_a_wall():
    world = empty_world()
    world.heading = 0.0

    def collided_at(gap):
        world.position, world.speed = complex(10.0 - ROBOT_RADIUS - gap, 5.0), 0.0
        world.advance(0.0, 0.0)
        return world.collided

    assert (collided_at(0.001), collided_at(-0.001)) == (False, True)


def test_the_robot_has_collided_as_soon_as_it_touches_a_pedestrian():
    world = World(Arena(10.0, walls=0, pedestrians=1), np.random.default_rng(0))

    def collided_at(gap):
        world.crowd.advance(world.position, TIME_STEP)
        place = complex(world.crowd.positions[0]) + PEDESTRIAN_RADIUS + ROBOT_RADIUS + gap
        world.crowd.advance(place, 0.0)
        return world.collided

    assert (collided_at(0.001), collided_at(-0.001)) == (False, True)


@pytest.mark.parametrize("seed", SEEDS)
def test_inner_walls_leave_a_way_between_them_and_around_them(seed):
    walls = draw_walls(Arena(10.0, walls=9), np.random.default_rng(seed))
    shares = np.linspace(0.0, 1.0, 101)[:, None]
    points = walls.starts[4:] + shares * walls.edges[4:]
    gaps = np.abs(walls.offsets(points[:, :, None]))
    gaps[:, np.arange(9), 4 + np.arange(9)] = np.inf

    assert float(gaps.min()) >= 4 * ROBOT_RADIUS - 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_start_and_goal_are_free_and_apart(seed):
    arena = Arena(10.0, walls=9)
    rng = np.random.default_rng(seed)
    walls = draw_walls(arena, rng)
    trip = np.array(draw_trip(arena, walls, rng))

    assert abs(trip[1] - trip[0]) >= 4.0
    assert float(np.abs(walls.offsets(trip[:, None])).min()) >= min(CLEARANCE, MARGIN)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_episode_begins_with_a_collision(seed):
    world = World(Arena(10.0, walls=9, pedestrians=40), np.random.default_rng(seed))

    assert world.crowd.clearance > 0.4
