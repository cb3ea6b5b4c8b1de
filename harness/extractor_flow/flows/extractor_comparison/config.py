"""A comparison's settings: the config as it was checked, with every default and every choice filled in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from extractor_flow.config import Problem, check_overrides, check_schema, resolve_defaults
from extractor_flow.contracts import load_schema
from extractor_flow.flows.extractor_comparison.algorithms.defaults import chosen, rollout_of
from extractor_flow.flows.extractor_comparison.algorithms.settings import check_algorithm, check_nulls, with_defaults
from extractor_flow.flows.extractor_comparison.config_rules import check_meaning
from extractor_flow.flows.extractor_comparison.plan import environments_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extractor_flow.config import ConfigDocument
    from extractor_flow.files import Json

DEFAULT_ENVIRONMENT = "extractor_flow/RobotNav-v0"
DEFAULT_SEED = 42
EPISODES_SIDE_BY_SIDE = 8
_NAMED = {"id", "factory"}


@cache
def schema() -> dict[str, Json]:
    """The JSON Schema of a comparison's config."""
    return load_schema("run_config")


def settings_of(document: ConfigDocument, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that *document* and the command line's *overrides* ask for, with nothing left open.

    :class:`ConfigError` with all complaints at once, :class:`RequestError` for an
    override that cannot be.
    """
    problems = check_schema(document, schema())
    sound: dict[str, Any] = resolve_defaults(_blanked(document.data, map(_doubtful, problems)), schema())
    known: Any = schema()["properties"]
    sound["algorithm"] = with_defaults(sound["algorithm"] or {}, known["algorithm"])
    problems += check_meaning(sound)
    problems += check_nulls(_section(document.data, "algorithm"), known["algorithm"])
    problems += check_algorithm(sound["run"] or {}, sound["algorithm"], known["algorithm"])
    if problems:
        raise document.complain(problems)
    check_overrides(overrides, schema())
    return _chosen(sound, overrides, document.path.stem)


def notes_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The config's notes, and what a reader of the result should know about these settings."""
    run = settings["run"]
    rollout = rollout_of(run, settings["algorithm"])
    notes = list(run["notes"])
    for name, alone in environments_of(settings):
        if evaluated := alone.get("eval_env"):
            trained, played = (each.get("id") or each.get("factory") for each in (alone["env"], evaluated))
            where = "" if name is None else f"{name}: "
            notes.append(f"{where}every evaluation took place in eval_env, {played}; the training in env, {trained}")
    if rollout <= run["eval_freq"]:
        return tuple(notes)
    span = "train_freq" if "train_freq" in settings["algorithm"] else "n_steps"
    coarse = (
        f"eval_freq is {run['eval_freq']} steps, but the policy changes only every {rollout} "
        f"({span} x num_envs): it was evaluated that often"
    )
    return (*notes, coarse)


def _chosen(sound: Mapping[str, Any], overrides: Mapping[str, Any], stem: str) -> dict[str, Any]:
    run = {**sound["run"], **{key: overrides[key] for key in ("run_id", "output_root") if key in overrides}}
    seeds = overrides.get("seeds") or run.get("seeds") or [run.get("seed", DEFAULT_SEED)]
    run = {key: value for key, value in run.items() if key != "seed"} | {
        "run_id": run["run_id"] or stem,
        "seeds": list(seeds),
        "baseline_extractor": run.get("baseline_extractor", sound["extractors"][0]["name"]),
        "eval_num_envs": min(
            run["eval_num_envs"] or EPISODES_SIDE_BY_SIDE, max(run["n_eval_episodes"], run["final_eval_episodes"])
        ),
    }
    return {
        **{key: value for key, value in sound.items() if key not in {"env", "eval_env", "envs"}},
        "run": run,
        "algorithm": chosen(run, sound["algorithm"]),
        **({"envs": [_environment(each) for each in sound["envs"]]} if "envs" in sound else _only_environment(sound)),
    }


def _environment(section: Mapping[str, Any]) -> dict[str, Any]:
    """One of several environments, with the one of its evaluations inside."""
    made = _only_environment({"env": section, **section})
    return {**made.pop("env"), **made}


def _only_environment(sound: Mapping[str, Any]) -> dict[str, Any]:
    environment = sound["env"] if _NAMED & set(sound["env"]) else {**sound["env"], "id": DEFAULT_ENVIRONMENT}
    evaluation = {"eval_env": _evaluated_in(sound["eval_env"], environment)} if "eval_env" in sound else {}
    return {"env": environment, **evaluation}


def _evaluated_in(section: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of the evaluations: what its *section* leaves out is that of the training's *environment*."""
    left = {"normalize", "name", "score_range", "eval_env"} | (_NAMED | {"kwargs"} if _NAMED & set(section) else set())
    inherited = {key: value for key, value in environment.items() if key not in left}
    return {"kwargs": {}, **inherited, **section}


def _section(data: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """The section *name* of *data* as it is written; empty where it is none."""
    section = data.get(name)
    return section if isinstance(section, dict) else {}


def _doubtful(problem: Problem) -> tuple[str | int, ...]:
    """The place that *problem* makes unfit for further checks; for n_steps, where null has a meaning, the section."""
    return problem.path[:1] if problem.path == ("algorithm", "n_steps") else problem.path


def _blanked(data: Json, paths: Iterable[tuple[str | int, ...]]) -> dict[str, Json]:
    """*data* with ``None`` at each of *paths*: mistakes there are reported, and the rest can still be checked."""
    result: Any = data
    for path in paths:
        result = _with_none(result, path)
    return result if isinstance(result, dict) else {}


def _with_none(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON
    if not path:
        return None
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, head: _with_none(value.get(cast("str", head)), rest)}
    if isinstance(value, list) and isinstance(head, int) and head < len(value):
        return [_with_none(item, rest) if position == head else item for position, item in enumerate(value)]
    return None
