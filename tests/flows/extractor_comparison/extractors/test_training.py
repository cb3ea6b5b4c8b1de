"""Every preset is really trained: on a lidar and a vector, on an image and a number, on a plain vector."""

from __future__ import annotations

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger

from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, extractor_class

ROLLOUT = 16
LEARNING = [name for name in PRESETS if name != "dynamics_no_conv"]


def grid_world():
    env = gymnasium.make("minigrid:MiniGrid-Empty-5x5-v0", max_episode_steps=20)
    return gymnasium.wrappers.FilterObservation(env, filter_keys=["image", "direction"])


ENVIRONMENTS = {
    "navigation": (RobotNavEnv, "MultiInputPolicy"),
    "grid": (grid_world, "MultiInputPolicy"),
    "cart": (lambda: gymnasium.make("CartPole-v1"), "MlpPolicy"),
}


def model_for(preset, environment, seed=0):
    make, policy = ENVIRONMENTS[environment]
    extractor, parameters = extractor_class(preset, {})
    model = PPO(
        policy,
        make(),
        n_steps=ROLLOUT,
        batch_size=ROLLOUT,
        n_epochs=2,
        seed=seed,
        device="cpu",
        policy_kwargs={"features_extractor_class": extractor, "features_extractor_kwargs": parameters},
    )
    model.set_logger(Logger(folder=None, output_formats=[]))  # otherwise each training leaves a directory in /tmp
    return model


def weights_of(module):
    return {name: weight.detach().clone() for name, weight in module.named_parameters()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("preset", LEARNING)
def test_training_changes_every_weight_of_the_extractor(preset, environment):
    model = model_for(preset, environment)
    before = weights_of(model.policy.features_extractor)
    model.learn(2 * ROLLOUT)
    after = weights_of(model.policy.features_extractor)

    assert model.num_timesteps == 2 * ROLLOUT
    assert [name for name, weight in after.items() if torch.equal(weight, before[name])] == []
    assert all(bool(torch.isfinite(weight).all()) for weight in after.values())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_preset_without_weights_trains_the_policy_behind_it(environment):
    model = model_for("dynamics_no_conv", environment)
    before = weights_of(model.policy)
    model.learn(2 * ROLLOUT)

    assert weights_of(model.policy.features_extractor) == {}
    assert any(not torch.equal(weight, before[name]) for name, weight in weights_of(model.policy).items())


@pytest.mark.parametrize("preset", ["attention_small", "lstm_small", "mamba_lite", "lightweight_cnn"])
def test_training_twice_under_one_seed_gives_the_same_weights(preset):
    def trained():
        model = model_for(preset, "navigation", seed=3)
        return torch.cat([weight.flatten() for weight in weights_of(model.learn(2 * ROLLOUT).policy).values()])

    assert torch.equal(trained(), trained())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_saved_model_answers_as_before(preset, tmp_path):
    model = model_for(preset, "navigation")
    observation, _ = RobotNavEnv().reset(seed=0)
    expected = model.predict(observation, deterministic=True)[0]
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")

    assert loaded.predict(observation, deterministic=True)[0].tolist() == expected.tolist()
