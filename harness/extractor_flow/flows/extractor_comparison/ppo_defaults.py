"""What PPO's arguments become when a config leaves them open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_ROLLOUT = 2048
SHORTEST_ROLLOUT = 16
LARGEST_BATCH = 64


def n_steps(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> int:
    """The steps of each environment in a rollout.

    Left open, a rollout ends where an evaluation is due, so that each evaluation sees a new policy; a multiple of 16.
    """
    if algorithm["n_steps"] is not None:
        return int(algorithm["n_steps"])
    span = min(run["eval_freq"], run["total_timesteps"]) // run["num_envs"]
    whole: int = span // SHORTEST_ROLLOUT * SHORTEST_ROLLOUT
    return max(SHORTEST_ROLLOUT, min(LONGEST_ROLLOUT, whole))


def rollout_of(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> int:
    """Environment steps, over all copies, between two updates of the policy."""
    return n_steps(run, algorithm) * int(run["num_envs"])


def batch_size(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> int:
    """The samples in a minibatch; left open, the largest divisor of a rollout up to 64."""
    if algorithm["batch_size"] is not None:
        return int(algorithm["batch_size"])
    rollout = rollout_of(run, algorithm)
    return max(size for size in range(1, min(LARGEST_BATCH, rollout) + 1) if rollout % size == 0)
