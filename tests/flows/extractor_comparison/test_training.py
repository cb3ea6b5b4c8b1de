"""What a training leaves behind is what was done, and nothing else."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_weights
from stable_baselines3 import PPO

from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from support.flows.extractor_bench import CORRIDOR, FLAT, ROBOT_NAV
from support.whole import one_of_a_kind

SCHEDULE = {"total_timesteps": 300, "num_envs": 2, "eval_freq": 100, "save_freq": 128}


@pytest.fixture(scope="module")
def done(shared_bench):
    """Trained for 320 steps in five rollouts of 2 x 32, with three evaluation episodes."""
    return shared_bench.train(**SCHEDULE, n_eval_episodes=3, algorithm={"n_steps": 32})


def evaluations(done, role="evaluations"):
    with np.load(io.BytesIO(done.read(role))) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_the_steps_recorded_are_the_steps_done(bench):
    done = bench.train(total_timesteps=300, num_envs=2, eval_freq=512, algorithm={"n_steps": 128})

    assert (done.product.training_steps, done.product.details["requested_steps"]) == (512, 300)


def test_evaluations_take_place_untrained_when_due_and_at_the_end_once(done):
    arrays = evaluations(done)

    assert arrays["timesteps"].tolist() == [0, 128, 256, 320]
    assert {name: (array.shape, array.dtype.name) for name, array in arrays.items()} == {
        "timesteps": ((4,), "int64"),
        "results": ((4, 3), "float64"),
        "ep_lengths": ((4, 3), "int64"),
        "successes": ((4, 3), "bool"),
    }


def test_an_evaluation_that_falls_on_the_end_is_not_repeated(bench):
    done = bench.train(total_timesteps=96, eval_freq=32, algorithm={"n_steps": 32})

    assert evaluations(done)["timesteps"].tolist() == [0, 32, 64, 96]


def test_metrics_say_what_the_evaluations_on_disk_say(done):
    arrays, held_out, metrics = evaluations(done), evaluations(done, "held_out"), done.product.metrics
    means = arrays["results"].mean(axis=1)

    assert held_out["timesteps"].tolist() == [metrics["best_timestep"], 320]
    assert {name: metrics[name] for name in metrics if "reward" in name or "rate" in name or "best" in name} == {
        "held_out_mean_reward": held_out["results"][0].mean(),
        "held_out_std_reward": held_out["results"][0].std(),
        "held_out_success_rate": held_out["successes"][0].mean(),
        "held_out_final_mean_reward": held_out["results"][1].mean(),
        "held_out_final_success_rate": held_out["successes"][1].mean(),
        "untrained_mean_reward": means[0],
        "best_mean_reward": means.max(),
        "best_timestep": arrays["timesteps"][means.argmax()],
        "final_mean_reward": means[-1],
        "final_std_reward": arrays["results"][-1].std(),
        "reward_gain": means[-1] - means[0],
        "untrained_success_rate": arrays["successes"][0].mean(),
        "best_success_rate": arrays["successes"][means.argmax()].mean(),
        "final_success_rate": arrays["successes"][-1].mean(),
    }
    assert done.product.details["curve"] == {
        "timesteps": arrays["timesteps"].tolist(),
        "mean_rewards": means.tolist(),
    }


def test_parameters_are_counted_once_and_the_extractor_apart(done):
    extractor = 2 * 8 + 8
    layers = 2 * (8 * 64 + 64 + 64 * 64 + 64)
    heads = 64 * 2 + 2 + 64 + 1

    assert {name: done.product.metrics[name] for name in done.product.metrics if "param" in name or "feat" in name} == {
        "extractor_parameters": extractor,
        "total_parameters": extractor + layers + heads,
        "trainable_parameters": extractor + layers + heads,
        "features_dim": 8,
    }


def test_checkpoints_are_named_after_the_steps_they_were_saved_at(done):
    names = {name: path for name, path in done.product.artifacts.items() if name.startswith("checkpoint")}

    assert names == {
        "checkpoint_128": "checkpoints/rl_model_128_steps.zip",
        "checkpoint_256": "checkpoints/rl_model_256_steps.zip",
    }
    assert PPO.load(done.path / names["checkpoint_256"]).num_timesteps == 256


def test_without_save_freq_there_are_no_checkpoints(bench):
    done = bench.train(save_freq=None)

    assert [name for name in done.product.artifacts if name.startswith("checkpoint")] == []
    assert not (done.path / "checkpoints").exists()


def test_every_artifact_is_a_file_that_holds_something(done):
    assert {
        name: (done.path / path).stat().st_size > 0 for name, path in done.product.artifacts.items()
    } == dict.fromkeys(
        [
            "best_model",
            "checkpoint_128",
            "checkpoint_256",
            "evaluations",
            "final_model",
            "held_out",
            "metrics",
            "monitor",
            "policy",
            "tensorboard",
        ],
        True,
    )


def test_the_metrics_file_says_what_the_job_returns(done):
    assert json.loads(done.read("metrics")) == {
        "metrics": done.product.metrics,
        "training_steps": done.product.training_steps,
        "details": done.product.details,
    }


def test_the_weights_in_safetensors_are_those_of_the_final_model(done):
    weights = load_weights(done.read("policy"))
    state = PPO.load(done.path / done.product.artifacts["final_model"]).policy.state_dict()

    assert sorted(weights) == sorted(state)
    assert all(torch.equal(weights[name], state[name]) for name in state)


def test_the_training_changed_the_weights(done):
    assert hashlib.sha256(done.read("policy")).hexdigest() != done.product.details["untrained_weights_sha256"]


def test_one_monitor_file_holds_the_training_episodes_of_all_environments(done):
    lines = done.read("monitor").decode().splitlines()
    rows = list(csv.DictReader(lines[1:]))
    lengths = [int(row["l"]) for row in rows]

    # Each of the two environments may have been in the middle of an episode of at most 12 steps at the end.
    assert lines[0].startswith("#{")
    assert 0 <= done.product.training_steps - sum(lengths) < 2 * 12


def test_progress_ends_with_all_steps_done(done):
    told = done.desk.told

    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1] == (320, 320, {"reward": done.product.metrics["final_mean_reward"], "reward_step": 320})


def test_of_equally_good_policies_the_earliest_is_the_best_model(bench):
    # After 64 steps the policy still walks the wrong way, exactly as it did untrained.
    done = bench.train()
    best = PPO.load(done.path / done.product.artifacts["best_model"])

    assert len(set(done.product.details["curve"]["mean_rewards"])) == 1
    assert (done.product.metrics["best_timestep"], best.num_timesteps) == (0, 0)
    assert "convergence_timestep" not in done.product.metrics


def test_an_extractor_learns_what_can_be_learned(bench):
    done = bench.train(total_timesteps=1536, eval_freq=512, algorithm={"n_epochs": 10, "learning_rate": 0.003})

    assert done.product.metrics["untrained_mean_reward"] < 0
    assert done.product.metrics["final_success_rate"] == 1.0
    assert done.product.metrics["reward_gain"] > 9
    assert done.product.metrics["convergence_timestep"] <= 1536


def test_arguments_of_ppo_reach_the_model(bench):
    done = bench.train(
        algorithm={
            "gamma": 0.5,
            "n_steps": 16,
            "batch_size": 8,
            "target_kl": 0.5,
            "policy": {"net_arch": [4], "activation": "relu", "share_features_extractor": False},
        }
    )
    model = PPO.load(done.path / done.product.artifacts["final_model"])

    assert (model.gamma, model.n_steps, model.batch_size, model.target_kl, model.seed) == (0.5, 16, 8, 0.5, 1)
    assert (
        str(model.policy.mlp_extractor.policy_net)
        == "Sequential(\n  (0): Linear(in_features=8, out_features=4, bias=True)\n  (1): ReLU()\n)"
    )
    assert model.policy.vf_features_extractor is not model.policy.pi_features_extractor


def kind_of(preset):
    """A kind of network; of the dynamics, also whether there is one."""
    return PRESETS[preset].kind, PRESETS[preset].parameters.get("use_ray_conv")


@pytest.mark.parametrize("preset", one_of_a_kind(PRESETS, kind_of))
def test_every_preset_trains_in_the_default_environment(bench, preset):
    done = bench.train({"name": preset, "preset": preset}, env=ROBOT_NAV, algorithm={"n_epochs": 1})

    assert (done.product.training_steps, done.product.details["curve"]["timesteps"]) == (64, [0, 32, 64])


@pytest.mark.parametrize(
    ("observation", "filter_keys", "extractor"),
    [
        ("vector", [], {"name": "a", "preset": "mlp_small"}),
        ("image", [], {"name": "a", "preset": "lightweight_cnn"}),
        ("image", [], FLAT),
        ("dict", ["mission"], {"name": "a", "preset": "dynamics_no_conv"}),
    ],
)
def test_vectors_images_and_dicts_can_be_observed(bench, observation, filter_keys, extractor):
    env = {**CORRIDOR, "kwargs": {"observation": observation}, "filter_keys": filter_keys}

    assert bench.train(extractor, env=env).product.training_steps == 64


def test_a_real_environment_of_another_project_trains(bench):
    env = {"id": "minigrid:MiniGrid-Empty-5x5-v0", "kwargs": {"max_steps": 20}, "filter_keys": ["mission"]}
    done = bench.train({"name": "cnn", "preset": "lightweight_cnn"}, env=env)

    assert (done.product.training_steps, done.product.details["environment"]) == (64, "minigrid:MiniGrid-Empty-5x5-v0")
