"""Watches a training: evaluates and saves when due, and stops it when a number is NaN or infinite."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from loguru import logger
from stable_baselines3.common.callbacks import BaseCallback

from extractor_flow.errors import JobError
from extractor_flow.files import write_bytes
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds
from extractor_flow.flows.extractor_comparison.training.acting import actor_of, weights_now
from extractor_flow.flows.extractor_comparison.training.evaluation import Evaluation, lane_seeds, npz_bytes, play
from extractor_flow.flows.extractor_comparison.training.held_out import Selected
from extractor_flow.flows.extractor_comparison.training.normalization import Statistics, frozen, statistics_of
from extractor_flow.flows.extractor_comparison.training.policy_weights import first_bad_weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from stable_baselines3.common.policies import BasePolicy
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.study.flow import Workspace

# An algorithm that replays has rollouts of a step or some: to look through all weights each time would take long.
_LOOK = 32


class Watch(BaseCallback):
    """Evaluates at step 0, whenever ``eval_freq`` steps are crossed, and at the end; saves likewise.

    The policy changes only between rollouts, and episodes and actions are fixed: so evaluations take place between
    rollouts, right after an update; in between they could only repeat themselves. ``best_model.zip`` is the policy with
    the best mean reward of all evaluations, the untrained one's included; the earlier of two equal ones.
    """

    def __init__(self, plan: Plan, envs: VecEnv, workspace: Workspace, seed: int) -> None:
        super().__init__()
        self._plan = plan
        self._envs = envs
        self._workspace = workspace
        self._seeds = lane_seeds(evaluation_seeds(seed, plan.schedule.n_eval_episodes), plan.schedule.eval_num_envs)
        self._seen = 0
        self._best = -np.inf
        self.selected = Selected(0, {}, {})
        self.statistics: dict[int, Statistics] = {}
        self.evaluations: list[Evaluation] = []
        self.checkpoints: list[int] = []

    @property
    def _policy(self) -> BasePolicy:
        return self.model.policy

    def _on_training_start(self) -> None:
        self._evaluate()

    def _on_rollout_start(self) -> None:
        self._between_rollouts()

    def _on_step(self) -> bool:
        if not np.isfinite(self.locals["rewards"]).all():
            msg = f"the environment gave the reward {_first_bad(self.locals['rewards'])} at step {self.num_timesteps}"
            raise JobError(msg)
        self._report()
        return True

    def _on_training_end(self) -> None:
        self._between_rollouts()
        if self.evaluations[-1].timestep != self.num_timesteps:
            self._evaluate()

    def _between_rollouts(self) -> None:
        schedule = self._plan.schedule
        if any(map(self._crossed, (_LOOK, schedule.eval_freq, schedule.save_freq))):
            self._look()
        self._seen = self.num_timesteps

    def _look(self) -> None:
        name = first_bad_weight(self._policy)
        if name is not None:
            msg = f"the weights {name} hold NaN or infinity after {self.num_timesteps} steps: the training has diverged"
            raise JobError(msg)
        if self._crossed(self._plan.schedule.eval_freq):
            self._evaluate()
        if self._crossed(self._plan.schedule.save_freq):
            self._note_statistics()
            self._save(layout.checkpoint(self.num_timesteps))
            self.checkpoints.append(self.num_timesteps)

    def _crossed(self, every: int | None) -> bool:
        """Whether a multiple of *every* steps was passed since the last look."""
        return every is not None and self.num_timesteps // every > self._seen // every

    def _actor(self) -> Callable[[Any], NDArray[Any]]:
        return frozen(self._envs, actor_of(self._policy))

    def _evaluate(self) -> None:
        self._report(evaluating=1)
        self._note_statistics()
        evaluation = Evaluation(self.num_timesteps, play(self._envs, self._actor(), self._seeds))
        mean = evaluation.mean_reward
        if not np.isfinite(mean):
            msg = f"the evaluation at step {self.num_timesteps} has the mean reward {mean}"
            raise JobError(msg)
        self.evaluations.append(evaluation)
        write_bytes(self._workspace.path / layout.EVALUATIONS, npz_bytes(self.evaluations), durable=False)
        if mean > self._best:
            self._best = mean
            self.selected = Selected(self.num_timesteps, weights_now(self._policy), statistics_of(self._envs))
            self._save(layout.BEST_MODEL)
        self._log(evaluation)
        self._report()

    def _note_statistics(self) -> None:
        if taken := statistics_of(self._envs):
            self.statistics[self.num_timesteps] = taken

    def _save(self, name: str) -> None:
        save_model(self.model, self._workspace, name)

    def _log(self, evaluation: Evaluation) -> None:
        logger.info("step {}: mean reward {:.4g}", evaluation.timestep, evaluation.mean_reward)
        self.logger.record("eval/mean_reward", evaluation.mean_reward)
        self.logger.record("eval/mean_ep_length", float(np.mean([each.length for each in evaluation.episodes])))
        if not self._plan.trainer.logs_every_rollout:
            self._log_training()
        self.logger.dump(evaluation.timestep)

    def _log_training(self) -> None:
        """Log the means over the latest training episodes, which stable_baselines3 logs at longer intervals only."""
        episodes, successes = self.model.ep_info_buffer or (), self.model.ep_success_buffer or ()
        for name, column in (("rew", "r"), ("len", "l")):
            if episodes:
                self.logger.record(f"rollout/ep_{name}_mean", float(np.mean([each[column] for each in episodes])))
        if successes:
            self.logger.record("rollout/success_rate", float(np.mean(successes)))

    def _report(self, **state: float) -> None:
        """Report how far the training is, and the latest evaluation's reward with the step it belongs to."""
        latest = self.evaluations[-1:]
        facts = {"reward": latest[0].mean_reward, "reward_step": latest[0].timestep} if latest else {}
        self._workspace.progress(self.num_timesteps, self._plan.steps_to_do, **facts, **state)


def save_model(model: Any, workspace: Workspace, name: str) -> None:  # noqa: ANN401 - any algorithm
    """Write *model* in stable_baselines3's own form, whole or not at all."""
    buffer = io.BytesIO()
    model.save(buffer)
    path = workspace.path / name
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, buffer.getvalue(), durable=False)


def _first_bad(rewards: NDArray[Any]) -> float:
    return float(rewards[~np.isfinite(rewards)][0])
