"""Many RobotNav environments stepped together: what is quick for many is done for all of them in one numpy call each.

What a robot does, and all chance, stays with its own world: a few scalars that are as quick one by one. So both forms
run the same lines on the same numbers, and numpy's operations on a row do not depend on the rows beside it.
"""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.flows.extractor_comparison.environments.batch import BatchStep
from extractor_flow.flows.extractor_comparison.environments.pedestrians import PEDESTRIAN_RADIUS, Motion
from extractor_flow.flows.extractor_comparison.environments.world import TIME_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.environments.lidar import Scan
    from extractor_flow.flows.extractor_comparison.environments.robot_nav import Observation, RobotNavEnv
    from extractor_flow.flows.extractor_comparison.environments.world import World


class RobotNavBatch:
    """*environments*, made with the same arguments, as a :class:`Batch`."""

    def __init__(self, environments: Sequence[RobotNavEnv]) -> None:
        self._environments = list(environments)
        self._rows: list[int] = []
        self._together = Together([])

    def reset(
        self, row: int, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """As ``reset`` of the environment in *row*."""
        answer = self._environments[row].reset(seed=seed, options=options)
        if row in self._rows:
            self._together.renew(self._rows.index(row))
        return answer

    def step(self, rows: Sequence[int], actions: NDArray[np.float32]) -> BatchStep:
        """As ``step`` of the environments in *rows*."""
        if list(rows) != self._rows:
            self._rows, self._together = list(rows), Together([self._environments[row] for row in rows])
        return self._together.step(actions)


class Together:
    """Environments whose worlds share arrays, a row each; putting them together takes about as long as a step."""

    def __init__(self, environments: Sequence[RobotNavEnv]) -> None:
        self._environments = environments
        if environments:
            self._motion = Motion.together([each.started().crowd.motion for each in environments])
            self._rays = np.stack([each.rays for each in environments])
            self._drive_states = np.stack([each.drive_states for each in environments])
        for row in range(len(environments)):
            self._lend(row)

    def renew(self, row: int) -> None:
        """The environment in *row* has begun an episode."""
        env = self._environments[row]
        self._motion.put(row, env.started().crowd.motion)

    def step(self, actions: NDArray[np.float32]) -> BatchStep:
        """Act in each environment."""
        pairs = zip(self._environments, actions.tolist(), strict=True)
        worlds = [env.begin_step(action) for env, action in pairs]
        positions = np.array([world.position for world in worlds])
        self._motion.advance(positions, TIME_STEP)
        for frames, newest in (
            (self._drive_states, [world.drive_state() for world in worlds]),
            (self._rays, self._scans(worlds, positions)),
        ):
            frames[:, :-1] = frames[:, 1:]
            frames[:, -1] = newest
        collided = (self._motion.clearance <= 0.0).tolist()
        outcomes = [env.outcome(collided=hit) for env, hit in zip(self._environments, collided, strict=True)]
        rewards, terminated, truncated, infos = zip(*outcomes, strict=True)
        return BatchStep(
            {"drive_state": self._drive_states.copy(), "rays": self._rays.copy()},
            np.array(rewards),
            np.array(terminated),
            np.array(truncated),
            list(infos),
        )

    def _scans(self, worlds: Sequence[World], positions: NDArray[np.complex128]) -> Scan:
        turns = np.array([cmath.rect(1.0, -world.heading) for world in worlds])
        seats, motion = positions[:, None], self._motion
        lidar = self._environments[0].lidar
        rays = motion.walls.ray_rows(seats[..., None])
        return lidar.scans(seats, turns[:, None], rays, motion.bodies[:, :-1], PEDESTRIAN_RADIUS)

    def _lend(self, row: int) -> None:
        """Have the environment in *row* keep its frames in the common arrays, too."""
        env = self._environments[row]
        env.rays, env.drive_states = self._rays[row], self._drive_states[row]
