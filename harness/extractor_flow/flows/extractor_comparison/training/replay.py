"""The replay buffer of a training, and the updates that are made from it: what they are, and whether they fit."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import get_action_dim

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.algorithms.defaults import capacity

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.study.jobs import Limits

_MIB = 1024 * 1024
# A reward, whether the episode ended and whether it was cut, in 32 bits each.
_MARKS = 12


def check_memory(plan: Plan, envs: VecEnv, limits: Limits) -> None:
    """Raise :class:`JobError` where the replay buffer that *plan* asks for takes more memory than there is."""
    needed, available = replay_bytes(plan, envs.observation_space, envs.action_space), _memory(limits)
    if needed > available:
        msg = (
            f"algorithm.buffer_size is {plan.algorithm['buffer_size']}: so many transitions take {needed // _MIB} MiB, "
            f"and there are {available // _MIB}; expected at most {plan.algorithm['buffer_size'] * available // needed}"
        )
        raise JobError(msg)


def replay_bytes(plan: Plan, seen: spaces.Space[Any], acted: spaces.Space[Any]) -> int:
    """The bytes of the replay buffer, full: two observations, an action and some marks for each transition."""
    if not plan.trainer.replays:
        return 0
    parts = seen.values() if isinstance(seen, spaces.Dict) else [seen]
    observation = sum(math.prod(part.shape or (1,)) * np.dtype(part.dtype or np.int64).itemsize for part in parts)
    return capacity(plan.algorithm, plan.schedule.num_envs) * (2 * observation + 4 * get_action_dim(acted) + _MARKS)


def updates_of(model: BaseAlgorithm, plan: Plan) -> dict[str, float]:
    """The metrics that only an algorithm with a replay buffer has."""
    if not plan.trainer.replays:
        return {}
    return {
        "gradient_updates": model._n_updates,  # noqa: SLF001 - it is told nowhere else
        "replay_transitions": min(capacity(plan.algorithm, plan.schedule.num_envs), model.num_timesteps),
        "replay_bytes": replay_bytes(plan, model.observation_space, model.action_space),
    }


def _memory(limits: Limits) -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return machine if limits.memory_mb is None else min(machine, limits.memory_mb * _MIB)
