"""What one would write without this package: the trainings of a config, one after the other, in one process.

The same environments, extractors, PPO arguments, steps, checkpoints and TensorBoard logs, and the evaluation that
Stable-Baselines3 documents: ``EvalCallback`` on one environment, as often as this package evaluates a new policy, one
evaluation before the training and one after it; then the best and the final policy play the held-out episodes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from torch import nn, set_num_threads

from extractor_flow.config import read_config
from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.study.jobs import Job


def train(job: Job, directory: Path) -> None:
    """Train one extractor as a plain script does."""
    plan = Plan.from_parameters(job.parameters)
    schedule, algorithm = plan.schedule, dict(plan.algorithm)
    policy = dict(algorithm.pop("policy"))
    make = EnvironmentFactory(plan.environment)
    envs = make_vec_env(make, n_envs=schedule.num_envs, seed=job.seed, monitor_dir=str(directory / "monitor"))
    extractor, arguments = extractor_class(str(plan.extractor.preset), plan.extractor.parameters)
    model = PPO(
        "MultiInputPolicy",
        envs,
        **algorithm,
        policy_kwargs={
            "features_extractor_class": extractor,
            "features_extractor_kwargs": arguments,
            "activation_fn": {"tanh": nn.Tanh, "relu": nn.ReLU}[policy.pop("activation")],
            **policy,
        },
        seed=job.seed,
        device=plan.device,
        tensorboard_log=str(directory / "tensorboard"),
    )
    evaluation = Monitor(make())
    evaluation.reset(seed=1000)
    every = max(schedule.eval_freq, plan.rollout)
    callbacks = [
        EvalCallback(
            evaluation,
            n_eval_episodes=schedule.n_eval_episodes,
            eval_freq=every // schedule.num_envs,
            best_model_save_path=str(directory / "best_model"),
            log_path=str(directory / "eval_logs"),
            verbose=0,
        )
    ]
    if schedule.save_freq is not None:
        callbacks.append(CheckpointCallback(schedule.save_freq // schedule.num_envs, str(directory / "checkpoints")))
    evaluate_policy(model, evaluation, n_eval_episodes=schedule.n_eval_episodes)
    model.learn(schedule.total_timesteps, callback=callbacks)
    if plan.steps_to_do % every:
        evaluate_policy(model, evaluation, n_eval_episodes=schedule.n_eval_episodes)
    model.save(directory / "final_model")
    best = directory / "best_model" / "best_model.zip"  # missing where no evaluation fell within the training
    for policy in (model, PPO.load(best, device=plan.device) if best.exists() else model):
        evaluate_policy(policy, evaluation, n_eval_episodes=schedule.final_eval_episodes)


def main() -> None:
    """Train everything: ``python bare_sb3.py CONFIG DIRECTORY``."""
    set_num_threads(1)
    study = flow.study(read_config(Path(sys.argv[1])), {})
    for job in study.jobs:
        train(job, Path(sys.argv[2]) / job.name)


if __name__ == "__main__":
    main()
