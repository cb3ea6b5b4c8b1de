"""What a JSON Schema cannot say about a comparison's config: how its parts fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.config import Problem, did_you_mean, shown
from extractor_flow.flows.extractor_comparison.algorithms.declared import PPO
from extractor_flow.flows.extractor_comparison.algorithms.defaults import rollout_of
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, check_parameters, unknown_preset
from extractor_flow.study.jobs import MOST_JOBS, collisions, component_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MINIBATCHES = (PPO, "TRPO")  # of a rollout
_ROLLOUT_KEYS = ("num_envs", "eval_freq", "total_timesteps")


def check_meaning(settings: Mapping[str, Any]) -> list[Problem]:
    """Everything in *settings* that cannot be right; ``None`` stands where the schema found a mistake."""
    run = settings.get("run") or {}
    entries = [(position, entry) for position, entry in enumerate(settings.get("extractors") or []) if entry]
    return [
        *_size(run, entries, settings.get("envs") or []),
        *_names([(("extractors", position), entry["name"]) for position, entry in entries if entry["name"]]),
        *(problem for position, entry in entries for problem in _extractor(position, entry)),
        *(problem for position, entry in entries for problem in _device(run, position, entry)),
        *_baseline(run, entries, complete=len(entries) == len(settings.get("extractors") or [])),
        *_environments(settings.get("envs") or []),
        *_rollout(run, settings.get("algorithm") or {}),
    ]


def _size(run: Mapping[str, Any], entries: Sequence[object], envs: Sequence[object]) -> Iterator[Problem]:
    if (count := len(entries) * len(run.get("seeds") or [None]) * max(1, len(envs))) > MOST_JOBS:
        yield Problem(
            ("extractors",),
            f"has {count} jobs, over all seeds and environments; expected at most {MOST_JOBS}: make it several",
        )


def _names(named: Sequence[tuple[tuple[str, int], str]]) -> Iterator[Problem]:
    """Names that are taken, or share a directory with another one, by their places in the config."""
    for first, second in collisions([name for _, name in named]):
        ((section, number), taken), (path, name) = named[first], named[second]
        other = f"{section}[{number}].name"
        if name == taken:
            yield Problem((*path, "name"), f"is {shown(name)}, as {other} is already; expected another name")
        else:
            place = shown(component_of(name))
            yield Problem(
                (*path, "name"),
                f"is {shown(name)}, which would share the directory {place} with {other} "
                f"{shown(taken)}; expected a name that differs in more than case and special characters",
            )


def _extractor(position: int, entry: Mapping[str, Any]) -> Iterator[Problem]:
    path, preset = ("extractors", position), entry.get("preset")
    if preset is None:
        return
    if preset not in PRESETS:
        yield Problem((*path, "preset"), unknown_preset(preset))
    elif entry["parameters"]:
        for problem in check_parameters(preset, entry["parameters"]):
            yield Problem((*path, "parameters", *problem.path), problem.message)


def _device(run: Mapping[str, Any], position: int, entry: Mapping[str, Any]) -> Iterator[Problem]:
    if run.get("device") != "mps" or entry.get("preset") not in PRESETS:
        return
    resolved = {**PRESETS[entry["preset"]].parameters, **(entry.get("parameters") or {})}
    if resolved.get("num_layers", 1) != 1 and resolved.get("lstm_dropout"):
        message = f"{entry['preset']} has dropout between the layers of its LSTM, which PyTorch does not train on mps"
        yield Problem(("extractors", position, "preset"), f"{message}; set run.device to cpu, or lstm_dropout to 0")


def _baseline(
    run: Mapping[str, Any], entries: Iterable[tuple[int, Mapping[str, Any]]], *, complete: bool
) -> Iterator[Problem]:
    wanted = run.get("baseline_extractor")
    names = [entry["name"] for _, entry in entries]
    if wanted is not None and complete and None not in names and wanted not in names:
        known = f"{', '.join(names)}{did_you_mean(wanted, names)}"
        yield Problem(("run", "baseline_extractor"), f"is {shown(wanted)}; expected one of {known}")


def _environments(envs: Sequence[Mapping[str, Any] | None]) -> Iterator[Problem]:
    for position, env in enumerate(envs):
        ends = (env or {}).get("score_range")
        if ends and None not in ends and not ends[0] < ends[1]:
            yield Problem(("envs", position, "score_range"), f"is {shown(ends)}; expected the lower score first")
    named = [(("envs", position), env["name"]) for position, env in enumerate(envs) if env and env.get("name")]
    yield from _names(named)


def _rollout(run: Mapping[str, Any], algorithm: Mapping[str, Any]) -> Iterator[Problem]:
    name = algorithm.get("name", PPO)
    if any(run.get(key) is None for key in _ROLLOUT_KEYS) or name not in _MINIBATCHES:
        return
    rollout, batch = rollout_of(run, algorithm), algorithm.get("batch_size")
    steps = f"n_steps x num_envs = {rollout // run['num_envs']} x {run['num_envs']} = {rollout}"
    if rollout == 1:
        yield Problem(("algorithm", "n_steps"), f"gives {steps}; {name} needs at least 2 samples in a rollout")
    elif batch is not None and rollout % batch:
        yield Problem(
            ("algorithm", "batch_size"),
            f"is {batch}, which does not divide a rollout, {steps}; expected a divisor, such as "
            f"{' or '.join(map(str, _divisors_near(rollout, batch)))}",
        )


def _divisors_near(number: int, wish: int) -> list[int]:
    """The divisors of *number* next to *wish* on either side, but for 1."""
    below = next((size for size in range(min(wish, number), 1, -1) if number % size == 0), None)
    above = next((size for size in range(wish + 1, min(2 * wish, number) + 1) if number % size == 0), None)
    return [size for size in (below, above) if size is not None] or [number]
