"""The environments of a job stepped together, the training ones in one call and the evaluation lanes in another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from loguru import logger
from stable_baselines3.common.vec_env import DummyVecEnv

from extractor_flow.flows.extractor_comparison.environments.batch import (
    batch_of,
    keeps_its_word,
    offers_batches,
    part,
)
from extractor_flow.flows.extractor_comparison.training.evaluation import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

    from extractor_flow.flows.extractor_comparison.environments.batch import AnyEnv, Batch
    from extractor_flow.flows.extractor_comparison.training.evaluation import EvaluatingEnv, LaneStep
    from extractor_flow.flows.extractor_comparison.training.vec_envs import Worker

_OTHERWISE = "stepped together, the environments do not do what each does alone; they are stepped one by one"


def in_this_process(workers: Sequence[Worker]) -> DummyVecEnv:
    """The environments of *workers*, stepped together where they offer it and keep to it, else one by one."""
    envs = DummyVecEnv(list(workers))
    inner: list[Any] = envs.envs
    lanes = {number: lane for each in inner for number, lane in each.lanes.items()}
    training, evaluation = [each.env for each in inner], [lanes[number].env for number in sorted(lanes)]
    if not (offers_batches(training[0]) and offers_batches(evaluation[0])):
        return envs
    make, make_evaluated = workers[0].make, workers[0].make_evaluated
    if not all(keeps_its_word(each) for each in ([make] if make == make_evaluated else [make, make_evaluated])):
        logger.warning(_OTHERWISE)
        return envs
    return BatchedEnvs(inner, batch_of(training), batch_of(evaluation))


class BatchedEnvs(DummyVecEnv):
    """Steps *inner* by the *training* batch, and their lanes, in the order of their numbers, by *evaluation*."""

    def __init__(self, inner: Sequence[EvaluatingEnv], training: Batch, evaluation: Batch) -> None:
        super().__init__([partial(_itself, each) for each in inner])
        self._training, self._evaluation = training, evaluation
        numbers = sorted(number for each in inner for number in each.lanes)
        self._rows = {number: row for row, number in enumerate(numbers)}
        self._lanes = {number: Lane(cast("AnyEnv", _Row(evaluation, row))) for number, row in self._rows.items()}

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere, with the seeds and options that were set."""
        for row in range(self.num_envs):
            answer = self._training.reset(row, seed=self._seeds[row], options=self._options[row] or None)
            observation, self.reset_infos[row] = answer
            self._save_obs(row, observation)
        self._reset_seeds()
        self._reset_options()
        return self._obs_from_buf()

    def step_wait(self) -> VecEnvStepReturn:
        """Act everywhere; where an episode ends the next one begins, and its last observation is in the info."""
        step = self._training.step(range(self.num_envs), self.actions)
        ended = step.terminated | step.truncated
        for info, cut in zip(step.infos, (step.truncated & ~step.terminated).tolist(), strict=True):
            info["TimeLimit.truncated"] = cut
        for row in np.flatnonzero(ended).tolist():
            step.infos[row]["terminal_observation"] = _copied(part(step.observations, row))
            first, self.reset_infos[row] = self._training.reset(row)
            _put(step.observations, row, first)
        return step.observations, step.rewards.astype(np.float32), ended, step.infos

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:  # noqa: ANN401 - as its base has it
        """As of each environment; the two methods of an evaluation are answered for all lanes at once."""
        own = {"evaluation_start": self._start, "evaluation_step": self._step}.get(method_name)
        if own is None:
            return super().env_method(method_name, *method_args, indices=indices, **method_kwargs)
        return [own(*method_args)]

    def _start(self, seeds: Mapping[int, Sequence[int]]) -> dict[int, LaneStep]:
        return {number: self._lanes[number].start(share) for number, share in seeds.items()}

    def _step(self, actions: Mapping[int, Any]) -> dict[int, LaneStep]:
        step = self._evaluation.step([self._rows[number] for number in actions], np.stack(list(actions.values())))
        steps = zip(
            actions, step.rewards.tolist(), (step.terminated | step.truncated).tolist(), step.infos, strict=True
        )
        return {
            number: self._lanes[number].took(part(step.observations, place), reward, info, ended=ended)
            for place, (number, reward, ended, info) in enumerate(steps)
        }


class _Row:
    """One environment of a batch, for who only begins its episodes."""

    def __init__(self, batch: Batch, row: int) -> None:
        self.reset = partial(batch.reset, row)


def _itself(env: EvaluatingEnv) -> EvaluatingEnv:
    return env


def _copied(observation: Any) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    if isinstance(observation, dict):
        return {key: np.copy(value) for key, value in observation.items()}
    return np.copy(observation)


def _put(observations: Any, row: int, observation: Any) -> None:  # noqa: ANN401 - arrays or dicts of arrays
    if isinstance(observations, dict):
        for key, values in observations.items():
            values[row] = observation[key]
    else:
        observations[row] = observation
