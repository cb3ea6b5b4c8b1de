"""A study's settings: the config as it was checked, with every default filled in."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from extractor_flow.config import ConfigDocument, Problem, check_schema, resolve_defaults
from extractor_flow.errors import RequestError
from extractor_flow.files import parse_json, sha256_of
from extractor_flow.study.jobs import MOST_JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.files import Json

_SCHEMA = "dose_overlap_config.schema.json"
_GROUP = 4
_LONGEST_ID = 100


@lru_cache(maxsize=1)
def schema() -> dict[str, Json]:
    """The contract that a study's config has to fit."""
    text = files("extractor_flow._contracts").joinpath(_SCHEMA).read_text(encoding="utf-8")
    return cast("dict[str, Json]", parse_json(text, where=_SCHEMA))


def settings_of(document: ConfigDocument, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that *document* and the command line's *overrides* ask for, with nothing left open.

    A base data set is pinned by its SHA-256; one that is pinned already need not be there, and in a run that is judged,
    where it has to be pinned, it is not looked at. :class:`ConfigError` with all complaints at once,
    :class:`RequestError` for an override that cannot be.
    """
    if problems := check_schema(document, schema()):
        raise document.complain(problems)
    settings: dict[str, Any] = resolve_defaults(document.data, schema())
    if problems := [
        *_size(settings),
        *_design(settings),
        *_simulation(settings["simulation"], foreign=document.foreign),
    ]:
        raise document.complain(problems)
    _check(overrides)
    run = settings["run"] | {key: overrides[key] for key in ("run_id", "output_root", "seeds") if key in overrides}
    run["run_id"] = run["run_id"] or document.path.stem
    return {**settings, "run": run, "simulation": _pinned(settings["simulation"])}


def schema_defaults(*sections: str) -> dict[str, Any]:
    """The defaults of a section of a config, such as ``("design", "overlaps")``."""
    node: Any = schema()
    for section in sections:
        node = node["properties"][section]
    return {name: part["default"] for name, part in node["properties"].items() if "default" in part}


def check_simulation(simulation: Mapping[str, Any]) -> list[str]:
    """What is wrong with the sizes of an object that is to be made."""
    given = {name: simulation[name] for name in schema_defaults("simulation") if name in simulation}
    document = ConfigDocument(
        Path("simulation"), {"flow": "dose_overlap", "design": {"doses": [1]}, "simulation": given}, {}
    )
    problems = check_schema(document, schema()) or list(_sizes(given))
    return [f"--{str(problem.path[-1]).replace('_', '-')} {problem.message}" for problem in problems]


def _size(settings: Mapping[str, Any]) -> Iterator[Problem]:
    design, seeds = settings["design"], settings["run"]["seeds"]
    axes = (design["doses"], design["views"], design["variants"] or [None], seeds or [None])
    if (count := math.prod(map(len, axes))) > MOST_JOBS:
        yield Problem(("design",), f"has {count} jobs, over all seeds; expected at most {MOST_JOBS}: make it several")


def _design(settings: Mapping[str, Any]) -> Iterator[Problem]:
    design = settings["design"]
    if design["neighbor_count"] < _GROUP:
        yield Problem(
            ("design", "neighbor_count"),
            f"is {design['neighbor_count']}; a group holds {_GROUP} frames, so expected at least {_GROUP}",
        )
    overlaps = design["overlaps"]
    if overlaps["sparse"] >= overlaps["dense"]:
        yield Problem(
            ("design", "overlaps", "sparse"),
            f"is {overlaps['sparse']:g}, and dense has {overlaps['dense']:g}; expected less than dense has",
        )


def _simulation(simulation: Mapping[str, Any], *, foreign: bool) -> Iterator[Problem]:
    base = simulation["base_npz"]
    if base is None:
        yield from _sizes(simulation)
    elif simulation["base_sha256"] is None and foreign:
        yield Problem(("simulation", "base_sha256"), "is missing; a run has that of the data set that it measured")
    elif simulation["base_sha256"] is None and not Path(base).is_file():
        yield Problem(("simulation", "base_npz"), f"is {base!r}, and no such file is there; expected a data set")
    if base is None and simulation["base_sha256"] is not None:
        yield Problem(("simulation", "base_sha256"), "stands without a base_npz; expected both or neither")


def _sizes(simulation: Mapping[str, Any]) -> Iterator[Problem]:
    frame, whole = simulation["frame_size"], simulation["object_size"]
    if whole < 2 * frame:
        yield Problem(
            ("simulation", "object_size"),
            f"is {whole}, and a frame has {frame} pixels; expected at least twice that, to scan two halves",
        )
    if simulation["probe_diameter"] > frame:
        yield Problem(
            ("simulation", "probe_diameter"),
            f"is {simulation['probe_diameter']:g}, and a frame has {frame} pixels; expected at most that",
        )


def _pinned(simulation: Mapping[str, Any]) -> dict[str, Any]:
    base, known = simulation["base_npz"], simulation["base_sha256"]
    return {**simulation, "base_sha256": known if base is None or known else sha256_of(Path(base))}


def _check(overrides: Mapping[str, Any]) -> None:
    seeds = overrides.get("seeds") or []
    for position, seed in enumerate(seeds):
        if seed in seeds[:position]:
            msg = f"--seed {seed} stands twice; expected different seeds"
            raise RequestError(msg)
        if not 0 <= seed < 2**31:
            msg = f"--seed {seed}: expected an integer from 0 to {2**31 - 1}"
            raise RequestError(msg)
    if "run_id" in overrides and not (overrides["run_id"].strip() and len(overrides["run_id"]) <= _LONGEST_ID):
        msg = f"--run-id {overrides['run_id'][:120]!r}: expected 1 to {_LONGEST_ID} characters, not all of them spaces"
        raise RequestError(msg)
