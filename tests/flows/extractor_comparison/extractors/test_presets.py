"""The presets as data: what they are, what may be changed, and that no torch is needed to ask."""

from __future__ import annotations

import subprocess
import sys

import pytest

from extractor_flow.config import dotted
from extractor_flow.errors import ConfigError
from extractor_flow.flows.extractor_comparison.extractors.kinds import KINDS
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, check_parameters, resolved_parameters


def test_the_names_that_config_files_use_stay():
    assert {name: preset.kind for name, preset in PRESETS.items()}.items() >= {
        "dynamics_original": "dynamics",
        "dynamics_no_conv": "dynamics",
        "mlp_small": "perceptron",
        "mlp_large": "perceptron",
        "attention_small": "attention",
        "attention_large": "attention",
        "lightweight_cnn": "convolution",
        "lstm_small": "recurrent",
        "lstm_medium": "recurrent",
        "mamba_lite": "state_space",
    }.items()


def test_asking_for_presets_imports_neither_torch_nor_gymnasium():
    code = (
        "import sys, extractor_flow.flows.extractor_comparison.extractors.presets;"
        "print(sorted({'torch', 'gymnasium', 'stable_baselines3'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_obeys_its_own_rules(name):
    parameters = PRESETS[name].parameters

    assert check_parameters(name, parameters) == []
    assert parameters.keys() | {"sequence_key", "vector_keys"} == KINDS[PRESETS[name].kind].parameters.keys()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_names_a_class_that_is_there(name):
    pytest.importorskip("torch")

    made = KINDS[name].load()

    assert f"{made.__module__.rpartition('.')[2]}:{made.__name__}" == KINDS[name].target


def test_every_kind_has_a_preset():
    assert KINDS.keys() == {preset.kind for preset in PRESETS.values()}


def test_a_presets_parameters_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        PRESETS["mlp_small"].parameters["dropout_rate"] = 0.5


@pytest.mark.parametrize(
    ("preset", "parameters", "complaints"),
    [
        ("mlp_small", {"ray_hidden_dims": [8], "drive_hidden_dims": [], "dropout_rate": 0}, []),
        (
            "mlp_small",
            {"ray_hidden_dim": [8]},
            ["ray_hidden_dim unknown key 'ray_hidden_dim'; did you mean 'ray_hidden_dims'?"],
        ),
        (
            "mlp_small",
            {"dropout_rate": 1.0, "ray_hidden_dims": [], "drive_hidden_dims": [8, True]},
            [
                "ray_hidden_dims has 0 items; expected at least 1 item",
                "drive_hidden_dims[1] is true (a boolean); expected an integer",
                "dropout_rate is 1.0; expected less than 1",
            ],
        ),
        (
            "attention_small",
            {"num_heads": 3},
            ["num_heads is 3, which does not divide embed_dim 32; expected one of [1, 2, 4, 8, 16, 32]"],
        ),
        (
            "attention_small",
            {"embed_dim": 9, "num_heads": 3},
            ["embed_dim is 9; expected an even number, for positions are encoded in pairs"],
        ),
        (
            "lightweight_cnn",
            {"num_filters": [8, 8, 8]},
            ["kernel_sizes has 2 values and num_filters has 3; expected one for each layer"],
        ),
        (
            "dynamics_original",
            {"num_filters": [8], "kernel_sizes": [3]},
            ["dropout_rates has 4 values and num_filters has 1; expected one for each layer"],
        ),
        (
            "lstm_small",
            {"lstm_dropout": 0.2},
            ["lstm_dropout acts between layers and num_layers is 1; expected a dropout of 0 or more layers"],
        ),
        ("lstm_small", {"lstm_dropout": 0.2, "num_layers": 2}, []),
        ("lstm_small", {"bidirectional": 1}, ["bidirectional is 1 (an integer); expected true or false"]),
        ("mamba_lite", {"d_state": "16"}, ["d_state is '16' (a string); expected an integer; did you mean 16?"]),
        ("mamba_lite", {"sequence_key": 3}, ["sequence_key is 3 (an integer); expected a string"]),
        (
            "mamba_lite",
            {"sequence_key": "rays", "vector_keys": ["rays"]},
            ["sequence_key is 'rays', which is one of vector_keys too; expected it in one of the two"],
        ),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(preset, parameters, complaints):
    problems = check_parameters(preset, parameters)

    assert sorted(f"{dotted(each.path)} {each.message}" for each in problems) == sorted(complaints)


def test_parameters_take_the_place_of_the_presets_own():
    assert resolved_parameters("mlp_small", {"dropout_rate": 0.0, "sequence_key": "rays"}) == {
        "ray_hidden_dims": (64, 32),
        "drive_hidden_dims": (16, 8),
        "dropout_rate": 0.0,
        "sequence_key": "rays",
    }


def test_parameters_that_do_not_fit_are_a_config_error():
    with pytest.raises(ConfigError, match="d_state: is 0; expected at least 1"):
        resolved_parameters("mamba_lite", {"d_state": 0})


def test_a_preset_that_is_none_is_a_config_error():
    with pytest.raises(ConfigError, match=r"preset is 'mlp_smal'; expected one of .*; did you mean 'mlp_small'\?"):
        resolved_parameters("mlp_smal", {})


def test_a_whole_float_becomes_the_integer_that_it_means():
    assert repr(resolved_parameters("mlp_small", {"ray_hidden_dims": [8.0]})["ray_hidden_dims"]) == "[8]"
