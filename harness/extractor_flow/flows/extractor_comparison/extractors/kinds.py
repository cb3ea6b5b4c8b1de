"""The kinds of extractors: which class makes one, and what its parameters may be; without importing any of them."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.extractors.parameters import Flag, Integer, ListOf, Name, Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    from extractor_flow.flows.extractor_comparison.extractors.parameters import Rule


@dataclass(frozen=True)
class Kind:
    """A kind of extractor: the class *target*, as ``module:Class`` of this package, and a rule for each parameter."""

    target: str
    rules: Mapping[str, Rule]

    def load(self) -> type[BaseFeaturesExtractor]:
        """The class; imports torch."""
        found: type[BaseFeaturesExtractor] = resolve_name(f"{__package__}.{self.target}")
        return found


_WIDTHS = ListOf(Integer())
_OPTIONAL_WIDTHS = ListOf(Integer(), shortest=0)
_KERNELS = ListOf(Integer(most=255))
_LAYERS = Integer(most=16)
_TOKENS = Integer(most=4096)
_BRANCHES: Mapping[str, Rule] = {"sequence_key": Name(), "vector_keys": ListOf(Name(), shortest=0, longest=256)}

KINDS: Mapping[str, Kind] = {
    "dynamics": Kind(
        "convolution:DynamicsExtractor",
        {
            "use_ray_conv": Flag(),
            "num_filters": _WIDTHS,
            "kernel_sizes": _KERNELS,
            "dropout_rates": ListOf(Rate()),
            **_BRANCHES,
        },
    ),
    "perceptron": Kind(
        "perceptron:PerceptronExtractor",
        {
            "ray_hidden_dims": _WIDTHS,
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "dropout_rate": Rate(),
            **_BRANCHES,
        },
    ),
    "attention": Kind(
        "attention:AttentionExtractor",
        {
            "embed_dim": Integer(least=2),
            "num_heads": Integer(most=256),
            "num_layers": _LAYERS,
            "dropout_rate": Rate(),
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
    "convolution": Kind(
        "convolution:LightweightCnnExtractor",
        {
            "num_filters": _WIDTHS,
            "kernel_sizes": _KERNELS,
            "dropout_rate": Rate(),
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            **_BRANCHES,
        },
    ),
    "recurrent": Kind(
        "recurrent:LstmExtractor",
        {
            "hidden_size": Integer(),
            "num_layers": _LAYERS,
            "bidirectional": Flag(),
            "lstm_dropout": Rate(),
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
    "state_space": Kind(
        "state_space:MambaLiteExtractor",
        {
            "d_model": Integer(),
            "d_state": Integer(most=256),
            "d_conv": Integer(most=64),
            "expand": Integer(most=16),
            "num_layers": _LAYERS,
            "dropout_rate": Rate(),
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
}
