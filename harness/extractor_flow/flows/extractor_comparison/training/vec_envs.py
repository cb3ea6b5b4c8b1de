"""The environments of a job, stepped in its own process or each in a process of its own."""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import SubprocVecEnv, VecMonitor

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.layout import MONITOR
from extractor_flow.flows.extractor_comparison.seeds import training_seed
from extractor_flow.flows.extractor_comparison.training.batched_envs import in_this_process
from extractor_flow.flows.extractor_comparison.training.evaluation import EvaluatingEnv, Lane
from extractor_flow.flows.extractor_comparison.training.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.plan import Plan

_KILL_AFTER = 5.0
_WORKER_DIED = "a process died while its environment was {}; the end of the log may say why"
_LOST_WORKER = (EOFError, BrokenPipeError, ConnectionResetError)


@dataclass(frozen=True)
class Worker:
    """Makes the environment of one worker, with the evaluation lanes it carries; picklable."""

    make: EnvironmentFactory
    make_evaluated: EnvironmentFactory
    lanes: tuple[int, ...]
    seed: int

    def __call__(self) -> EvaluatingEnv:
        """The environment; Python's, numpy's and torch's own generators are seeded too, for what draws from those."""
        set_random_seed(self.seed)
        return EvaluatingEnv(self.make(), {number: Lane(self.make_evaluated()) for number in self.lanes})


@contextmanager
def training_environments(plan: Plan, *, seed: int, worker_mode: str, directory: Path) -> Iterator[VecEnv]:
    """The environments of a job, recorded in *directory*'s monitor file, and closed in any case.

    Every one is an :class:`EvaluatingEnv`. A worker process that dies is a :class:`JobError`.
    """
    workers = _workers(plan, seed)
    check_spaces(plan)
    try:
        raw = WorkerProcesses(workers, plan.start_method) if worker_mode == "vectorized" else in_this_process(workers)
    except _LOST_WORKER as error:
        raise JobError(_WORKER_DIED.format("made")) from error
    monitor = VecMonitor(raw, filename=str(directory / MONITOR))
    try:
        yield normalized(monitor, plan)
    except BaseException as error:
        _abandon(raw, monitor)
        if isinstance(raw, WorkerProcesses) and isinstance(error, _LOST_WORKER):
            raise JobError(_WORKER_DIED.format("stepped")) from error
        raise
    monitor.close()


class WorkerProcesses(SubprocVecEnv):
    """One process a worker; when they cannot all be started, none stays behind."""

    def __init__(self, workers: Sequence[Worker], start_method: str) -> None:
        self.processes = []
        if start_method == "forkserver":
            # Unless the server has imported torch, each worker does: seconds of the processor, times the workers.
            multiprocessing.set_forkserver_preload([__name__])
        try:
            super().__init__(list(workers), start_method)
        except BaseException:
            self.terminate()
            raise

    def terminate(self) -> None:
        """End the processes without talking to them: one may be in the middle of an answer that nobody reads."""
        started = [process for process in self.processes if process.pid is not None]
        for process in started:
            process.terminate()
        for process in started:
            process.join(_KILL_AFTER)
            if process.is_alive():
                process.kill()
                process.join()
        for remote in getattr(self, "remotes", ()):
            remote.close()


def _workers(plan: Plan, seed: int) -> list[Worker]:
    make, make_evaluated = EnvironmentFactory(plan.environment), EnvironmentFactory(plan.evaluated)
    lanes, count = range(plan.schedule.eval_num_envs), plan.schedule.num_envs
    return [
        Worker(make, make_evaluated, tuple(lanes[worker::count]), training_seed(seed) + worker)
        for worker in range(count)
    ]


def check_spaces(plan: Plan) -> None:
    """Refuse an evaluation environment whose spaces differ from the training's, and what the device cannot compute."""
    if plan.evaluation is None and plan.device != "mps":
        return
    trained, evaluated = (EnvironmentFactory(choice)() for choice in (plan.environment, plan.evaluated))
    try:
        for what in ("observation_space", "action_space"):
            expected, found = (getattr(env, what) for env in (trained, evaluated))
            if expected != found:
                named = f"{plan.evaluated.name} has the {what} {found}, and env {plan.environment.name} has {expected}"
                msg = f"eval_env: {named}; expected the same"
                raise JobError(msg)
        if plan.device == "mps":
            _check_metal(trained.observation_space)
    finally:
        trained.close()
        evaluated.close()


def _check_metal(space: spaces.Space[Any]) -> None:
    parts = space.values() if isinstance(space, spaces.Dict) else [space]
    if any(part.dtype == np.float64 for part in parts):
        msg = "observations are float64, which mps cannot compute with; give float32, or set run.device to cpu"
        raise JobError(msg)


def _abandon(raw: VecEnv, monitor: VecMonitor) -> None:
    if isinstance(raw, WorkerProcesses):
        raw.terminate()
    else:
        raw.close()
    if monitor.results_writer is not None:
        monitor.results_writer.close()
