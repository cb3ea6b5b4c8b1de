"""Every algorithm trains, tells what it did, and verifies; what it cannot do is refused before it begins."""

from __future__ import annotations

import inspect
import io
import shutil
import zipfile
from functools import cache
from pkgutil import resolve_name

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS
from extractor_flow.flows.extractor_comparison.config import schema
from extractor_flow.flows.extractor_comparison.training.acting import actor_of
from extractor_flow.verify import verify
from support.lies.mutated_runs import ONE, TWO
from support.published import COMPARISON, SMALL_WORLD, publish_run

PENDULUM = {"id": "Pendulum-v1", "kwargs": {"max_episode_steps": 12}}
CARTPOLE = {"id": "CartPole-v1", "kwargs": {"max_episode_steps": 12}}
WRAPPER = "gymnasium.wrappers:TimeAwareObservation"
REPLAY = {"learning_starts": 20, "batch_size": 8}
OPTIMIZERS = {"actor.optimizer.pth", "critic.optimizer.pth"}
MLP, SHARED = {"name": "mlp", "preset": "mlp_small"}, {"name": "mlp", "preset": "dynamics_original"}


def study(env, extractor=MLP, seeds=(1,), **algorithm):
    run = {**COMPARISON["run"], "total_timesteps": 90, "seeds": list(seeds)}
    return {**COMPARISON, "run": run, "env": env, "algorithm": algorithm, "extractors": [extractor]}


