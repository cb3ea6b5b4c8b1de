"""Builds the model that a plan describes, with everything seeded."""

from __future__ import annotations

import inspect
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import ActionNoise, NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import LinearSchedule
from torch import nn

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS
from extractor_flow.flows.extractor_comparison.algorithms.defaults import LINEAR, first_value
from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class
from extractor_flow.flows.extractor_comparison.importing import load
from extractor_flow.flows.extractor_comparison.seeds import training_seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from extractor_flow.flows.extractor_comparison.algorithms.declared import Algorithm
    from extractor_flow.flows.extractor_comparison.plan import ExtractorChoice, Plan

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


_NOISES: dict[str, type[ActionNoise]] = {
    "normal": NormalActionNoise,
    "ornstein-uhlenbeck": OrnsteinUhlenbeckActionNoise,
}
_APART = {"name", "policy", "noise_type", "noise_std"}


def build_model(plan: Plan, envs: VecEnv, seed: int) -> BaseAlgorithm:
    """An untrained model on *envs*; equal plans and seeds give equal weights.

    The seed reaches Python, numpy, torch, the weights, the action noise, the action space and the environments.
    :class:`JobError` where the algorithm cannot act in these environments.
    """
    _check_actions(plan, envs.action_space)
    extractor, parameters = _extractor(plan.extractor, envs.observation_space)
    policy = dict(plan.algorithm["policy"])
    algorithm = _loaded(plan.trainer)
    arguments: dict[str, Any] = {
        **{name: _scheduled(value) for name, value in plan.algorithm.items() if name not in _APART},
        **_noise(plan.algorithm, envs.action_space),
        "policy_kwargs": {
            "features_extractor_class": extractor,
            "features_extractor_kwargs": parameters,
            "activation_fn": _ACTIVATIONS[policy.pop("activation")],
            # Without any, stable_baselines3 gives Adam an epsilon of its own.
            **{name: value for name, value in policy.items() if name != "optimizer_kwargs" or value},
        },
    }
    policy_name = _policy_name(envs.observation_space)
    model = algorithm(policy_name, envs, seed=seed, device=device_of(plan.device), **arguments)
    # The model gave its environments seed, seed + 1, ...: the second one would be the first one of the next seed's run.
    envs.seed(training_seed(seed))
    return model


def _loaded(trainer: Algorithm) -> type[BaseAlgorithm]:
    try:
        found: type[BaseAlgorithm] = resolve_name(trainer.target)
    except ModuleNotFoundError as error:
        package = trainer.package.replace("_", "-")
        msg = f"algorithm.name is {trainer.name}, which comes from {package}: there is no module {error.name!r} here"
        raise JobError(msg) from error
    return found


def _check_actions(plan: Plan, space: spaces.Space[Any]) -> None:
    found, trainer = type(space).__name__, plan.trainer
    if found not in trainer.actions:
        fitting = [name for name, each in ALGORITHMS.items() if found in each.actions]
        advice = f"set algorithm.name to {' or '.join(fitting)}" if fitting else "no algorithm acts there"
        msg = f"{plan.environment.name} has the actions {space}; {trainer.name} acts in {' or '.join(trainer.actions)}"
        raise JobError(f"{msg}: {advice}")
    if trainer.actions == ("Box",) and not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):  # type: ignore[attr-defined]
        msg = f"{plan.environment.name} has the actions {space}; {trainer.name} needs bounds that are finite"
        raise JobError(msg)


def _noise(algorithm: Mapping[str, Any], space: spaces.Space[Any]) -> dict[str, ActionNoise]:
    """The action noise of the training, if one is asked for: zero mean, the same width for every action."""
    kind = algorithm.get("noise_type")
    if kind is None:
        return {}
    shape = space.shape or ()
    return {"action_noise": _NOISES[kind](np.zeros(shape), np.full(shape, algorithm["noise_std"]))}  # type: ignore[call-arg]


def device_of(wish: str) -> str:
    """The device for *wish*; ``auto`` is cuda where that is, else cpu; mps has no float64 and is chosen by name."""
    if wish != "auto":
        return wish
    return "cuda" if torch.cuda.is_available() else "cpu"


def _scheduled(value: Any) -> Any:  # noqa: ANN401 - any argument of an algorithm
    """*value*, or the schedule that it names."""
    falls = isinstance(value, str) and value.startswith(LINEAR)
    return LinearSchedule(first_value(value), 0.0, 1.0) if falls else value


def _policy_name(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if is_image_space(space) else "MlpPolicy"


def _extractor(
    choice: ExtractorChoice, space: spaces.Space[Any]
) -> tuple[type[BaseFeaturesExtractor], Mapping[str, Any]]:
    if choice.preset is not None:
        return extractor_class(choice.preset, choice.parameters)
    target = str(choice.target)
    found = load(target, key="class")
    if not (inspect.isclass(found) and issubclass(found, BaseFeaturesExtractor)):
        msg = f"class is {target!r}, which is no stable_baselines3 BaseFeaturesExtractor"
        raise JobError(msg)
    try:
        inspect.signature(found).bind(space, **choice.parameters)
    except TypeError as error:
        msg = f"parameters do not fit class {target!r}: {error}; it takes {inspect.signature(found)}"
        raise JobError(msg) from error
    return found, choice.parameters
