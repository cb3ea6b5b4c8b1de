"""How a run was made, and how to make it again: settings, machine, versions, commit and digest, from its request."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import spaced
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import RunSummary

Facts = list[tuple[str, str]]

_LONG_LIST = 20


def how_it_was_made(summary: RunSummary, request: Mapping[str, Any], vocabulary: ReportSpec) -> dict[str, Any]:
    """The study's facts, the machine's facts, the commands that make it again, and every setting as JSON."""
    return {
        "commit": _commit(request),
        "study": [*_settings(request["config"], vocabulary), *_origin(request)],
        "machine": list(_machine(summary, request)),
        "again": list(_again(summary, request)),
        "settings": json.dumps(request["config"], indent=2, sort_keys=True, ensure_ascii=False),
    }


def _settings(config: Mapping[str, Any], vocabulary: ReportSpec) -> Facts:
    facts = []
    for label, paths in vocabulary.page.settings.items():
        known = [(path.rpartition(".")[2], value) for path in paths if (value := _at(config, path)) is not None]
        if known:
            facts.append((label, ", ".join(_text(name, value) for name, value in known)))
    return facts


def _at(config: object, path: str) -> Any:  # noqa: ANN401 - whatever a setting is
    for name in path.split("."):
        if not isinstance(config, Mapping) or name not in config:
            return None
        config = config[name]
    return config


def _text(name: str, value: object) -> str:
    """A setting for display: a string by itself, anything else after its name."""
    match value:
        case str():
            return value
        case Mapping():
            return ", ".join(_text(str(key), each) for key, each in value.items()) or f"no {spaced(name)}"
        case list() | tuple():
            shown = ", ".join(map(str, value[:_LONG_LIST]))
            return f"{shown}, ... ({len(value)} in all)" if len(value) > _LONG_LIST else shown
        case _:
            return f"{spaced(name)} {value}"


def _origin(request: Mapping[str, Any]) -> Facts:
    return [
        ("Config", str(request["config_path"])),
        ("Config digest", str(request["config_sha256"])),
        ("Command", shlex.join(map(str, request["command"]))),
    ]


def _machine(summary: RunSummary, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, profile in enumerate(summary.hardware_overview, 1):
        gpu = "no GPU" if profile.gpu_model is None else f"{profile.gpu_model}, CUDA {profile.cuda_version}"
        label = "Machine" if len(summary.hardware_overview) == 1 else f"Machine {number}"
        named = f"{request['processor']}, " if number == 1 and "processor" in request else ""
        cores = f"{profile.workers} core{'' if profile.workers == 1 else 's'}"
        yield label, f"{named}{profile.arch}, {cores}, {gpu}"
        yield "System", f"{profile.platform}, Python {profile.python_version}"
    yield "Packages", ", ".join(f"{name} {version}" for name, version in sorted(request["packages"].items()))
    yield "Commit", _commit(request) or "not recorded: there was no checkout"
    yield "Executor", str(request["executor"])


def _commit(request: Mapping[str, Any]) -> str | None:
    """The commit that the run was started at, and whether all of it was committed."""
    state = request.get("git")
    if not isinstance(state, Mapping):
        return None
    return f"{state['commit'][:12]} ({'with uncommitted changes' if state['dirty'] else 'no uncommitted changes'})"


def _again(summary: RunSummary, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    state = request.get("git")
    if isinstance(state, Mapping):
        yield f"git checkout {state['commit']}", ""
    yield shlex.join(map(str, request["command"])), "the whole study"
    done = [record.label for record in summary.records if isinstance(record.outcome, Completed)]
    if done:
        yield f"extractor-flow verify RUN_DIR --replay {shlex.quote(done[0])}", "one job, trained again and compared"
    yield "extractor-flow verify RUN_DIR", "every number on this page against the evidence"
