"""The settings of an algorithm: which ones it has, their defaults, and what is wrong with those of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.config import Problem, shown
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS, PPO
from extractor_flow.flows.extractor_comparison.algorithms.defaults import rollout_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEFAULTS = "x-defaults"
_PATH = ("algorithm",)
_SECTIONS = ((), ("policy",))


def with_defaults(section: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """*section*, a config's ``algorithm``, with the defaults of the algorithm that it names, also in place of a null.

    PPO goes without its name: its runs have the settings, and the job keys, of before there were other algorithms.
    """
    name = section.get("name", PPO)
    filled = _filled(section, defaults_of(name, schema))
    filled["policy"] = _filled(section.get("policy") or {}, defaults_of(name, schema["properties"]["policy"]))
    if name == PPO:
        filled.pop("name", None)
    return filled


def _filled(section: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {**defaults, **{key: value for key, value in section.items() if value is not None or key not in defaults}}


def check_algorithm(run: Mapping[str, Any], section: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """What does not fit in *section*, with its defaults; ``None`` stands where the schema found a mistake."""
    name = section.get("name", PPO)
    if name not in ALGORITHMS:
        return
    for inside in _SECTIONS:
        part, declared = section, schema
        for key in inside:
            part, declared = part.get(key) or {}, declared["properties"][key]
        for key, value in part.items():
            yield from _setting(name, (*_PATH, *inside, key), value, declared["properties"].get(key, {}))
    yield from _network(name, section)
    yield from _noise(section)
    yield from _first_update(run, section)


def check_nulls(section: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Each null in *section*, as the config has it, for a setting that its algorithm cannot leave open."""
    name = section.get("name", PPO)
    for key, default in defaults_of(name, schema).items() if isinstance(name, str) else ():
        if default is not None and section.get(key, default) is None and "null" in schema["properties"][key]["type"]:
            yield Problem((*_PATH, key), f"is null; {name} expects a value, such as its own {default}")


def defaults_of(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the algorithm *name* has in a section of the *schema*, each with its default."""
    return {
        key: declared[_DEFAULTS][name]
        for key, declared in schema["properties"].items()
        if name in declared.get(_DEFAULTS, {})
    }


def _setting(name: str, path: tuple[str, ...], value: object, declared: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that *name* has this setting, and that *value* is of the kind of its default."""
    defaults = declared.get(_DEFAULTS)
    if defaults is None:
        return
    if name not in defaults:
        yield Problem(
            path, f"is no setting of {name}; {_listed(defaults)} {'has' if len(defaults) == 1 else 'have'} it"
        )
    elif isinstance(value, str) and value.startswith("auto") and not isinstance(defaults[name], str):
        others = [each for each, default in defaults.items() if isinstance(default, str)]
        yield Problem(path, f"is {shown(value)}, which {_listed(others)} understand; {name} expects a number")


def _listed(names: Any) -> str:  # noqa: ANN401 - any collection of names
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)


def _network(name: str, section: Mapping[str, Any]) -> Iterator[Problem]:
    """One list of widths for each network that *name* has; RMSprop takes none of Adam's arguments."""
    policy = section.get("policy") or {}
    keys = [stack.key for stack in ALGORITHMS[name].stacks if stack.key]
    if isinstance(widths := policy.get("net_arch"), dict) and sorted(widths) != sorted(keys):
        expected = f"the keys {' and '.join(keys)}" if keys else "one list: it has one network"
        yield Problem((*_PATH, "policy", "net_arch"), f"has the keys {' and '.join(widths)}; {name} expects {expected}")
    if section.get("use_rms_prop") and policy.get("optimizer_kwargs"):
        yield Problem(
            (*_PATH, "policy", "optimizer_kwargs"),
            "are Adam's, and use_rms_prop puts RMSprop in its place; set use_rms_prop to false, or rms_prop_eps",
        )


def _noise(section: Mapping[str, Any]) -> Iterator[Problem]:
    kind, spread = section.get("noise_type"), section.get("noise_std")
    if kind is not None and spread is None:
        yield Problem((*_PATH, "noise_std"), f"is missing; the noise {shown(kind)} needs it")
    if kind is None and spread is not None:
        yield Problem((*_PATH, "noise_type"), "is missing; noise_std needs it: normal or ornstein-uhlenbeck")


def _first_update(run: Mapping[str, Any], section: Mapping[str, Any]) -> Iterator[Problem]:
    """A training that ends before its first update learns nothing."""
    starts = section.get("learning_starts")
    if starts is None or any(run.get(key) is None for key in ("num_envs", "total_timesteps")):
        return
    steps = steps_of(run["total_timesteps"], rollout_of(run, section))
    if starts >= steps:
        yield Problem(
            (*_PATH, "learning_starts"), f"is {starts}, and the training has {steps} steps; expected fewer than {steps}"
        )
