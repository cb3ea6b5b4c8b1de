"""Makes the environment that a config names."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.environments.robot_nav import register
from extractor_flow.flows.extractor_comparison.importing import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice

AnyEnv = gymnasium.Env[Any, Any]
_LEARNABLE = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


@dataclass(frozen=True)
class EnvironmentFactory:
    """Makes environments of one kind, in any process."""

    choice: EnvironmentChoice

    def __call__(self) -> AnyEnv:
        """A new environment without the keys that the config filters out; :class:`JobError` if it is of no use."""
        env = _without_keys(_made(self.choice), self.choice)
        for target, arguments in self.choice.wrappers:
            env = _wrapped(env, target, arguments)
        if self.choice.frame_stack is not None:
            env = StackedFrames(env, self.choice.frame_stack)
        _check_observations(env.observation_space, self.choice)
        return env


class WithoutKeys(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Takes *keys* off Dict observations; the order of the others stays."""

    def __init__(self, env: AnyEnv, keys: tuple[str, ...]) -> None:
        super().__init__(env)
        self._keys = frozenset(keys)
        kept = {key: space for key, space in _dict_space(env).items() if key not in self._keys}
        self.observation_space = spaces.Dict(kept)

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        """*observation* without the keys."""
        return {key: value for key, value in observation.items() if key not in self._keys}


class StackedFrames(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Shows the last *frames* observations at once, side by side on the last axis; before the first one, zeros.

    So do stable_baselines3's stacked frames: an image gets more channels.
    """

    def __init__(self, env: AnyEnv, frames: int) -> None:
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, spaces.Box) or not space.shape:
            msg = f"env.frame_stack: expected a Box observation; found {space}"
            raise JobError(msg)
        low, high = (np.concatenate([bound] * frames, axis=-1) for bound in (space.low, space.high))
        self.observation_space = spaces.Box(low, high, dtype=space.dtype.type)
        self._frames: deque[NDArray[Any]] = deque(maxlen=frames)
        self._empty = np.zeros(space.shape, space.dtype)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Forget the frames of the last episode."""
        self._frames.extend([self._empty] * (self._frames.maxlen or 0))
        return super().reset(seed=seed, options=options)

    def observation(self, observation: NDArray[Any]) -> NDArray[Any]:
        """The last frames, *observation* the last of them."""
        self._frames.append(observation)
        return np.concatenate(self._frames, axis=-1)


def _wrapped(env: AnyEnv, target: str, arguments: Mapping[str, Any]) -> AnyEnv:
    wrapped = load(target, key="env.wrappers")(env, **arguments)
    if not isinstance(wrapped, gymnasium.Env):
        msg = f"env.wrappers: {target!r} returned {type(wrapped).__name__}; expected a gymnasium.Env"
        raise JobError(msg)
    return wrapped


def _made(choice: EnvironmentChoice) -> AnyEnv:
    if choice.factory is not None:
        env = load(choice.factory, key="env.factory")(**choice.kwargs)
        if not isinstance(env, gymnasium.Env):
            msg = f"env.factory {choice.factory!r} returned {type(env).__name__}; expected a gymnasium.Env"
            raise JobError(msg)
        return env
    register()
    try:
        return gymnasium.make(str(choice.id), **{"disable_env_checker": True, **choice.kwargs})
    except gymnasium.error.UnregisteredEnv as error:
        msg = f'env.id is {choice.id!r}: {error} A package that registers it is imported by "package:{choice.id}".'
        raise JobError(msg) from error
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        msg = f"env.id is {choice.id!r}: {error}"
        raise JobError(msg) from error


def _without_keys(env: AnyEnv, choice: EnvironmentChoice) -> AnyEnv:
    if not choice.filter_keys:
        return env
    if not isinstance(env.observation_space, spaces.Dict):
        msg = f"env.filter_keys: {choice.name} has no Dict observation but {env.observation_space}"
        raise JobError(msg)
    there = list(env.observation_space)
    for key in choice.filter_keys:
        if key not in there:
            msg = f"env.filter_keys: {choice.name} has no observation {key!r}; it has {', '.join(there)}"
            raise JobError(msg)
    if len(choice.filter_keys) == len(there):
        msg = f"env.filter_keys: nothing is left of the observations of {choice.name}"
        raise JobError(msg)
    return WithoutKeys(env, choice.filter_keys)


def _check_observations(space: spaces.Space[Any], choice: EnvironmentChoice) -> None:
    parts = dict(space.items()) if isinstance(space, spaces.Dict) else {"": space}
    for key, part in parts.items():
        if isinstance(part, _LEARNABLE):
            continue
        where = f"observation {key!r}" if key else "observation"
        advice = "; take it off with env.filter_keys" if key else ""
        msg = f"{choice.name}: the {where} is a {type(part).__name__}, which no policy can read{advice}"
        raise JobError(msg)


def _dict_space(env: AnyEnv) -> spaces.Dict:
    space = env.observation_space
    if not isinstance(space, spaces.Dict):
        msg = f"expected a Dict observation; found {space}"
        raise TypeError(msg)
    return space
