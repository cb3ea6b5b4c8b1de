"""What an algorithm's arguments become when a config leaves them open, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_ROLLOUT = 2048
SHORTEST_ROLLOUT = 16
LARGEST_BATCH = 64
LARGEST_REPLAY = 1_000_000  # stable_baselines3's own
LINEAR = "lin_"
"""The prefix of a rate that falls linearly to 0, as in ``lin_3e-4``."""


def first_value(setting: float | str) -> float:
    """What *setting*, a number or a linear schedule, gives at the beginning; it is never larger."""
    return float(setting.removeprefix(LINEAR)) if isinstance(setting, str) else float(setting)


def value_at(setting: float | str, step: int, total: int) -> float:
    """What *setting* gives after *step* of *total* steps, bit for bit as stable_baselines3 works it out."""
    first = first_value(setting)
    if not isinstance(setting, str):
        return first
    done = 1 - (1.0 - step / total)
    return 0.0 if done > 1 else first + done * (0.0 - first)


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
    steps = int(algorithm["train_freq"]) if "train_freq" in algorithm else n_steps(run, algorithm)
    return steps * int(run["num_envs"])


def steps_of(total: int, rollout: int) -> int:
    """*total* steps rounded up to whole rollouts: what stable_baselines3 does."""
    return -(-total // rollout) * rollout


def chosen(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> dict[str, Any]:
    """*algorithm*, with what it leaves open chosen."""
    result = dict(algorithm)
    if "n_steps" in result:
        result["n_steps"] = n_steps(run, result)
    if "batch_size" in result:
        result["batch_size"] = batch_size(run, result)
    if "buffer_size" in result:
        result["buffer_size"] = buffer_size(run, result)
    return result


def batch_size(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> int:
    """The samples in a minibatch; left open, the largest divisor of a rollout up to 64, or the next if that is tiny."""
    if algorithm["batch_size"] is not None:
        return int(algorithm["batch_size"])
    rollout = rollout_of(run, algorithm)
    divisors = [size for size in range(1, rollout + 1) if rollout % size == 0]
    largest = max(size for size in divisors if size <= LARGEST_BATCH)
    if largest < SHORTEST_ROLLOUT:  # a prime number of steps would be learnt from one by one
        return next((size for size in divisors if size > LARGEST_BATCH), rollout)
    return largest


def buffer_size(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> int:
    """The transitions of the replay buffer; left open, no more than the training has: none of them is ever lost."""
    if algorithm["buffer_size"] is not None:
        return int(algorithm["buffer_size"])
    return min(LARGEST_REPLAY, steps_of(run["total_timesteps"], rollout_of(run, algorithm)))


def capacity(algorithm: Mapping[str, Any], num_envs: int) -> int:
    """The transitions that the replay buffer really holds: as many for each environment."""
    return max(int(algorithm["buffer_size"]) // num_envs, 1) * num_envs


def optimizer_arguments(algorithm: Mapping[str, Any]) -> dict[str, float] | None:
    """The optimizer's arguments where an algorithm sets them itself: RMSprop's for A2C, Adam's for QRDQN."""
    if algorithm.get("use_rms_prop"):
        return {"alpha": 0.99, "eps": algorithm["rms_prop_eps"], "weight_decay": 0}
    return {"eps": 0.01 / algorithm["batch_size"]} if algorithm.get("name") == "QRDQN" else None
