"""Plays a policy's evaluation episodes again: the network and the environments are built from the plan, anew.

This is a second implementation of how this flow evaluates, written apart from the one that trains. Weights come from
the light reader: nothing is unpickled.
"""

from __future__ import annotations

import copy
import random
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecTransposeImage

from extractor_flow.flows.extractor_comparison.checks.ppo_settings import ACTIVATIONS
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class
from extractor_flow.flows.extractor_comparison.importing import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from stable_baselines3.common.policies import BasePolicy

    from extractor_flow.flows.extractor_comparison.checks.normalization import Statistics
    from extractor_flow.flows.extractor_comparison.environments.factory import AnyEnv
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.weights import Weights


@dataclass(frozen=True)
class Played:
    """One episode: its number, its return, its steps, what the environment called it, and at which step it ended."""

    number: int
    reward: float
    length: int
    success: bool | None
    ended: int


@dataclass(frozen=True)
class Episodes:
    """The episodes to play: their seeds, the steps after which each is cut, what observations are normalised by."""

    seeds: Sequence[int]
    most: int
    statistics: Statistics | None = None


class Player:
    """Plays the episodes of one job's evaluations, with any weights that fit its plan."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        self._envs = self.environments()

    def environments(self) -> list[AnyEnv]:
        """One environment a lane: as many as the plan evaluates in side by side."""
        lanes = self._plan.schedule.eval_num_envs
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a third party's environment deplores is nothing of the run's
            return [EnvironmentFactory(self._plan.evaluated)() for _ in range(lanes)]

    def untrained(self) -> BasePolicy:
        """The policy as the job's seed makes it."""
        with _seeded(self._seed), _threads(self._plan.threads):
            return self._built()

    def policy(self, weights: Weights) -> BasePolicy:
        """The plan's policy with *weights*; ``RuntimeError`` if they do not fit."""
        policy = self.untrained()
        state = {
            name: torch.from_numpy(np.array(each, dtype=each.dtype.newbyteorder("="))) for name, each in weights.items()
        }
        policy.load_state_dict(state)
        return policy

    def extractor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the extractor's tensors by name, made without numbers: a plan may ask for more than fits."""
        kind, arguments = self._extractor()
        with torch.device("meta"):
            state = kind(self._space(), **arguments).state_dict()
        return {name: tuple(values.shape) for name, values in state.items()}

    def play(
        self, policy: BasePolicy, episodes: Episodes, *, environments: Sequence[AnyEnv] | None = None
    ) -> list[Played]:
        """The *episodes*, in the order in which they end."""
        seeds, seen = episodes.seeds, episodes.statistics
        lanes = [
            _Lane(env, list(range(number, len(seeds), len(self._envs))), seeds)
            for number, env in enumerate(environments or self._envs)
        ]
        played: list[Played] = []
        steps = 0
        with _threads(self._plan.threads):
            while active := [lane for lane in lanes if lane.observation is not None]:
                batch = _batch([lane.observation for lane in active])
                shown = batch if seen is None else seen.normalized(batch)
                actions, _ = policy.predict(shown, deterministic=True)
                steps += 1
                for lane, action in zip(active, actions, strict=True):
                    if (episode := lane.step(action, steps, episodes.most)) is not None:
                        played.append(episode)
        return played

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs:
            env.close()

    def _built(self) -> BasePolicy:
        env, algorithm = self._envs[0], self._plan.algorithm
        arguments = dict(algorithm["policy"])
        activation: type[torch.nn.Module] = getattr(torch.nn, ACTIVATIONS[arguments.pop("activation")])
        extractor, parameters = self._extractor()
        policy: type[BasePolicy] = resolve_name(self._plan.trainer.policy)
        # Of the others, stable_baselines3 does not hand it on.
        sde = {"use_sde": algorithm["use_sde"]} if "use_sde" in algorithm else {}
        return policy(
            self._space(),
            env.action_space,
            lr_schedule=lambda _: 0.0,
            activation_fn=activation,
            features_extractor_class=extractor,
            features_extractor_kwargs=dict(parameters),
            **sde,
            **{name: value for name, value in arguments.items() if name != "optimizer_kwargs"},
        )

    def _space(self) -> spaces.Space[Any]:
        """The observation space as the policy has it."""
        space, wanted = self._envs[0].observation_space, self._plan.environment.normalize
        return _as_the_policy_sees(space if wanted is None else _normalized(space, wanted))

    def _extractor(self) -> tuple[Any, Mapping[str, Any]]:
        choice = self._plan.extractor
        if choice.preset is not None:
            return extractor_class(choice.preset, choice.parameters)
        return load(str(choice.target), key="class"), choice.parameters


