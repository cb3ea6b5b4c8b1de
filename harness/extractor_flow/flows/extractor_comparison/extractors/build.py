"""Turns a preset's name into the arguments of a Stable-Baselines3 policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.extractors.kinds import KINDS
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, resolved_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


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
