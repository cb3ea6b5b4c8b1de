"""From a preset's name to what a Stable-Baselines3 policy takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.extractors.attention import AttentionExtractor
from extractor_flow.flows.extractor_comparison.extractors.convolution import DynamicsExtractor, LightweightCnnExtractor
from extractor_flow.flows.extractor_comparison.extractors.perceptron import PerceptronExtractor
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, resolved_parameters
from extractor_flow.flows.extractor_comparison.extractors.recurrent import LstmExtractor
from extractor_flow.flows.extractor_comparison.extractors.state_space import MambaLiteExtractor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

_CLASSES: Mapping[str, type[BaseFeaturesExtractor]] = {
    "dynamics": DynamicsExtractor,
    "perceptron": PerceptronExtractor,
    "attention": AttentionExtractor,
    "convolution": LightweightCnnExtractor,
    "recurrent": LstmExtractor,
    "state_space": MambaLiteExtractor,
}


def extractor_class(
    preset: str, parameters: Mapping[str, object]
) -> tuple[type[BaseFeaturesExtractor], dict[str, object]]:
    """The class of *preset* and all its keyword arguments, with *parameters* in the place of the preset's own.

    They go into ``policy_kwargs`` as ``features_extractor_class`` and ``features_extractor_kwargs``.
    :class:`ConfigError` when there is no such preset or the parameters do not fit it; the class itself raises
    :class:`JobError` for an observation that it cannot read.
    """
    arguments = resolved_parameters(preset, parameters)
    return _CLASSES[PRESETS[preset].kind], arguments