class _Lane:
    """One environment that plays the episodes *numbers*, one after the other."""

    def __init__(self, env: AnyEnv, numbers: list[int], seeds: Sequence[int]) -> None:
        self._env = env
        self._numbers = numbers
        self._seeds = seeds
        self.observation: Any = None
        self._next()

    def _next(self) -> None:
        self._reward, self._length = 0.0, 0
        self.observation = None
        if self._numbers:
            self.observation, _ = self._env.reset(seed=self._seeds[self._numbers[0]])

    def step(self, action: object, now: int, most: int) -> Played | None:
        """Act; the episode that ended with it, if one did."""
        self.observation, reward, terminated, truncated, info = self._env.step(action)
        self._reward += float(reward)
        self._length += 1
        if not terminated and not truncated and self._length < most:
            return None
        success = info.get("is_success")
        played = Played(
            self._numbers.pop(0), self._reward, self._length, None if success is None else bool(success), now
        )
        self._next()
        return played


def shaken(weights: Weights, scale: float, seed: int) -> Weights:
    """*weights*, each changed by about *scale* of its size."""
    draw = np.random.default_rng(seed)
    return {
        name: (values * (1 + scale * draw.standard_normal(values.shape))).astype(values.dtype)
        if values.dtype.kind == "f"
        else values
        for name, values in weights.items()
    }


def weights_of(policy: BasePolicy) -> dict[str, NDArray[Any]]:
    """The tensors of *policy* as the light reader would find them."""
    return {name: values.detach().cpu().numpy() for name, values in policy.state_dict().items()}


def buffers_of(policy: BasePolicy) -> list[str]:
    """What *policy* keeps beside its parameters, and may change as it acts."""
    return [name for name, _ in policy.named_buffers()]


def _as_the_policy_sees(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """*space* with the channels of its images first, as stable_baselines3 turns them."""
    if isinstance(space, spaces.Dict):
        turned = copy.deepcopy(space)
        for key, part in space.spaces.items():
            turned.spaces[key] = _as_the_policy_sees(part)
        return turned
    if isinstance(space, spaces.Box) and is_image_space(space) and not is_image_space_channels_first(space):
        return VecTransposeImage.transpose_space(space)
    return space


def _normalized(space: spaces.Space[Any], wanted: Mapping[str, Any]) -> spaces.Space[Any]:
    """*space* with the images among what is normalised turned into plain numbers; other bounds stay."""
    if isinstance(space, spaces.Dict):
        keys = space.spaces if wanted["norm_obs_keys"] is None else wanted["norm_obs_keys"]
        parts = {key: _normalized(part, wanted) if key in keys else part for key, part in space.spaces.items()}
        return spaces.Dict(parts)
    if wanted["norm_obs"] and isinstance(space, spaces.Box) and is_image_space(space):
        return spaces.Box(-wanted["clip_obs"], wanted["clip_obs"], space.shape, np.float32)
    return space


def _batch(observations: list[Any]) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    if isinstance(observations[0], dict):
        return {key: np.stack([each[key] for each in observations]) for key in observations[0]}
    return np.stack(observations)


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    """Limit torch to *threads* threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all generators as a job does, and put them back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
