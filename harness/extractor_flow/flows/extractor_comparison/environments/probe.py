"""Checks before a training, in milliseconds, whether an environment repeats itself: same seed, same actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.repeatability import Finding, Repeatability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.environments.factory import AnyEnv

# Long enough for running statistics and a generator of one's own to show, short beside one rollout.
_STEPS = 20
PROBE_SEED = 1_234_567
"""The seed of every probe: none that a training or an evaluation is likely to have."""
_ACTIONS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
_RUNNING = {"NormalizeObservation": Finding.RUNNING_OBSERVATIONS, "NormalizeReward": Finding.RUNNING_REWARDS}


def probe(make: Callable[[], AnyEnv]) -> Repeatability:
    """Play the same steps twice in one environment and once in another; what differs, and what else is wrong with it.

    :class:`JobError` where nobody could train in it: numbered from another number than 0, of another interface, or with
    observations that are no numbers.
    """
    first, second = make(), make()
    try:
        _check_actions(first.action_space)
        _check_starts(first)
        traces = [_played(env) for env in (first, first, second)]
        findings = (*_running(first), *([Finding.OUTSIDE_SPACE] if any(outside for _, outside in traces) else []))
    finally:
        first.close()
        second.close()
    one = traces[0][0]
    differs = tuple(name for name in one if any(not _equal(one[name], other[name]) for other, _ in traces[1:]))
    return Repeatability(differs, findings)


def _played(env: AnyEnv) -> tuple[dict[str, NDArray[Any]], bool]:
    """What *env* shows in some steps, and whether an observation was outside of its space."""
    env.action_space.seed(PROBE_SEED)
    shown, rewards, ends = [_reset(env, PROBE_SEED)], [], []
    for _ in range(_STEPS):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        shown.append(observation)
        rewards.append(_number(reward))
        ends.append((bool(terminated), bool(truncated)))
        if terminated or truncated:
            shown.append(_reset(env))
    for each in shown:
        _check_shown(each, env.observation_space)
    outside = any(_is_outside(each, env.observation_space) for each in shown)
    flat = np.concatenate([part for each in shown for part in _numbers(each)])
    return {"observations": flat, "rewards": np.array(rewards), "ends of episodes": np.array(ends)}, outside


def _numbers(observation: Any) -> Iterator[NDArray[Any]]:  # noqa: ANN401 - an array or a dict of arrays
    for part in observation.values() if isinstance(observation, dict) else [observation]:
        yield np.asarray(part, dtype=np.float64).ravel()


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _is_outside(observation: Any, space: spaces.Space[Any]) -> bool:  # noqa: ANN401 - an array or a dict of arrays
    """Whether *observation* is none of *space*; another type of number is what stable_baselines3 makes of it."""
    if isinstance(space, spaces.Dict):
        return any(_is_outside(observation[key], part) for key, part in space.items())
    return not space.contains(np.asarray(observation, dtype=space.dtype) if space.shape else observation)


def _running(env: AnyEnv) -> Iterator[Finding]:
    """The wrappers of *env* that normalise by statistics which run on as it is stepped, by the names that they have."""
    layer: Any = env
    while isinstance(layer, gymnasium.Wrapper):
        for kind in type(layer).__mro__:
            if kind.__name__ in _RUNNING:
                yield _RUNNING[kind.__name__]
        layer = layer.env


def _check_actions(space: spaces.Space[Any]) -> None:
    if not isinstance(space, _ACTIONS):
        names = [kind.__name__ for kind in _ACTIONS]
        msg = f"the action space is a {type(space).__name__}; expected {', '.join(names[:-1])} or {names[-1]}"
        raise JobError(msg)


def _check_shown(observation: Any, space: spaces.Space[Any]) -> None:  # noqa: ANN401 - an array or a dict of arrays
    """Refuse observations that a policy would fail on later, with a less helpful message."""
    if isinstance(space, spaces.Dict):
        for key, part in space.items():
            _check_shown(observation[key], part)
        return
    if isinstance(space, spaces.Box) and np.shape(observation) != space.shape:
        msg = f"an observation has the shape {np.shape(observation)}; its space has {space.shape}"
        raise JobError(msg)
    if np.isnan(np.asarray(observation, dtype=np.float64)).any():
        msg = "an observation has NaN in it; expected numbers"
        raise JobError(msg)


def _check_starts(env: AnyEnv) -> None:
    """Refuse what is numbered from another number than 0, as nothing here is."""
    seen = env.observation_space
    parts = seen.values() if isinstance(seen, spaces.Dict) else [seen]
    for what, space in (("action", env.action_space), *(("observation", part) for part in parts)):
        if np.any(np.asarray(getattr(space, "start", 0)) != 0):
            msg = f"the {what} space has {space}: expected numbers from 0; wrap the environment so that it gives them"
            raise JobError(msg)


def _reset(env: AnyEnv, seed: int | None = None) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    answer: object = env.reset(seed=seed)
    match answer:
        case (observation, dict()):
            return observation
        case other:
            msg = f"reset() returned {type(other).__name__}; expected (observation, info), as gymnasium has it"
            raise JobError(msg)


def _number(reward: object) -> float:
    if np.ndim(reward) == 0 and isinstance(reward, int | float | np.number | np.ndarray):  # type: ignore[arg-type]
        return float(reward)
    msg = f"step() returned the reward {reward!r}, of {type(reward).__name__}; expected a number"
    raise JobError(msg)
