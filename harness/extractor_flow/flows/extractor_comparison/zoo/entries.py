"""One entry of a hyperparameter file of rl-baselines3-zoo as the config of a comparison; pure, and runs no code.

Such a file keeps some arguments as Python source, as in ``dict(net_arch=[64], activation_fn=nn.ReLU)``. That is parsed,
never run: calls of ``dict``, literals and names of activations are all that is understood.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from extractor_flow.errors import RequestError

_EXTRACTORS = {"MlpPolicy": "FlattenExtractor", "CnnPolicy": "NatureCNN", "MultiInputPolicy": "CombinedExtractor"}
_ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu", "ELU": "elu", "GELU": "gelu", "SiLU": "silu"}
_SAME = (
    "n_epochs",
    "gamma",
    "gae_lambda",
    "clip_range",
    "clip_range_vf",
    "normalize_advantage",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "use_sde",
    "sde_sample_freq",
    "target_kl",
    "learning_rate",
)
_POLICY = {"net_arch", "ortho_init", "log_std_init", "share_features_extractor", "optimizer_kwargs"}
_NORMALIZE = {"norm_obs", "norm_reward", "clip_obs", "clip_reward", "norm_obs_keys"}
_OTHERS = {
    "n_envs", "n_timesteps", "policy", "n_steps", "batch_size", "policy_kwargs", "normalize", "env_wrapper",
    "frame_stack", "env_kwargs",
}  # fmt: skip
# stable_baselines3's own, where an entry is silent.
_N_STEPS, _BATCH = 2048, 64
_EVALUATIONS = 20
_ABSENT = object()


def config_of(entry: Mapping[str, Any], env: str) -> dict[str, Any]:
    """The config that *entry* of *env* amounts to; :class:`RequestError` with all that no config can express."""
    unknown = sorted(entry.keys() - {*_SAME, *_OTHERS})
    if unknown:
        msg = f"{env}: no config can express {', '.join(map(str, unknown))}"
        raise RequestError(msg)
    num_envs, steps = int(entry.get("n_envs", 1)), int(entry.get("n_steps", _N_STEPS))
    total, rollout = int(float(entry["n_timesteps"])), num_envs * steps
    return {
        "run": {
            "run_id": env.replace("/", "-").replace(":", "-"),
            "num_envs": num_envs,
            "total_timesteps": total,
            "eval_freq": max(rollout, total // _EVALUATIONS),
            "save_freq": None,
            "n_eval_episodes": 5,
        },
        "env": _environment(entry, env),
        "algorithm": {
            "n_steps": steps,
            # A larger batch than there are samples is all of them, there and here.
            "batch_size": min(int(entry.get("batch_size", _BATCH)), rollout),
            **{name: _number(entry[name]) for name in _SAME if name in entry},
            **({"policy": _policy(entry["policy_kwargs"])} if "policy_kwargs" in entry else {}),
        },
        "extractors": [{"name": "zoo", "class": f"stable_baselines3.common.torch_layers:{_extractor(entry, env)}"}],
    }


def _extractor(entry: Mapping[str, Any], env: str) -> str:
    policy = entry.get("policy", "MlpPolicy")
    if policy not in _EXTRACTORS:
        msg = f"{env}: policy is {policy!r}; expected one of {', '.join(_EXTRACTORS)}"
        raise RequestError(msg)
    return _EXTRACTORS[policy]


def _environment(entry: Mapping[str, Any], env: str) -> dict[str, Any]:
    wrappers = entry.get("env_wrapper") or []
    asked = _parsed(entry.get("normalize"), "normalize")
    normalize = dict(asked) if isinstance(asked, Mapping) else {}
    normalize.pop("gamma", None)  # the algorithm's, as there
    if extra := sorted(normalize.keys() - _NORMALIZE):
        msg = f"{env}: normalize has {', '.join(extra)}; expected {', '.join(sorted(_NORMALIZE))}"
        raise RequestError(msg)
    found = {
        "id": env,
        "kwargs": dict(_parsed(entry.get("env_kwargs"), "env_kwargs") or {}),
        "wrappers": [_wrapper(each) for each in (wrappers if isinstance(wrappers, list) else [wrappers])],
        "frame_stack": entry.get("frame_stack"),
        "normalize": normalize if asked else None,
    }
    return {
        name: value for name, value in found.items() if value not in (None, [], {}) or (name == "normalize" and asked)
    }


def _wrapper(each: object) -> dict[str, Any]:
    """A wrapper by its dotted name, alone or with its arguments."""
    told: Any = {each: {}} if isinstance(each, str) else each
    if not isinstance(told, dict) or len(told) != 1:
        msg = f"env_wrapper has {each!r}; expected a class, or one with its arguments"
        raise RequestError(msg)
    ((name, kwargs),) = told.items()
    module, _, kind = str(name).rpartition(".")
    return {"class": f"{module}:{kind}", **({"kwargs": kwargs} if kwargs else {})}


def _policy(text: object) -> dict[str, Any]:
    told = _parsed(text, "policy_kwargs")
    arguments = dict(told) if isinstance(told, Mapping) else {}
    activation = arguments.pop("activation_fn", None)
    if extra := sorted(arguments.keys() - _POLICY):
        msg = f"no config can express policy_kwargs: {', '.join(extra)}"
        raise RequestError(msg)
    net_arch = arguments.get("net_arch")
    if isinstance(net_arch, list) and len(net_arch) == 1 and isinstance(net_arch[0], dict):
        arguments["net_arch"] = net_arch[0]  # as older versions of stable_baselines3 had it
    return {**arguments, **({"activation": activation} if activation else {})}


def _number(value: object) -> object:
    """*value*; YAML takes a number such as 1e-4 for a text."""
    if isinstance(value, str) and not value.startswith("lin_"):
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
