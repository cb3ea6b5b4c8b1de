"""One entry of a hyperparameter file of rl-baselines3-zoo as the config of a comparison; pure, and runs no code.

Such a file keeps some arguments as Python source, as in ``dict(net_arch=[64], activation_fn=nn.ReLU)``. That is parsed,
never run: calls of ``dict``, literals and names of activations are all that is understood.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from extractor_flow.errors import RequestError
from extractor_flow.flows.extractor_comparison.algorithms.declared import PPO
from extractor_flow.flows.extractor_comparison.algorithms.defaults import rollout_of
from extractor_flow.flows.extractor_comparison.algorithms.settings import defaults_of
from extractor_flow.flows.extractor_comparison.config import schema

_EXTRACTORS = {"MlpPolicy": "FlattenExtractor", "CnnPolicy": "NatureCNN", "MultiInputPolicy": "CombinedExtractor"}
_ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu", "ELU": "elu", "GELU": "gelu", "SiLU": "silu"}
_NORMALIZE = {"norm_obs", "norm_reward", "clip_obs", "clip_reward", "norm_obs_keys"}
_OTHERS = {
    "n_envs", "n_timesteps", "policy", "policy_kwargs", "normalize", "env_wrapper", "frame_stack", "env_kwargs",
}  # fmt: skip
# stable_baselines3's own, where an entry is silent; in a config they would be chosen.
_PPO_N_STEPS, _PPO_BATCH = 2048, 64
_EVALUATIONS = 20
# What settings say in words.
_WORDS = ("lin_", "auto", "normal", "ornstein-uhlenbeck")


def config_of(entry: Mapping[str, Any], env: str, name: str = PPO) -> dict[str, Any]:
    """The config that *entry* of *env*, for the algorithm *name*, amounts to.

    :class:`RequestError` with all that no config can express.
    """
    section: Any = schema()["properties"]
    declared = section["algorithm"]
    known, known_policy = (defaults_of(name, each) for each in (declared, declared["properties"]["policy"]))
    # Where it is left off, nothing is said of how memory is used.
    kept = {key: value for key, value in entry.items() if key != "optimize_memory_usage" or value}
    unknown = sorted(map(str, kept.keys() - {*known, *_OTHERS}))
    if unknown:
        msg = f"{env}: no config can express {', '.join(unknown)} with {name}"
        raise RequestError(msg)
    settings: dict[str, Any] = {key: _setting(key, kept[key]) for key in known if key in kept}
    num_envs, total = int(kept.get("n_envs", 1)), int(float(kept["n_timesteps"]))
    if name == PPO:
        n_steps = int(kept.get("n_steps", _PPO_N_STEPS))
        # A larger batch than there are samples is all of them, there and here.
        batch_size = min(int(kept.get("batch_size", _PPO_BATCH)), n_steps * num_envs)
        settings |= {"n_steps": n_steps, "batch_size": batch_size}
    if "policy_kwargs" in kept:
        settings["policy"] = _policy(kept["policy_kwargs"], set(known_policy))
    rollout = rollout_of({"num_envs": num_envs}, {**known, **settings})
    return {
        "run": {
            "run_id": env.replace("/", "-").replace(":", "-"),
            "num_envs": num_envs,
            "total_timesteps": total,
            "eval_freq": max(rollout, total // _EVALUATIONS),
            "save_freq": None,
            "n_eval_episodes": 5,
        },
        "env": _environment(kept, env),
        "algorithm": {**({} if name == PPO else {"name": name}), **settings},
        "extractors": [{"name": "zoo", "class": f"stable_baselines3.common.torch_layers:{_extractor(kept, env)}"}],
    }


def _setting(key: str, value: object) -> object:
    """*value* as a config has it: numeric text as a number, steps without their unit."""
    if key == "train_freq":
        return _steps(value)
    return value if isinstance(value, str) and value.startswith(_WORDS) else _number(value)


def _steps(value: object) -> object:
    found = _parsed(value, "train_freq")
    match found:
        case [count, "step"]:
            return count
        case int():
            return found
    msg = f"no config can express train_freq {found}; expected a number of steps"
    raise RequestError(msg)


def _extractor(entry: Mapping[str, Any], env: str) -> str:
    policy = entry.get("policy", "MlpPolicy")
    if policy not in _EXTRACTORS:
        msg = f"{env}: policy is {policy!r}; expected one of {', '.join(_EXTRACTORS)}"
        raise RequestError(msg)
    return _EXTRACTORS[policy]


def _environment(entry: Mapping[str, Any], env: str) -> dict[str, Any]:
    wrappers = entry.get("env_wrapper") or []
    wanted = _parsed(entry.get("normalize"), "normalize")
    normalize = dict(wanted) if isinstance(wanted, Mapping) else {}
    normalize.pop("gamma", None)  # the algorithm's, as there
    if extra := sorted(normalize.keys() - _NORMALIZE):
        msg = f"{env}: normalize has {', '.join(extra)}; expected {', '.join(sorted(_NORMALIZE))}"
        raise RequestError(msg)
    found = {
        "id": env,
        "kwargs": dict(_parsed(entry.get("env_kwargs"), "env_kwargs") or {}),
        "wrappers": [_wrapper(each) for each in (wrappers if isinstance(wrappers, list) else [wrappers])],
        "frame_stack": entry.get("frame_stack"),
        "normalize": normalize if wanted else None,
    }
    return {
        name: value for name, value in found.items() if value not in (None, [], {}) or (name == "normalize" and wanted)
    }


def _wrapper(each: object) -> dict[str, Any]:
    """A wrapper by its dotted name, alone or with its arguments."""
    by_name: Any = {each: {}} if isinstance(each, str) else each
    if not isinstance(by_name, dict) or len(by_name) != 1:
        msg = f"env_wrapper has {each!r}; expected a class, or one with its arguments"
        raise RequestError(msg)
    ((name, kwargs),) = by_name.items()
    module, _, kind = str(name).rpartition(".")
    return {"class": f"{module}:{kind}", **({"kwargs": kwargs} if kwargs else {})}


def _policy(text: object, known: set[str]) -> dict[str, Any]:
    written = _parsed(text, "policy_kwargs")
    arguments = dict(written) if isinstance(written, Mapping) else {}
    activation = arguments.pop("activation_fn", None)
    if extra := sorted(arguments.keys() - known):
        msg = f"no config can express policy_kwargs: {', '.join(extra)}"
        raise RequestError(msg)
    net_arch = arguments.get("net_arch")
    if isinstance(net_arch, list) and len(net_arch) == 1 and isinstance(net_arch[0], dict):
        arguments["net_arch"] = net_arch[0]  # as older versions of stable_baselines3 had it
    return {**arguments, **({"activation": activation} if activation else {})}


def _number(value: object) -> object:
    """*value*; YAML takes a number such as 1e-4 for a text."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError as error:
            msg = f"found {value!r}; expected a number, or one after lin_"
            raise RequestError(msg) from error
    return value


def _parsed(value: object, name: str) -> Any:  # noqa: ANN401 - any literal
    """*value*, or what it says as Python source."""
    if not isinstance(value, str):
        return value
    try:
        return _literal(ast.parse(value, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        msg = f"{name} is {value[:80]!r}; expected dict(...) of plain values and activations such as nn.ReLU"
        raise RequestError(msg) from error


def _literal(node: ast.expr) -> Any:  # noqa: ANN401 - any literal
    build: Callable[[ast.expr], Any] = _literal
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {str(each.arg): build(each.value) for each in keywords if each.arg is not None}
        case ast.Attribute(attr=name) if name in _ACTIVATIONS:
            return _ACTIVATIONS[name]
        case ast.List(elts=parts):
            return [build(part) for part in parts]
        case ast.Dict(keys=keys, values=values):
            return {
                ast.literal_eval(key): build(part) for key, part in zip(keys, values, strict=True) if key is not None
            }
    return ast.literal_eval(node)
