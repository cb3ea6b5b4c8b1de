"""A study's settings: the config as it was checked, with every default filled in."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.config import Problem, check_overrides, check_schema, problems_of, resolve_defaults
from extractor_flow.contracts import load_schema
from extractor_flow.files import sha256_of
from extractor_flow.study.jobs import MOST_JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.config import ConfigDocument
    from extractor_flow.files import Json

_GROUP = 4


@cache
def schema() -> dict[str, Json]:
    """The JSON Schema of a study's config."""
    return load_schema("dose_overlap_config")


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
    check_overrides(overrides, schema())
    run = settings["run"] | {key: overrides[key] for key in ("run_id", "output_root", "seeds") if key in overrides}
    run["run_id"] = run["run_id"] or document.path.stem
    return {**settings, "run": run, "simulation": _pinned(settings["simulation"])}


def schema_of(*sections: str) -> dict[str, Any]:
    """The schema of a section of a config, such as ``("design", "overlaps")``."""
    node: Any = schema()
    for section in sections:
        node = node["properties"][section]
    part: dict[str, Any] = node
    return part


@cache
def training_schema() -> dict[str, Any]:
    """The schema of one training: a config's section of that name, and what else decides its result."""
    design, variant = schema_of("design")["properties"], schema_of("design", "variants")["additionalProperties"]
    return {
        "properties": {
            **schema_of("training")["properties"],
            **{name: design[name] for name in ("neighbor_count", "grouping_seed", "subsampling_seed")},
            "dose": {"type": "number", "exclusiveMinimum": 0},
            "gridsize": variant["properties"]["gridsize"],
            "threads": schema_of("threads"),
            "seed": schema_of("run", "seeds")["items"],
        }
    }


def schema_defaults(*sections: str) -> dict[str, Any]:
    """The defaults of a section of a config, such as ``("design", "overlaps")``."""
    return {name: part["default"] for name, part in schema_of(*sections)["properties"].items() if "default" in part}


def check_simulation(simulation: Mapping[str, Any]) -> list[str]:
    """What is wrong with the sizes of an object that is to be made."""
    given = {name: simulation[name] for name in schema_defaults("simulation") if name in simulation}
    problems = problems_of(given, schema_of("simulation")) or list(_sizes(given))
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
