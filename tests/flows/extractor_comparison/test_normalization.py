"""Running normalisation: training moves it, an evaluation sees it frozen and its rewards as they are, lies show."""

from __future__ import annotations

import io

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory, StackedFrames
from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice, Plan
from extractor_flow.verify import verify
from support.lies.about_policies import PLAYED
from support.lies.mutated_runs import ONE
from support.published import COMPARISON

FLAT = {"name": "flat", "preset": "dynamics_no_conv"}
PENDULUM = {"id": "Pendulum-v1", "kwargs": {"max_episode_steps": 12}}
STUDY = {**COMPARISON, "env": {**PENDULUM, "normalize": {}}, "extractors": [{**FLAT, "name": "mlp"}]}
FILE = f"{ONE}/normalization.npz"


def arrays_of(content):
    with np.load(io.BytesIO(content)) as stored:
        return {name: stored[name] for name in stored}


@pytest.fixture(scope="module")
def done(shared_bench):
    return shared_bench.train(FLAT, env={**PENDULUM, "normalize": {"clip_obs": 5.0}}, num_envs=2, eval_freq=32)


def test_the_statistics_of_every_evaluation_are_kept_over_the_training_steps_alone(done):
    arrays = arrays_of(done.read("normalization"))

    # Two more observations are those of the reset; those of the evaluations do not count.
    assert arrays["timesteps"].tolist() == [0, 32, 64]
    assert arrays["observation.count"] == pytest.approx([2.0001, 34.0001, 66.0001])
    assert arrays["observation.mean"].shape == (3, 3)


def test_a_saved_model_scores_again_with_the_statistics_of_its_step_as_stable_baselines_applies_them(done):
    statistics, evaluations = arrays_of(done.read("normalization")), arrays_of(done.read("evaluations"))
    plan = Plan.from_parameters(done.job.parameters)
    envs = VecNormalize(DummyVecEnv([EnvironmentFactory(plan.environment)]), training=False, clip_obs=5.0)
    envs.obs_rms.mean, envs.obs_rms.var = statistics["observation.mean"][-1], statistics["observation.var"][-1]
    model = PPO.load(done.path / done.product.artifacts["final_model"])
    env, total, ended = envs.venv.envs[0], 0.0, False

    observation, _ = env.reset(seed=done.product.details["seeds"]["evaluation"][0])
    while not ended:
        action, _ = model.predict(envs.normalize_obs(observation), deterministic=True)
        observation, reward, terminated, truncated, _ = env.step(action)
        total, ended = total + reward, terminated or truncated

    assert total == pytest.approx(evaluations["results"][-1, 0])


def test_normalised_rewards_are_the_trainings_alone(bench):
    plain = bench.train(FLAT, env=PENDULUM)
    normalised = bench.train(FLAT, env={**PENDULUM, "normalize": {"norm_obs": False}})

    assert normalised.product.metrics["untrained_mean_reward"] == plain.product.metrics["untrained_mean_reward"]
    assert normalised.read("policy") != plain.read("policy")


def test_a_normalised_training_comes_out_the_same_again_bit_for_bit(done, bench):
    again = bench.train(FLAT, env={**PENDULUM, "normalize": {"clip_obs": 5.0}}, num_envs=2, eval_freq=32)

    kept = CONTRACT.reproducible(done.product.artifacts)
    assert "normalization" in kept
    assert {name: again.read(name) for name in kept} == {name: done.read(name) for name in kept}
    assert again.product.metrics == done.product.metrics


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "observation.mean": arrays["observation.mean"] + 0.1},
        lambda arrays: {name: each[1:] for name, each in arrays.items()},
        lambda arrays: {**arrays, "observation.var": -arrays["observation.var"]},
    ],
    ids=["other means", "a step left out", "negative variances"],
)
def test_statistics_of_another_training_are_caught(shared_run, tampering_with, change):
    run = tampering_with(shared_run(STUDY, drawn=False))
    buffer = io.BytesIO()
    np.savez(buffer, **change(arrays_of((run.path / FILE).read_bytes())))
    (run.path / FILE).write_bytes(buffer.getvalue())
    run.digested(ONE)

    assert {each.check for each in verify(run.path, deep=PLAYED).violations} == {"ppo-played-again"}
    assert verify(run.path).violations == ()


def test_stacked_frames_begin_with_zeros_and_end_with_the_latest():
    env = StackedFrames(EnvironmentFactory(EnvironmentChoice("Pendulum-v1", None, {}, ()))(), 3)

    first, _ = env.reset(seed=1)
    second, *_ = env.step(env.action_space.sample())

    assert first[:6].tolist() == [0.0] * 6
    assert second[3:6].tolist() == first[6:].tolist()
    assert second in env.observation_space
