"""A fast social-navigation environment: lidar and vector observations, a differential drive, reacting pedestrians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from extractor_flow.errors import ConfigError
from extractor_flow.flows.extractor_comparison.environments.arena import Arena
from extractor_flow.flows.extractor_comparison.environments.lidar import Lidar
from extractor_flow.flows.extractor_comparison.environments.rendering import draw
from extractor_flow.flows.extractor_comparison.environments.robot_nav_batch import RobotNavBatch
from extractor_flow.flows.extractor_comparison.environments.world import TIME_STEP, TOP_SPEED, TOP_TURN_RATE, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor_flow.flows.extractor_comparison.environments.batch import Batch

ENV_ID = "extractor_flow/RobotNav-v0"

LIDAR_REACH = 6.0
"""The lidar sees this far (m)."""

ARRIVAL_BONUS = 10.0
COLLISION_PENALTY = 5.0
PROGRESS_REWARD = 2.8
"""Reward for each metre nearer to the goal."""

STEP_COST = 0.02

_DRIVE_STATES = 5

FloatArray = NDArray[np.float32]
Observation = dict[str, Any]


def register() -> None:
    """Make ``gymnasium.make(ENV_ID, **kwargs)`` work in this process; calling it again changes nothing."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(id=ENV_ID, entry_point=f"{__name__}:RobotNavEnv")


class RobotNavEnv(gymnasium.Env[Observation, FloatArray]):
    """A disc robot drives to a goal in a square arena, among walls and pedestrians.

    Observation (float32, the newest of the stacked frames last): ``drive_state`` (frames, 5) in [-1, 1], as
    :meth:`World.drive_state` gives it; ``rays`` (frames, rays) in [0, 1], distances as shares of :data:`LIDAR_REACH`,
    ray 0 looking backwards and the middle one ahead. Action (2,) in [-1, 1]: forward speed from standstill (-1) to full
    speed (1), and turn rate, positive to the left; both within the limits of acceleration.

    Reward of a step: 2.8 for each metre nearer to the goal, -0.02 for the time, -5.0 for a collision, +10.0 for
    arriving; without arriving it lies in [-5.44, 0.4]. An episode terminates on arrival or collision and is truncated
    after *max_steps*. ``info`` holds ``is_success``, ``is_collision`` and ``goal_distance`` (m).

    All chance comes from ``self.np_random``. Impossible arguments raise :class:`ConfigError`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": round(1 / TIME_STEP)}  # noqa: RUF012

    def __init__(
        self,
        *,
        render_mode: str | None = None,
        rays: int = 272,
        frames: int = 3,
        arena_size: float = 10.0,
        walls: int = 2,
        pedestrians: int = 4,
        max_steps: int = 2000,
    ) -> None:
        self._arena = Arena(arena_size, walls, pedestrians)
        problems = _too_few(rays=(rays, 4), frames=(frames, 1), max_steps=(max_steps, 1))
        if render_mode not in [None, *self.metadata["render_modes"]]:
            problems.append(f"render_mode is {render_mode!r}; expected 'rgb_array' or none")
        if problems := [*problems, *self._arena.problems()]:
            raise ConfigError(problems)
        self.render_mode = render_mode
        self._max_steps = max_steps
        self.lidar = Lidar(rays, LIDAR_REACH)
        self.drive_states = np.zeros((frames, _DRIVE_STATES), np.float32)  # these two: the stacked frames
        self.rays = np.zeros((frames, rays), np.float32)
        self._steps = 0
        self._distance_before = 0.0
        self._world: World | None = None
        self.observation_space = spaces.Dict(
            {
                "drive_state": spaces.Box(-1.0, 1.0, (frames, _DRIVE_STATES), np.float32),
                "rays": spaces.Box(0.0, 1.0, (frames, rays), np.float32),
            }
        )
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode in a new arena; every stacked frame shows the start. *options* are not used."""
        super().reset(seed=seed, options=options)
        self._world = World(self._arena, self.np_random)
        self._steps = 0
        self.drive_states[:] = self._world.drive_state()
        self.rays[:] = self._world.scan(self.lidar)
        return self._observation(), _info(self._world, collided=False)

    def step(self, action: FloatArray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act for one time step of 0.1 s; an action outside of the space is clipped to it."""
        world = self.begin_step([float(value) for value in action])
        world.crowd.motion.advance(world.position, TIME_STEP)
        for frames, newest in ((self.drive_states, world.drive_state()), (self.rays, world.scan(self.lidar))):
            frames[:-1] = frames[1:]
            frames[-1] = newest
        return self._observation(), *self.outcome(collided=world.collided)

    def begin_step(self, action: Sequence[float]) -> World:
        """Do what concerns this world's robot and chance alone; its world, in which everybody has yet to move."""
        world = self.started()
        speed, turn = (min(1.0, max(-1.0, value)) for value in action)
        self._distance_before = world.goal_distance
        world.steer(TOP_SPEED * (speed + 1) / 2, TOP_TURN_RATE * turn)
        world.crowd.look_up()
        self._steps += 1
        return world

    def outcome(self, *, collided: bool) -> tuple[float, bool, bool, dict[str, Any]]:
        """What the step that was begun comes to: reward, terminated, truncated, info."""
        world = self.started()
        info = _info(world, collided=collided)
        reward = _reward(self._distance_before - world.goal_distance, collided=collided, arrived=info["is_success"])
        terminated = collided or info["is_success"]
        return reward, terminated, not terminated and self._steps >= self._max_steps, info

    @staticmethod
    def stepped_together(environments: Sequence[RobotNavEnv]) -> Batch:
        """*environments*, made with the same arguments, stepped in one call."""
        return RobotNavBatch(environments)

    def render(self) -> NDArray[np.uint8] | None:
        """The arena from above, shape (480, 480, 3), if made with ``render_mode="rgb_array"``; else nothing."""
        if self.render_mode is None:
            return None
        return draw(self.started(), self.lidar, self.rays[-1])

    def started(self) -> World:
        """The world of the episode under way."""
        if self._world is None:
            msg = "no episode has begun: call reset() first"
            raise gymnasium.error.ResetNeeded(msg)
        return self._world

    def _observation(self) -> Observation:
        return {"drive_state": self.drive_states.copy(), "rays": self.rays.copy()}


def _too_few(**counts: tuple[int, int]) -> list[str]:
    return [
        f"{name} is {value!r}; expected an integer of at least {least}"
        for name, (value, least) in counts.items()
        if not (isinstance(value, int) and value >= least)
    ]


def _info(world: World, *, collided: bool) -> dict[str, Any]:
    return {
        "is_success": world.arrived and not collided,
        "is_collision": collided,
        "goal_distance": world.goal_distance,
    }


def _reward(progress: float, *, collided: bool, arrived: bool) -> float:
    return PROGRESS_REWARD * progress - STEP_COST - COLLISION_PENALTY * collided + ARRIVAL_BONUS * arrived
