"""Pictures of the navigation environment."""

from __future__ import annotations

import numpy as np

from extractor_flow.flows.extractor_comparison.environments.arena import Arena
from extractor_flow.flows.extractor_comparison.environments.lidar import Lidar
from extractor_flow.flows.extractor_comparison.environments.rendering import PIXELS, draw
from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv
from extractor_flow.flows.extractor_comparison.environments.world import World

BLUE, RED, GREEN, DARK = (38, 98, 188), (214, 84, 60), (46, 158, 91), (52, 58, 70)
LIGHT, FLOOR = (253, 246, 214), (226, 228, 232)


def picture():
    env = RobotNavEnv(render_mode="rgb_array")
    env.reset(seed=1)
    return env, env.render()


def colour_at(image, point, size=10.0):
    metres = (size + 0.5) / PIXELS
    column, row = int((point.real + 0.25) / metres), PIXELS - 1 - int((point.imag + 0.25) / metres)
    return tuple(image[row, column].tolist())


def seen(seed):
    """A world, and its picture."""
    world, lidar = World(Arena(), np.random.default_rng(seed)), Lidar(272, 6.0)
    return world, draw(world, lidar, world.scan(lidar))


def test_a_picture_is_an_rgb_array():
    _, image = picture()

    assert (image.shape, image.dtype) == ((PIXELS, PIXELS, 3), np.uint8)


def test_everything_is_where_it_is():
    world, image = seen(1)
    tail = world.position - 0.2 * np.exp(1j * world.heading)

    assert {
        "robot": colour_at(image, tail),
        "pedestrians": {colour_at(image, place) for place in world.crowd.positions.tolist()},
        "goal": colour_at(image, world.goal),
        "walls": {colour_at(image, (a + b) / 2) for a, b in zip(world.walls.starts, world.walls.ends, strict=True)},
    } == {"robot": BLUE, "pedestrians": {RED}, "goal": GREEN, "walls": {DARK}}


def test_what_the_lidar_sees_is_light_and_the_rest_is_not():
    world = World(Arena(walls=0, pedestrians=0), np.random.default_rng(0))
    world.position, world.heading, world.goal = 5 + 5j, 2.0, 1 + 1j
    rays = np.zeros(272, np.float32)
    rays[136:204] = 0.5  # from ahead to the left
    image = draw(world, Lidar(272, 6.0), rays)
    left_ahead, right_ahead = (np.exp(1j * (world.heading + turn)) for turn in (0.8, -0.8))

    assert [colour_at(image, 5 + 5j + way) for way in (left_ahead, 3.5 * left_ahead, right_ahead)] == [
        LIGHT,
        FLOOR,
        FLOOR,
    ]


def test_equal_worlds_give_equal_pictures_and_a_step_changes_them():
    env, first = picture()
    _, second = picture()
    env.step(np.array([1.0, 0.5], np.float32))

    assert (np.array_equal(first, second), np.array_equal(first, env.render())) == (True, False)


def test_without_a_render_mode_there_is_no_picture():
    env = RobotNavEnv()
    env.reset(seed=0)

    assert env.render() is None
