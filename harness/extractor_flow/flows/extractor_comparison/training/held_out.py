"""The held-out evaluation: the selected and the final policy, on episodes that selection never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from loguru import logger

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, held_out_seeds
from extractor_flow.flows.extractor_comparison.training.acting import actor_of, put_back
from extractor_flow.flows.extractor_comparison.training.evaluation import Evaluation, lane_seeds, play
from extractor_flow.flows.extractor_comparison.training.normalization import Statistics, frozen, put_back_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv
    from torch import Tensor

    from extractor_flow.flows.extractor_comparison.plan import Schedule


@dataclass(frozen=True)
class Selected:
    """The policy that the scheduled evaluations found best: its step, its weights, and its normalisation statistics."""

    timestep: int
    weights: Mapping[str, Tensor]
    statistics: Statistics


@dataclass(frozen=True)
class HeldOut:
    """The held-out evaluations: of the policy that was selected, and of the final one."""

    selected: Evaluation
    final: Evaluation

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of a record."""
        rates = {
            "held_out_success_rate": self.selected.success_rate,
            "held_out_final_success_rate": self.final.success_rate,
        }
        return {
            "held_out_mean_reward": self.selected.mean_reward,
            "held_out_std_reward": self.selected.std_reward,
            "held_out_final_mean_reward": self.final.mean_reward,
            "held_out_episodes": len(self.selected.episodes),
            **{name: value for name, value in rates.items() if value is not None},
        }


def evaluate_held_out(model: BaseAlgorithm, envs: VecEnv, schedule: Schedule, selected: Selected) -> HeldOut:
    """Play the held-out episodes with *model* as it is, and as it was when it was *selected*; it stays so."""
    seed = model.seed or 0
    unseen = held_out_seeds(seed, schedule.final_eval_episodes, evaluation_seeds(seed, schedule.n_eval_episodes))
    seeds = lane_seeds(unseen, schedule.eval_num_envs)
    final = Evaluation(model.num_timesteps, play(envs, frozen(envs, actor_of(model.policy)), seeds))
    if selected.timestep == final.timestep:
        return _logged(HeldOut(final, final))
    put_back(model.policy, selected.weights)
    put_back_statistics(envs, selected.statistics)
    chosen = Evaluation(selected.timestep, play(envs, frozen(envs, actor_of(model.policy)), seeds))
    return _logged(HeldOut(chosen, final))


def _logged(held_out: HeldOut) -> HeldOut:
    for evaluation in (held_out.final, held_out.selected):
        if not np.isfinite(evaluation.mean_reward):
            msg = f"the held-out evaluation of step {evaluation.timestep} has the mean reward {evaluation.mean_reward}"
            raise JobError(msg)
    logger.info(
        "held-out episodes: mean reward {:.4g} of the policy of step {}, {:.4g} of the final one",
        held_out.selected.mean_reward,
        held_out.selected.timestep,
        held_out.final.mean_reward,
    )
    return held_out
