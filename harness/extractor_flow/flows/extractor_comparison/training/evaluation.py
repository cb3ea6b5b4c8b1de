"""Evaluation on fixed episodes, stepped side by side by the workers that also step the training environments."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from extractor_flow.flows.extractor_comparison.environments.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.environments.factory import AnyEnv, EnvironmentFactory
    from extractor_flow.flows.extractor_comparison.repeatability import Repeatability


@dataclass(frozen=True)
class Episode:
    """One evaluation episode: its undiscounted return, its steps, and ``info["is_success"]`` if the env says so."""

    reward: float
    length: int
    success: bool | None


@dataclass(frozen=True)
class Evaluation:
    """The episodes of one evaluation, always in the order of their seeds."""

    timestep: int
    episodes: tuple[Episode, ...]

    @property
    def rewards(self) -> tuple[float, ...]:
        """The return of each episode."""
        return tuple(episode.reward for episode in self.episodes)

    @property
    def mean_reward(self) -> float:
        """The mean return."""
        return float(np.mean(self.rewards))

    @property
    def std_reward(self) -> float:
        """The standard deviation of the returns, as stable_baselines3 has it: over n, not n - 1."""
        return float(np.std(self.rewards))

    @property
    def success_rate(self) -> float | None:
        """The share of successful episodes; ``None`` unless the environment said of each one whether it was."""
        successes = [episode.success for episode in self.episodes]
        return None if None in successes else float(np.mean(np.asarray(successes, dtype=bool)))


@dataclass(frozen=True)
class LaneStep:
    """What a lane shows: an observation to act on, ``None`` after its last episode; and the episode that just ended."""

    observation: Any
    ended: Episode | None = None


class Lane:
    """One environment that plays the episodes of some seeds, one after the other, as often as it is started."""

    def __init__(self, env: AnyEnv) -> None:
        self.env = env
        self._seeds: tuple[int, ...] = ()
        self._played = 0
        self._reward = 0.0
        self._length = 0

    def start(self, seeds: Sequence[int]) -> LaneStep:
        """Start with the first of *seeds*."""
        self._seeds, self._played = tuple(seeds), 0
        return LaneStep(self._reset())

    def step(self, action: object) -> LaneStep:
        """Act; when the episode ends, the next one begins."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self.took(observation, float(reward), info, ended=bool(terminated or truncated))

    def took(self, observation: object, reward: float, info: Mapping[str, Any], *, ended: bool) -> LaneStep:
        """Count a step that the environment has taken; when the episode has *ended* with it, the next one begins."""
        self._reward += reward
        self._length += 1
        if not ended:
            return LaneStep(observation)
        success = info.get("is_success")
        episode = Episode(self._reward, self._length, None if success is None else bool(success))
        self._played += 1
        return LaneStep(self._reset() if self._played < len(self._seeds) else None, episode)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _reset(self) -> object:
        self._reward, self._length = 0.0, 0
        observation, _ = self.env.reset(seed=self._seeds[self._played])
        return observation


class EvaluatingEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A training environment that carries evaluation lanes along: one worker process then serves both."""

    def __init__(self, env: AnyEnv, lanes: Mapping[int, Lane]) -> None:
        super().__init__(env)
        self.lanes = dict(lanes)

    def probe(self, make: EnvironmentFactory) -> Repeatability:
        """Ask, where this worker is, whether what *make* makes does the same twice."""
        return probe(make)

    def evaluation_start(self, seeds: Mapping[int, Sequence[int]]) -> dict[int, LaneStep]:
        """Start the lanes of this worker that *seeds* names; the first observations by lane number."""
        return {number: lane.start(seeds[number]) for number, lane in self.lanes.items() if number in seeds}

    def evaluation_step(self, actions: Mapping[int, Any]) -> dict[int, LaneStep]:
        """Step the lanes of this worker that *actions* names."""
        return {number: self.lanes[number].step(actions[number]) for number in self.lanes if number in actions}

    def close(self) -> None:
        """Close the training environment and the lanes."""
        for lane in self.lanes.values():
            lane.close()
        super().close()


def lane_seeds(seeds: Sequence[int], lanes: int) -> dict[int, tuple[int, ...]]:
    """The episodes of each lane: episode k is lane ``k % lanes``'s, in turn."""
    return {lane: tuple(seeds[lane::lanes]) for lane in range(min(lanes, len(seeds)))}


def play(envs: VecEnv, act: Callable[[Any], NDArray[Any]], seeds: Mapping[int, Sequence[int]]) -> tuple[Episode, ...]:
    """Play the *seeds* of each lane of *envs* with the actions of *act*; the episodes in the order of their seeds.

    *envs* are :class:`EvaluatingEnv` inside. *act* gets the observations of the lanes still under way as one batch.
    """
    played: dict[int, list[Episode]] = {}
    steps = _merged(envs.env_method("evaluation_start", seeds))
    while active := {lane: step.observation for lane, step in steps.items() if step.observation is not None}:
        actions = act(_batch(list(active.values())))
        steps = _merged(envs.env_method("evaluation_step", dict(zip(active, actions, strict=True))))
        for lane, step in steps.items():
            if step.ended is not None:
                played.setdefault(lane, []).append(step.ended)
    count = sum(map(len, played.values()))
    return tuple(played[number % len(played)][number // len(played)] for number in range(count))


def npz_bytes(evaluations: Sequence[Evaluation]) -> bytes:
    """``evaluations.npz`` in stable_baselines3's layout; one row an evaluation, one column an episode.

    ``timesteps`` (n,) and ``ep_lengths`` (n, episodes) are int64, ``results`` (n, episodes) float64, and ``successes``
    (n, episodes) bool if the environment tells them. Equal evaluations give equal bytes.
    """
    rows = [each.episodes for each in evaluations]
    columns: dict[str, NDArray[Any]] = {
        "timesteps": np.array([each.timestep for each in evaluations], dtype=np.int64),
        "results": np.array([[episode.reward for episode in row] for row in rows], dtype=np.float64),
        "ep_lengths": np.array([[episode.length for episode in row] for row in rows], dtype=np.int64),
    }
    if all(episode.success is not None for row in rows for episode in row):
        columns["successes"] = np.array([[episode.success for episode in row] for row in rows], dtype=np.bool_)
    buffer = io.BytesIO()
    np.savez(buffer, **columns)  # type: ignore[arg-type]  # numpy's stub takes the first for allow_pickle
    return buffer.getvalue()


def _merged(answers: Sequence[Mapping[int, LaneStep]]) -> dict[int, LaneStep]:
    """All lanes in the order of their numbers: a batch looks the same however many workers there are."""
    lanes = {number: step for answer in answers for number, step in answer.items()}
    return {number: lanes[number] for number in sorted(lanes)}


def _batch(observations: list[Any]) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    if isinstance(observations[0], dict):
        return {key: np.stack([each[key] for each in observations]) for key in observations[0]}
    return np.stack(observations)
