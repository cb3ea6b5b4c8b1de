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


def _integer(meaning: str, most: int, least: int = 1) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most, "description": meaning}


def _list_of(meaning: str, items: Json, *, least: int = 1, most: int = 16) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most, "description": meaning}


def _flag(meaning: str) -> Json:
    return {"type": "boolean", "description": meaning}


def _rate(meaning: str) -> Json:
    return {**_RATE, "description": meaning}


_RATE: dict[str, Json] = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
_KEY: dict[str, Json] = {"type": "string", "minLength": 1}
_MOST_WIDE = 16_384  # between two layers of this width lie 1 GiB of weights
_WIDTH: Json = {"type": "integer", "minimum": 1, "maximum": _MOST_WIDE}
_LAYERS = _integer("Layers, one after the other.", 16)
_TOKENS = _integer("Neighbouring readings or pixels are grouped into at most so many tokens.", 4096)
_FILTERS = _list_of("Channels of each convolution.", _WIDTH)
_KERNELS = _list_of(
    "Width of each convolution's kernel, one for each layer.", {"type": "integer", "minimum": 1, "maximum": 255}
)
_NAMED: Mapping[str, Json] = {
    "sequence_key": {**_KEY, "description": "The observation's key that is read as the sequence."},
    "vector_keys": _list_of("The observation's keys that are read as plain vectors.", _KEY, least=0, most=256),
}
_BRANCHES: Mapping[str, Json] = {
    "drive_hidden_dims": _list_of(
        "Widths of the perceptron for the vectors; with none, they stay as they are.", _WIDTH, least=0
    ),
    **_NAMED,
}

KINDS: Mapping[str, Kind] = {
    "dynamics": Kind(
        "convolution:DynamicsExtractor",
        {
            "use_ray_conv": _flag("Whether there are convolutions at all; without, everything stays as it is."),
            "num_filters": _FILTERS,
            "kernel_sizes": _KERNELS,
            "dropout_rates": _list_of("Dropout after each convolution, one for each layer.", _RATE),
            **_NAMED,
        },
    ),
    "perceptron": Kind(
        "perceptron:PerceptronExtractor",
        {
            "ray_hidden_dims": _list_of("Widths of the perceptron for the sequence or image.", _WIDTH),
            "dropout_rate": _rate("Dropout after each layer of both perceptrons."),
            **_BRANCHES,
        },
    ),
    "attention": Kind(
        "attention:AttentionExtractor",
        {
            "embed_dim": _integer("Width of a token; even, and a multiple of num_heads.", _MOST_WIDE, least=2),
            "num_heads": _integer("Heads of each layer's attention.", 256),
            "num_layers": _LAYERS,
            "dropout_rate": _rate("Dropout of the attention's weights."),
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
    "convolution": Kind(
        "convolution:LightweightCnnExtractor",
        {
            "num_filters": _FILTERS,
            "kernel_sizes": _KERNELS,
            "dropout_rate": _rate("Dropout after each layer, those for the vectors too."),
            **_BRANCHES,
        },
    ),
    "recurrent": Kind(
        "recurrent:LstmExtractor",
        {
            "hidden_size": _integer("Width of the LSTM's state, in each direction.", _MOST_WIDE),
            "num_layers": _LAYERS,
            "bidirectional": _flag("Whether the tokens are read from both ends."),
            "lstm_dropout": _rate("Dropout between layers, of which there must be two then."),
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
    "state_space": Kind(
        "state_space:MambaLiteExtractor",
        {
            "d_model": _integer("Width of a token.", _MOST_WIDE),
            "d_state": _integer("Numbers that each channel remembers.", 256),
            "d_conv": _integer("Tokens that the convolution before the recurrence sees.", 64),
            "expand": _integer("How many times wider a block is inside.", 16),
            "num_layers": _LAYERS,
            "dropout_rate": _rate("Dropout after each block."),
            "max_tokens": _TOKENS,
            **_BRANCHES,
        },
    ),
}
