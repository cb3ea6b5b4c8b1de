"""The extractors as torch modules: sizes, gradients, chance, and observations of all shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.utils import obs_as_tensor

from extractor_flow.errors import ConfigError, JobError
from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv
from extractor_flow.flows.extractor_comparison.extractors.base import Tokens
from extractor_flow.flows.extractor_comparison.extractors.observation import Part
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, extractor_class

NAVIGATION = RobotNavEnv().observation_space
LEARNING = [name for name in PRESETS if name != "dynamics_no_conv"]

SPACES = {
    "navigation": NAVIGATION,
    "vector": spaces.Box(-1.0, 1.0, (4,), np.float32),
    "one number": spaces.Box(-1.0, 1.0, (1,), np.float32),
    "long vector": spaces.Box(-1.0, 1.0, (101,), np.float32),
    "small image": spaces.Box(0, 255, (3, 7, 7), np.uint8),
    "one pixel": spaces.Box(0, 255, (1, 1, 1), np.uint8),
    "flat image": spaces.Box(0, 255, (4, 84, 10), np.uint8),
    "image, channels last": spaces.Box(0.0, 1.0, (9, 30, 3), np.float32),
    "discrete": spaces.Discrete(5),
    "everything": spaces.Dict(
        {
            "binary": spaces.MultiBinary(3),
            "discrete": spaces.Discrete(4),
            "image": spaces.Box(0, 255, (3, 11, 6), np.uint8),
            "multi": spaces.MultiDiscrete([2, 3]),
            "rays": spaces.Box(0.0, 1.0, (50, 2), np.float32),
            "state": spaces.Box(-1.0, 1.0, (2, 2), np.float32),
        }
    ),
}


def build(preset, space=NAVIGATION, parameters=None, seed=0):
    torch.manual_seed(seed)
    extractor, arguments = extractor_class(preset, parameters or {})
    return extractor(space, **arguments)


def observed(space, batch=2, seed=0):
    """A batch of observations, preprocessed as a policy does it."""
    space.seed(seed)
    samples = [space.sample() for _ in range(batch)]
    if isinstance(space, spaces.Dict):
        stacked = {key: np.stack([sample[key] for sample in samples]) for key in space}
    else:
        stacked = np.stack(samples)
    return preprocess_obs(obs_as_tensor(stacked, torch.device("cpu")), space)


SIZES = {
    "dynamics_original": (5_296, 287),
    "dynamics_no_conv": (0, 831),
    "mlp_small": (54_760, 40),
    "mlp_large": (253_936, 80),
    "attention_small": (6_960, 48),
    "attention_large": (206_480, 144),
    "lightweight_cnn": (3_200, 1_104),
    "lstm_small": (30_224, 80),
    "lstm_medium": (580_640, 288),
    "mamba_lite": (37_072, 80),
}
"""The parameters and the features of each preset; a new one belongs here."""
DROPOUT = ("dropout_rate", "dropout_rates", "lstm_dropout")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_its_known_size_on_the_navigation_task(preset):
    extractor = build(preset)

    assert (sum(weight.numel() for weight in extractor.parameters()), extractor.features_dim) == SIZES.get(preset)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", SPACES)
def test_any_observation_becomes_as_many_features_as_promised(preset, name):
    extractor = build(preset, SPACES[name])
    features = extractor(observed(SPACES[name]))

    assert features.shape == (2, extractor.features_dim)
    assert bool(torch.isfinite(features).all())


@pytest.mark.parametrize("preset", LEARNING)
def test_the_gradient_reaches_every_parameter(preset):
    extractor = build(preset)
    weights = torch.randn(extractor.features_dim)
    (extractor(observed(NAVIGATION, batch=8)) @ weights).sum().backward()

    silent = [name for name, weight in extractor.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_of_the_observation_has_an_influence(preset):
    extractor = build(preset).eval()
    observation = {key: value.requires_grad_() for key, value in observed(NAVIGATION, batch=64).items()}
    weights = torch.randn(extractor.features_dim)
    (extractor(observation) @ weights).sum().backward()

    assert {key: bool(value.grad.abs().sum(dim=0).all()) for key, value in observation.items()} == {
        "drive_state": True,
        "rays": True,
    }


@pytest.mark.parametrize("preset", LEARNING)
def test_equal_seeds_give_equal_weights_and_others_do_not(preset):
    def weights(seed):
        return torch.cat([weight.flatten() for weight in build(preset, seed=seed).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_left_to_chance_outside_of_training(preset):
    extractor = build(preset).eval()
    observation = observed(NAVIGATION)

    assert torch.equal(extractor(observation), extractor(observation))


@pytest.mark.parametrize("preset", PRESETS)
def test_chance_in_training_obeys_the_seed(preset):
    extractor = build(preset).train()
    observation = observed(NAVIGATION)

    def features():
        torch.manual_seed(7)
        return extractor(observation)

    assert torch.equal(features(), features())


def test_dropout_acts_in_training_where_a_preset_has_it():
    observation = observed(NAVIGATION)

    def features(extractor, seed):
        torch.manual_seed(seed)
        return extractor(observation)

    built = {preset: build(preset).train() for preset in PRESETS}
    steady = {preset for preset, each in built.items() if torch.equal(features(each, 1), features(each, 2))}

    without = {name for name in PRESETS if not any(PRESETS[name].parameters.get(key) for key in DROPOUT)}
    assert steady == without | {"dynamics_no_conv"}  # in which nothing is learned


@pytest.mark.parametrize("preset", PRESETS)
def test_the_order_of_the_rays_makes_a_difference(preset):
    extractor = build(preset).eval()
    observation = observed(NAVIGATION)
    turned = {**observation, "rays": observation["rays"].roll(16, dims=2)}

    assert not torch.allclose(extractor(turned), extractor(observation), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("navigation", [(5,), (3,)]),
        ("vector", [(4,), (2,)]),
        ("small image", [(5, 5), (3, 3)]),
        ("flat image", [(5, 5), (3, 3)]),
        ("one pixel", [(1, 1), (1, 1)]),
    ],
)
def test_kernels_shrink_to_what_they_read(name, kernels):
    modules = build("lightweight_cnn", SPACES[name]).modules()

    assert [module.kernel_size for module in modules if hasattr(module, "kernel_size")] == kernels


@pytest.mark.parametrize("preset", PRESETS)
def test_an_observations_features_do_not_depend_on_its_batch(preset):
    extractor = build(preset).eval()
    observation = observed(NAVIGATION, batch=5)
    alone = extractor({key: value[:1] for key, value in observation.items()})

    torch.testing.assert_close(extractor(observation)[:1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_place_of_the_channels_makes_no_difference(preset):
    last, first = SPACES["image, channels last"], spaces.Box(0.0, 1.0, (3, 9, 30), np.float32)
    image = observed(last)

    torch.testing.assert_close(
        build(preset, last).eval()(image), build(preset, first).eval()(image.permute(0, 3, 1, 2))
    )


@pytest.mark.parametrize(
    ("preset", "parameters", "features"),
    [
        ("dynamics_original", {"num_filters": [4], "kernel_sizes": [7], "dropout_rates": [0.0]}, 4 * 136 + 15),
        ("dynamics_original", {"use_ray_conv": False}, 831),
        ("mlp_small", {"ray_hidden_dims": [7], "drive_hidden_dims": []}, 7 + 15),
        ("attention_small", {"embed_dim": 8, "num_heads": 4, "num_layers": 2, "max_tokens": 5}, 8 + 16),
        ("lightweight_cnn", {"num_filters": [2], "kernel_sizes": [4], "drive_hidden_dims": [3]}, 2 * 136 + 3),
        ("lstm_small", {"hidden_size": 5, "bidirectional": True, "num_layers": 2, "lstm_dropout": 0.5}, 10 + 16),
        ("mamba_lite", {"d_model": 12, "d_state": 3, "d_conv": 2, "expand": 3, "num_layers": 2}, 12 + 16),
        ("mlp_small", {"sequence_key": "drive_state"}, 40),
        ("mlp_small", {"vector_keys": ["rays", "drive_state"]}, 8),
    ],
)
def test_parameters_change_what_is_built(preset, parameters, features):
    extractor = build(preset, parameters=parameters)

    assert extractor(observed(NAVIGATION)).shape == (2, features)


def test_a_name_that_the_observation_lacks_is_an_error_of_the_job():
    with pytest.raises(JobError, match="sequence_key names 'lidar'"):
        build("mlp_small", parameters={"sequence_key": "lidar"})


def test_parameters_that_do_not_fit_are_an_error_of_the_config():
    with pytest.raises(ConfigError, match="num_heads: is 5"):
        build("attention_small", parameters={"num_heads": 5})


@pytest.mark.parametrize(
    ("part", "most", "count", "width"),
    [
        (Part("rays", 3, (272,)), 17, 17, 48),
        (Part("rays", 1, (10,)), 4, 4, 3),
        (Part("rays", 1, (4,)), 17, 4, 1),
        (Part("image", 3, (7, 7)), 17, 16, 12),
        (Part("image", 3, (7, 7)), 49, 49, 3),
        (Part("image", 1, (4, 100)), 17, 17, 24),
        (Part("image", 1, (100, 4)), 1, 1, 400),
    ],
)
def test_a_part_is_cut_into_no_more_tokens_than_asked_for(part, most, count, width):
    tokens = Tokens(part, most)

    assert (tokens.count, tokens.width) == (count, width)
    assert tokens(torch.zeros(2, part.channels, *part.size)).shape == (2, count, width)


def test_neighbours_share_a_token_and_missing_values_are_zero():
    tokens = Tokens(Part("rays", 2, (5,)), 3)(torch.arange(1.0, 11.0).reshape(1, 2, 5))

    assert tokens.tolist() == [[[1, 2, 6, 7], [3, 4, 8, 9], [5, 0, 10, 0]]]


def test_patches_of_an_image_stand_row_by_row():
    tokens = Tokens(Part("image", 1, (3, 4)), 4)(torch.arange(1.0, 13.0).reshape(1, 1, 3, 4))

    assert tokens.tolist() == [[[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 0, 0], [11, 12, 0, 0]]]
