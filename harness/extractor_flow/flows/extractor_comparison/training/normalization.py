"""Running normalisation by stable_baselines3's ``VecNormalize``: frozen while a policy is evaluated, kept as arrays.

Only the training environments move its statistics. An evaluation sees them as they are, and its rewards untouched.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env import VecNormalize, unwrap_vec_normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from stable_baselines3.common.running_mean_std import RunningMeanStd
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.plan import Plan

Statistics = dict[str, "NDArray[Any]"]
"""The statistics at one moment, by the names that they have in the artifact; empty where nothing is normalised."""


def normalized(envs: VecEnv, plan: Plan) -> VecEnv:
    """*envs*, normalised where *plan* asks for it."""
    wanted = plan.environment.normalize
    return envs if wanted is None else VecNormalize(envs, gamma=plan.algorithm["gamma"], **wanted)


def frozen(envs: VecEnv, act: Callable[[Any], NDArray[Any]]) -> Callable[[Any], NDArray[Any]]:
    """*act* on plain observations as *envs* normalise them, by statistics that an evaluation does not move."""
    normalizer = unwrap_vec_normalize(envs)
    return act if normalizer is None else lambda observations: act(normalizer.normalize_obs(observations))


def statistics_of(envs: VecEnv) -> Statistics:
    """A copy of the statistics of *envs*."""
    return {
        f"{name}.{part}": np.array(getattr(running, part), dtype=np.float64)
        for name, running in _running(envs)
        for part in ("mean", "var", "count")
    }


def put_back_statistics(envs: VecEnv, statistics: Statistics) -> None:
    """Give *envs* the *statistics* that they once had."""
    for name, running in _running(envs):
        running.mean, running.var = statistics[f"{name}.mean"].copy(), statistics[f"{name}.var"].copy()
        running.count = float(statistics[f"{name}.count"])


def statistics_npz(taken: Mapping[int, Statistics]) -> bytes:
    """The artifact: ``timesteps`` and, for each statistic, one row a step; equal statistics give equal bytes."""
    rows = list(taken.values())
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    buffer = io.BytesIO()
    np.savez(buffer, timesteps=np.array(list(taken), dtype=np.int64), **columns)  # type: ignore[arg-type]  # see there
    return buffer.getvalue()


def _running(envs: VecEnv) -> Iterator[tuple[str, RunningMeanStd]]:
    normalizer = unwrap_vec_normalize(envs)
    if normalizer is None:
        return
    if normalizer.norm_obs:
        seen: Any = normalizer.obs_rms
        yield from (
            ((f"observation.{key}", each) for key, each in seen.items())
            if isinstance(seen, dict)
            else [("observation", seen)]
        )
    yield "return", normalizer.ret_rms
