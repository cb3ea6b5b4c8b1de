"""The extractors that a config can name, with their default parameters."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from extractor_flow.config import did_you_mean, dotted, problems_of, resolve_defaults, shown
from extractor_flow.errors import ConfigError
from extractor_flow.flows.extractor_comparison.extractors.kinds import KINDS
from extractor_flow.flows.extractor_comparison.extractors.parameters import clashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    from extractor_flow.config import Problem
    from extractor_flow.files import Json


@dataclass(frozen=True)
class Preset:
    """A kind of extractor with the parameters it has unless a config changes them.

    ``cost`` says roughly how many times longer than the fastest it trains on one core; it only orders the queue.
    """

    kind: str
    parameters: Mapping[str, object]
    description: str
    cost: float = 1.0


def _preset(kind: str, description: str, cost: float = 1.0, /, **parameters: object) -> Preset:
    return Preset(kind, MappingProxyType(parameters), description, cost)


_DYNAMICS: Mapping[str, object] = {
    "num_filters": (64, 16, 16, 16),
    "kernel_sizes": (3, 3, 3, 3),
    "dropout_rates": (0.3, 0.3, 0.3, 0.3),
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "dynamics_original": _preset(
            "dynamics", "convolution over the rays, vectors as they are", 4.0, use_ray_conv=True, **_DYNAMICS
        ),
        "dynamics_no_conv": _preset(
            "dynamics", "everything as it is, in one vector; nothing is learned here", use_ray_conv=False, **_DYNAMICS
        ),
        "mlp_small": _preset(
            "perceptron",
            "a small perceptron for the rays, another for the vectors",
            ray_hidden_dims=(64, 32),
            drive_hidden_dims=(16, 8),
            dropout_rate=0.1,
        ),
        "mlp_large": _preset(
            "perceptron",
            "a large perceptron for the rays, another for the vectors",
            1.5,
            ray_hidden_dims=(256, 128, 64),
            drive_hidden_dims=(64, 32, 16),
            dropout_rate=0.15,
        ),
        "attention_small": _preset(
            "attention",
            "self-attention between groups of rays, one narrow layer",
            1.5,
            embed_dim=32,
            num_heads=2,
            num_layers=1,
            dropout_rate=0.1,
            drive_hidden_dims=(32, 16),
            max_tokens=17,
        ),
        "attention_large": _preset(
            "attention",
            "self-attention between groups of rays, three wide layers",
            7.0,
            embed_dim=128,
            num_heads=8,
            num_layers=3,
            dropout_rate=0.1,
            drive_hidden_dims=(32, 16),
            max_tokens=17,
        ),
        "lightweight_cnn": _preset(
            "convolution",
            "two normalised convolutions over the rays, a perceptron for the vectors",
            2.5,
            num_filters=(32, 16),
            kernel_sizes=(5, 3),
            dropout_rate=0.1,
            drive_hidden_dims=(32, 16),
        ),
        "lstm_small": _preset(
            "recurrent",
            "an LSTM that reads groups of rays in turn",
            2.0,
            hidden_size=64,
            num_layers=1,
            bidirectional=False,
            lstm_dropout=0.0,
            drive_hidden_dims=(32, 16),
            max_tokens=17,
        ),
        "lstm_medium": _preset(
            "recurrent",
            "a two-layer LSTM that reads groups of rays in both directions",
            9.0,
            hidden_size=128,
            num_layers=2,
            bidirectional=True,
            lstm_dropout=0.1,
            drive_hidden_dims=(64, 32),
            max_tokens=17,
        ),
        "mamba_lite": _preset(
            "state_space",
            "a selective state-space model that reads groups of rays in turn",
            9.0,
            d_model=64,
            d_state=16,
            d_conv=4,
            expand=2,
            num_layers=1,
            dropout_rate=0.0,
            drive_hidden_dims=(32, 16),
            max_tokens=17,
        ),
    }
)
"""All presets; every one takes ``sequence_key`` and ``vector_keys`` too, which name what is else found by shape."""


def check_parameters(preset: str, parameters: Mapping[str, object]) -> list[Problem]:
    """What is wrong with *parameters* as changes to those of the known *preset*, each problem at its name."""
    given = cast("dict[str, Json]", dict(parameters))
    problems = problems_of(given, KINDS[PRESETS[preset].kind].schema)
    return problems or clashes({**PRESETS[preset].parameters, **parameters})


def unknown_preset(preset: str) -> str:
    """The complaint about an unknown *preset*, with the known ones."""
    return f"is {shown(preset)}; expected one of {', '.join(PRESETS)}{did_you_mean(preset, list(PRESETS))}"


def resolved_parameters(preset: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """The preset's parameters with those of *parameters* in their place; :class:`ConfigError` if they do not fit."""
    if preset not in PRESETS:
        raise ConfigError([f"preset {unknown_preset(preset)}"])
    if problems := check_parameters(preset, parameters):
        raise ConfigError([f"{dotted(each.path)}: {each.message}" for each in problems])
    given = resolve_defaults(cast("dict[str, Json]", dict(parameters)), KINDS[PRESETS[preset].kind].schema)
    return {**PRESETS[preset].parameters, **given}


def extractor_class(
    preset: str, parameters: Mapping[str, object]
) -> tuple[type[BaseFeaturesExtractor], dict[str, object]]:
    """The class of *preset* and all its keyword arguments, with *parameters* in the place of the preset's own.

    They go into ``policy_kwargs`` as ``features_extractor_class`` and ``features_extractor_kwargs``.
    :class:`ConfigError` when there is no such preset or the parameters do not fit it; the class itself raises
    :class:`JobError` for an observation that it cannot read.
    """
    arguments = resolved_parameters(preset, parameters)
    return KINDS[PRESETS[preset].kind].load(), arguments