RAYS = {"kwargs": SMALL_WORLD, "normalize": {"norm_obs_keys": ["rays"]}}
FRAMES = {**PENDULUM, "frame_stack": 3, "wrappers": [{"class": WRAPPER}]}
CRITICS = {"share_features_extractor": True, "net_arch": {"pi": [8], "qf": [8, 4]}}
NOISE = {"noise_type": "normal", "noise_std": 0.1}
WHOLE = {"train_freq": 2, "gradient_steps": -1, "target_update_interval": 16}
STUDIES = {
    "A2C": {
        **study(RAYS, name="A2C", learning_rate="lin_1e-3"),
        "eval_env": {"kwargs": {**SMALL_WORLD, "pedestrians": 2, "max_steps": 30}},
    },
    "DQN": study({**CARTPOLE, "normalize": {}}, name="DQN", **REPLAY, **WHOLE),
    "SAC": study({"kwargs": SMALL_WORLD}, SHARED, (1, 2), name="SAC", **REPLAY, use_sde=True, policy=CRITICS),
    "QRDQN": study(CARTPOLE, name="QRDQN", **REPLAY, policy={"n_quantiles": 4, "net_arch": [8]}),
    "TQC": study(PENDULUM, name="TQC", **REPLAY, train_freq=4, ent_coef="auto_0.1", policy={"net_arch": [8]}),
    "TRPO": study(PENDULUM, SHARED, name="TRPO", n_steps=16, batch_size=16, n_critic_updates=3),
    "TD3": study(FRAMES, name="TD3", **REPLAY, **NOISE, train_freq=3, policy={"net_arch": [8]}),
}


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Gives the run of a study, made in this process by the first test that asks: torch is here already."""
    return cache(lambda name: publish_run(tmp_path_factory.mktemp(name), STUDIES[name]))


@pytest.mark.parametrize("name", STUDIES)
def test_an_honest_run_verifies_and_every_policy_plays_again(published, name):
    pytest.importorskip(ALGORITHMS[name].package)
    verdict = verify(published(name), deep=True, trust=[WRAPPER])

    assert (verdict.violations, {each.check for each in verdict.unchecked}) == ((), {"figures-made-again"})


def test_the_weights_of_another_job_are_caught(published, tampering_with):
    run = tampering_with(published("SAC"))
    for name in ("final_model.zip", "policy.safetensors"):
        shutil.copyfile(run.path / TWO / name, run.path / ONE / name)
    run.digested(ONE)

    assert "ppo-played-again" in {each.check for each in verify(run.path, deep={"ppo-played-again"}).violations}


def test_fewer_updates_than_the_replay_has_are_caught(published, tampering_with):
    run = tampering_with(published("SAC"))
    path, early = run.path / ONE / "final_model.zip", run.path / ONE / "checkpoints/rl_model_32_steps.zip"
    with zipfile.ZipFile(early) as other, zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        members = {name: (other if name in OPTIMIZERS else archive).read(name) for name in names}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    run.digested(ONE)
    with run.lying(ONE) as record:
        record["metrics"]["gradient_updates"] += 1
        record["metrics"]["replay_bytes"] += 1

    found = verify(run.path).violations
    assert {each.path for each in found if each.check == "ppo-optimizer"} >= OPTIMIZERS
    assert {each.path.rpartition(".")[2] for each in found if each.check == "ppo-record"} == {
        "gradient_updates",
        "replay_bytes",
    }


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_settings_are_the_algorithms_own_with_its_own_defaults(name):
    pytest.importorskip(ALGORITHMS[name].package)
    section = schema()["properties"]["algorithm"]["properties"]
    declared = {key: each["x-defaults"][name] for key, each in section.items() if name in each.get("x-defaults", {})}
    taken = {
        key: each.default for key, each in inspect.signature(resolve_name(ALGORITHMS[name].target)).parameters.items()
    }

    # Left open, these are chosen so that nothing is lost; the noise is made of its kind and width.
    others = {"n_steps", "batch_size"} if name in {"PPO", "TRPO"} else {"buffer_size", "noise_type", "noise_std"}
    assert {key: taken.get(key) for key in declared.keys() - others} == {
        key: each for key, each in declared.items() if key not in others
    }
    left = taken.keys() - declared.keys() - set(inspect.signature(BaseAlgorithm).parameters)
    assert left <= {
        "tensorboard_log", "_init_setup_model", "rollout_buffer_class", "rollout_buffer_kwargs", "action_noise",
        "replay_buffer_class", "replay_buffer_kwargs", "optimize_memory_usage", "n_steps",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "env", "message"),
    [
        (
            "SAC",
            CARTPOLE,
            r"CartPole-v1 has the actions Discrete\(2\); SAC acts in Box: set algorithm.name to PPO or A2C",
        ),
        ("DQN", PENDULUM, r"Pendulum-v1 has the actions Box.*; DQN acts in Discrete: set algorithm.name to PPO or A2C"),
        ("TD3", {**PENDULUM, "buffer": 10**9}, r"algorithm.buffer_size is 1000000000: so many transitions take .* MiB"),
    ],
    ids=["no box", "no choice", "no memory"],
)
def test_what_an_algorithm_cannot_do_is_said_before_it_trains(bench, name, env, message):
    size = {"buffer_size": env["buffer"]} if "buffer" in env else {}
    known = {key: value for key, value in env.items() if key != "buffer"}

    with pytest.raises(JobError, match=message):
        bench.train(MLP, env=known, algorithm={"name": name, "learning_starts": 9, **size}, memory_limit_mb=4096)


@pytest.mark.parametrize(
    ("evaluated", "message"),
    [
        (
            {"kwargs": {**SMALL_WORLD, "rays": 8}},
            r"eval_env: extractor_flow/RobotNav-v0 has the observation_space .*8\)",
        ),
        (
            {"id": "Pendulum-v1"},
            r"eval_env: Pendulum-v1 has the observation_space Box.*, and env extractor_flow/RobotNav",
        ),
    ],
    ids=["other rays", "another environment"],
)
def test_an_environment_of_the_evaluations_that_shows_something_else_is_refused(bench, evaluated, message):
    with pytest.raises(JobError, match=message):
        bench.train(MLP, env={"kwargs": SMALL_WORLD}, eval_env=evaluated)


def test_metal_is_not_asked_for_what_it_cannot_compute(bench):
    exact = {"factory": "support.flows.corridor:make_corridor", "kwargs": {"observation": "exact"}}

    with pytest.raises(JobError, match="observations are float64, which mps cannot compute with; give float32"):
        bench.train(MLP, env=exact, device="mps")


def test_another_environment_of_the_evaluations_changes_no_training(bench):
    plain, other = (
        bench.train(MLP, env=PENDULUM, eval_env=evaluated)
        for evaluated in (None, {"kwargs": {"max_episode_steps": 5}, "filter_keys": []})
    )

    assert other.read("policy") == plain.read("policy")
    assert other.product.details["evaluation_environment"] == "Pendulum-v1"
    with np.load(io.BytesIO(other.read("evaluations"))) as arrays:
        assert set(arrays["ep_lengths"].ravel().tolist()) == {5}


@pytest.mark.parametrize("name", ["DQN", "SAC", "TD3"])
def test_the_actor_of_a_replay_does_what_predict_does_bit_for_bit(name):
    seen, acted = spaces.Box(-1, 1, (4,)), spaces.Discrete(3) if name == "DQN" else spaces.Box(0.0, 10.0, (2, 2))
    policy = resolve_name(ALGORITHMS[name].policy)(
        seen, acted, lambda _: 0.0, features_extractor_class=FlattenExtractor
    )
    batch = np.stack([seen.sample() for _ in range(3)])

    assert np.array_equal(actor_of(policy)(batch), policy.predict(batch, deterministic=True)[0])


def test_a_replay_buffer_that_nothing_would_fill_changes_no_bit(bench):
    trained = [
        bench.train(MLP, env=CARTPOLE, algorithm={"name": "DQN", "learning_starts": 9, "buffer_size": size})
        for size in (None, 500)
    ]

    assert trained[0].read("policy") == trained[1].read("policy")
    assert [each.product.metrics["replay_transitions"] for each in trained] == [64, 64]
    with np.load(io.BytesIO(trained[0].read("evaluations"))) as arrays:
        assert arrays["timesteps"].tolist() == [0, 32, 64]
