"""Trains one extractor: the way in to all of this flow's heavy imports."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv

from extractor_flow.files import write_bytes, write_json
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.environments.probe import probe
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.flows.extractor_comparison.repeatability import Finding, Repeatability
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, held_out_seeds, training_seed
from extractor_flow.flows.extractor_comparison.training.acting import extractor_of, remembers
from extractor_flow.flows.extractor_comparison.training.callbacks import Watch, save_model
from extractor_flow.flows.extractor_comparison.training.evaluation import npz_bytes
from extractor_flow.flows.extractor_comparison.training.held_out import evaluate_held_out
from extractor_flow.flows.extractor_comparison.training.model import build_model
from extractor_flow.flows.extractor_comparison.training.normalization import statistics_npz
from extractor_flow.flows.extractor_comparison.training.policy_weights import (
    count_parameters,
    trainable_parameters,
    weights_bytes,
)
from extractor_flow.flows.extractor_comparison.training.replay import check_memory, updates_of
from extractor_flow.flows.extractor_comparison.training.vec_envs import check_spaces, training_environments
from extractor_flow.study.flow import JobResult
from extractor_flow.study.job_contract import REPEATABILITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.training.evaluation import Evaluation
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job


def train(job: Job, workspace: Workspace) -> JobResult:
    """Train the job's extractor in *workspace*; the files it left and what was measured.

    On the CPU, the same job gives the same metrics and the same weights, bit for bit; *worker_mode* changes neither.
    """
    plan = Plan.from_parameters(job.parameters)
    seed = job.seed or 0
    (workspace.path / layout.EVALUATIONS).parent.mkdir(exist_ok=True)
    with (
        _torch_settings(plan.threads),
        training_environments(plan, seed=seed, worker_mode=job.worker_mode, directory=workspace.path) as envs,
    ):
        probed = _probed(plan, envs)
        check_memory(plan, envs, job.limits)
        model = build_model(plan, envs, seed)
        untrained_digest = hashlib.sha256(weights_bytes(model.policy)).hexdigest()
        if plan.extractor.preset is None and remembers(model.policy):
            probed = probed.with_finding(Finding.STATEFUL_EXTRACTOR)
        watch = Watch(plan, envs, workspace, seed)
        _learn(model, watch, plan, workspace.path)
        save_model(model, workspace, layout.FINAL_MODEL)
        write_bytes(workspace.path / layout.WEIGHTS, weights_bytes(model.policy), durable=False)
        if watch.statistics:
            write_bytes(workspace.path / layout.NORMALIZATION, statistics_npz(watch.statistics), durable=False)
        held_out = evaluate_held_out(model, envs, plan.schedule, watch.selected)
        write_bytes(workspace.path / layout.HELD_OUT, npz_bytes([held_out.selected, held_out.final]), durable=False)
    metrics = held_out.metrics | _metrics(watch.evaluations, model, plan)
    details = _details(watch.evaluations, model, plan, seed) | {
        "untrained_weights_sha256": untrained_digest,
        REPEATABILITY: probed.to_json(),
    }
    write_json(
        workspace.path / layout.METRICS,
        {"metrics": metrics, "training_steps": model.num_timesteps, "details": details},
        durable=False,
    )
    return JobResult(metrics, _artifacts(workspace.path, watch), model.num_timesteps, details)


def _probed(plan: Plan, envs: VecEnv) -> Repeatability:
    """What is found of the environments, where their worker is."""
    found = [envs.env_method("probe", EnvironmentFactory(choice), indices=0)[0] for choice in plan.environments]
    return Repeatability.of_all(found)


@contextmanager
def _torch_settings(threads: int) -> Iterator[None]:
    """This job's threads, and no checks of distributions, which slow a training down: :class:`Watch` looks for NaN."""
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.distributions.Distribution.set_default_validate_args(value=False)
    try:
        yield
    finally:
        torch.distributions.Distribution.set_default_validate_args(value=__debug__)
        torch.set_num_threads(threads_before)


