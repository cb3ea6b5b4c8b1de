"""The kinds of extractors: which class makes one, and what its parameters may be; without importing any of them."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    from extractor_flow.files import Json


@dataclass(frozen=True)
class Kind:
    """A kind of extractor: the class *target*, as ``module:Class`` of this package, and a schema for each parameter."""

    target: str
    parameters: Mapping[str, Json]

    @property
    def schema(self) -> dict[str, Json]:
        """The JSON Schema of all parameters together."""
        return {"type": "object", "additionalProperties": False, "properties": dict(self.parameters)}

    def load(self) -> type[BaseFeaturesExtractor]:
        """The class; imports torch."""
        found: type[BaseFeaturesExtractor] = resolve_name(f"{__package__}.{self.target}")
        return found


def _integer(most: int, least: int = 1) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


def _list_of(items: Json, *, least: int = 1, most: int = 16) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


_FLAG: Json = {"type": "boolean"}
_RATE: Json = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
_KEY: Json = {"type": "string", "minLength": 1}
_WIDTH = _integer(16_384)  # between two layers of this width lie 1 GiB of weights
_WIDTHS = _list_of(_WIDTH)
_OPTIONAL_WIDTHS = _list_of(_WIDTH, least=0)
_KERNELS = _list_of(_integer(255))
_LAYERS = _integer(16)
_TOKENS = _integer(4096)
_BRANCHES: Mapping[str, Json] = {"sequence_key": _KEY, "vector_keys": _list_of(_KEY, least=0, most=256)}

KINDS: Mapping[str, Kind] = {
    "dynamics": Kind(
        "convolution:DynamicsExtractor",
        {
            "use_ray_conv": _FLAG,
            "num_filters": _WIDTHS,
            "kernel_sizes": _KERNELS,
            "dropout_rates": _list_of(_RATE),
            **_BRANCHES,
        },
    ),
    "perceptron": Kind(
        "perceptron:PerceptronExtractor",
        {
            "ray_hidden_dims": _WIDTHS,
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "dropout_rate": _RATE,
            **_BRANCHES,
        },
    ),
    "attention": Kind(
        "attention:AttentionExtractor",
        {
            "embed_dim": _integer(16_384, least=2),
            "num_heads": _integer(256),
            "num_layers": _LAYERS,
            "dropout_rate": _RATE,
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
            "dropout_rate": _RATE,
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            **_BRANCHES,
        },
    ),
    "recurrent": Kind(
        "recurrent:LstmExtractor",
        {
            "hidden_size": _WIDTH,
            "num_layers": _LAYERS,
            "bidirectional": _FLAG,
            "lstm_dropout": _RATE,
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
    "state_space": Kind(
        "state_space:MambaLiteExtractor",
        {
            "d_model": _WIDTH,
            "d_state": _integer(256),
            "d_conv": _integer(64),
            "expand": _integer(16),
            "num_layers": _LAYERS,
            "dropout_rate": _RATE,
            "drive_hidden_dims": _OPTIONAL_WIDTHS,
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
}
