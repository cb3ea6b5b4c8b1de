"""Many environments stepped in one call, where their class offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker
from loguru import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import gymnasium
    from numpy.typing import NDArray

    AnyEnv = gymnasium.Env[Any, Any]

OFFER = "stepped_together"
"""A class of environments that has a static method of this name takes a list of them and returns a :class:`Batch`."""

# These add nothing to what an environment shows; any other wrapper has its own say in every step.
_TRANSPARENT = (OrderEnforcing, PassiveEnvChecker)
_SEED, _STEPS, _COPIES = 1_234_567, 20, 3


class BatchStep(NamedTuple):
    """What a step of some environments gave, one row each; *observations* are an array or a dict of arrays."""

    observations: Any
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    infos: list[dict[str, Any]]


class Batch(Protocol):
    """Environments, known by their places in the list that they were given in, that are stepped together.

    To the last bit it does what each of them would do alone; no episode begins unless it is asked for.
    """

    def reset(
        self, row: int, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As ``reset`` of the environment in *row*."""
        ...

    def step(self, rows: Sequence[int], actions: NDArray[Any]) -> BatchStep:
        """As ``step`` of the environments in *rows*, none of them twice, with an action each; arrays of their own."""
        ...


def offers_batches(env: AnyEnv) -> bool:
    """Whether the class of *env* steps many together, and no wrapper is around it."""
    return hasattr(type(_bare(env)), OFFER)


def batch_of(environments: Sequence[AnyEnv]) -> Batch:
    """*environments* as their class, which offers it, steps them together; a single one is stepped as it is."""
    bare = [_bare(each) for each in environments]
    offer: Callable[[Sequence[AnyEnv]], Batch] = getattr(type(bare[0]), OFFER)
    return offer(bare) if len(bare) > 1 else OneByOne(bare)


class OneByOne:
    """A batch that is none: the environments are stepped in turn."""

    def __init__(self, environments: Sequence[AnyEnv]) -> None:
        self._environments = environments

    def reset(
        self, row: int, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As ``reset`` of the environment in *row*."""
        return self._environments[row].reset(seed=seed, options=options)

    def step(self, rows: Sequence[int], actions: NDArray[Any]) -> BatchStep:
        """As ``step`` of the environments in *rows*."""
        steps = [self._environments[row].step(action) for row, action in zip(rows, actions, strict=True)]
        observations, rewards, terminated, truncated, infos = zip(*steps, strict=True)
        return BatchStep(
            stacked(observations),
            np.array(rewards, dtype=np.float64),
            np.array(terminated, dtype=np.bool_),
            np.array(truncated, dtype=np.bool_),
            list(infos),
        )


def keeps_its_word(make: Callable[[], AnyEnv]) -> bool:
    """Whether the batch that *make*'s environments offer does, in some steps, exactly what each of them does alone."""
    made = [make() for _ in range(2 * _COPIES)]
    try:
        space = made[0].action_space
        np.testing.assert_equal(_played(batch_of(made[_COPIES:]), space), _played(OneByOne(made[:_COPIES]), space))
    except AssertionError:
        return False
    except Exception as error:  # noqa: BLE001 - other people's code may raise anything
        logger.warning("{} raised {}: {}", OFFER, type(error).__name__, error)
        return False
    finally:
        for each in made:
            each.close()
    return True


def stacked(observations: Sequence[Any]) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    """*observations* as one, a row each."""
    if isinstance(observations[0], dict):
        return {key: np.stack([each[key] for each in observations]) for key in observations[0]}
    return np.stack(observations)


def part(observations: Any, row: int) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    """The observation in *row*."""
    if isinstance(observations, dict):
        return {key: values[row] for key, values in observations.items()}
    return observations[row]


def _bare(env: AnyEnv) -> AnyEnv:
    """*env* without what adds nothing."""
    while type(env) in _TRANSPARENT:
        env = env.env  # type: ignore[attr-defined]
    return env


def _played(batch: Batch, space: gymnasium.Space[Any]) -> list[Any]:
    """Some steps of all environments of *batch*, then some of two of them; ended episodes are followed by others."""
    space.seed(_SEED)
    shown: list[Any] = [batch.reset(row, seed=_SEED + row) for row in range(_COPIES)]
    for rows in [*[range(_COPIES)] * _STEPS, *[(2, 0)] * _STEPS]:
        step = batch.step(rows, np.stack([space.sample() for _ in rows]))
        shown.append(step)
        ended = step.terminated | step.truncated
        shown.extend(batch.reset(row) for row, over in zip(rows, ended, strict=True) if over)
    return shown