def _learn(model: BaseAlgorithm, watch: Watch, plan: Plan, directory: Path) -> None:
    logger = configure(str(directory / layout.TENSORBOARD), ["tensorboard"])
    model.set_logger(logger)
    try:
        model.learn(plan.schedule.total_timesteps, callback=watch)
    finally:
        logger.close()


def _metrics(evaluations: Sequence[Evaluation], model: BaseAlgorithm, plan: Plan) -> dict[str, float]:
    """What was measured, and nothing that depends on the machine's speed."""
    curve, extractor = _curve(evaluations), extractor_of(model.policy)
    converged = curve.convergence_timestep(plan.convergence_fraction)
    best = next(each for each in evaluations if each.timestep == curve.best_timestep)
    optional = {
        "convergence_timestep": converged,
        "untrained_success_rate": evaluations[0].success_rate,
        "best_success_rate": best.success_rate,
        "final_success_rate": evaluations[-1].success_rate,
    }
    return {
        "untrained_mean_reward": curve.untrained,
        "best_mean_reward": curve.best,
        "best_timestep": curve.best_timestep,
        "final_mean_reward": curve.mean_rewards[-1],
        "final_std_reward": evaluations[-1].std_reward,
        "reward_gain": curve.mean_rewards[-1] - curve.untrained,
        "eval_episodes": plan.schedule.n_eval_episodes,
        "total_parameters": count_parameters(model.policy),
        "trainable_parameters": trainable_parameters(model.policy),
        "extractor_parameters": count_parameters(extractor),
        "features_dim": int(extractor.features_dim),
        **updates_of(model, plan),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _details(evaluations: Sequence[Evaluation], model: BaseAlgorithm, plan: Plan, seed: int) -> dict[str, Any]:
    seen, package = evaluation_seeds(seed, plan.schedule.n_eval_episodes), plan.trainer.package
    return {
        "curve": _curve(evaluations).to_json(),
        "requested_steps": plan.schedule.total_timesteps,
        "seeds": {
            "training": seed,
            "environments": [training_seed(seed) + number for number in range(plan.schedule.num_envs)],
            "evaluation": seen,
            "held_out": held_out_seeds(seed, plan.schedule.final_eval_episodes, seen),
        },
        "environment": plan.environment.name,
        **({} if plan.evaluation is None else {"evaluation_environment": plan.evaluation.name}),
        "device": str(model.device),
        "torch_threads": plan.threads,
        "versions": {
            "gymnasium": gymnasium.__version__,
            "numpy": np.__version__,
            package: version(package),
            "stable_baselines3": stable_baselines3.__version__,
            "torch": torch.__version__,
        },
    }


def _curve(evaluations: Sequence[Evaluation]) -> Curve:
    return Curve(tuple(each.timestep for each in evaluations), tuple(each.mean_reward for each in evaluations))


def _artifacts(directory: Path, watch: Watch) -> dict[str, str]:
    events = sorted((directory / layout.TENSORBOARD).iterdir())
    paths = CONTRACT.paths
    if not watch.statistics:
        del paths["normalization"]
    return {
        **paths,
        "tensorboard": f"{layout.TENSORBOARD}/{events[-1].name}",  # an attempt that was killed may have left one too
        **{f"checkpoint_{step}": layout.checkpoint(step) for step in watch.checkpoints},
    }


def make_once(job: Job) -> None:
    """Make the job's environment and its untrained model on the CPU, as :func:`train` will, and train nothing."""
    plan = Plan.from_parameters(job.parameters)
    make = EnvironmentFactory(plan.environment)
    probe(make)
    check_spaces(plan)
    # Two copies: a rollout of one sample is refused, and n_steps may be 1.
    envs = DummyVecEnv([make] * min(2, plan.schedule.num_envs))
    build_model(replace(plan, device="cpu"), envs, job.seed or 0)
