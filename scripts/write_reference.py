"""Write the generated pages of the reference again: python scripts/write_reference.py.

The command line comes from its parsers, the configs from their schemas, the metrics from the flows' contracts.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.cli import parser
from extractor_flow.contracts import load_schema
from extractor_flow.flows.extractor_comparison.extractors.kinds import KINDS
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.registry import find_flow

if TYPE_CHECKING:
    from extractor_flow.flows.extractor_comparison.extractors.presets import Preset
    from extractor_flow.study.job_contract import MetricSpec

PAGES = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- made by scripts/write_reference.py -->"
FLOWS = ("extractor_comparison", "dose_overlap")
CONFIGS = {"extractor_comparison": "run_config", "dose_overlap": "dose_overlap_config"}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "command_line.md": command_line(),
        "checks.md": checks(),
        **{f"config_{name}.md": config(name) for name in FLOWS},
        "config_slurm.md": section("slurm_settings"),
        "extractors.md": extractors(),
        "metrics.md": metrics(),
    }


def command_line() -> str:
    """Each command with its usage, what it does, and its options."""
    lines = ["# Command line", NOTE, "", f"{_sentence(parser().epilog or '')}", ""]
    for name, command in _commands(parser()):
        lines += [f"## extractor-flow {name}", "", f"{_sentence(command.description or '')}".strip(), ""]
        lines += [*_table(("argument", "meaning"), _arguments(command)), ""]
    return _page(lines)


def _commands(top: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in top._actions:  # noqa: SLF001 - argparse offers no public way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            described = {each.dest: each.help for each in action._choices_actions}  # noqa: SLF001
            for name, command in action.choices.items():
                command.description = command.description or described.get(name)
                inner = list(_commands(command, f"{before}{name} "))
                yield from inner or [(f"{before}{name}", command)]


def _arguments(command: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in command._actions:  # noqa: SLF001
        if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:  # noqa: SLF001
            continue
        value = "" if action.nargs == 0 else f" {_metavar(action)}"
        names = f"`{', '.join(action.option_strings)}{value}`" if action.option_strings else f"`{_metavar(action)}`"
        meaning = " ".join((action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").split())
        yield names, meaning


def _metavar(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(map(str, action.choices))
    name = action.metavar or action.dest.upper()
    return f"{' '.join(name) if isinstance(name, tuple) else name}{'...' if action.nargs in ('+', '*') else ''}"


def checks() -> str:
    """Every check of the core and of both flows, with what it catches and what it cannot."""
    command = [sys.executable, "-P", "-m", "extractor_flow.cli", "checks", "core", *FLOWS, "--format", "markdown"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _page(["# Checks", NOTE, "", "`extractor-flow explain ID` tells the whole of one.", "", table.strip()])


def config(flow: str) -> str:
    """Every key of a flow's config, with its kind, its default and its meaning."""
    schema = load_schema(CONFIGS[flow])
    lines = [f"# Config: {flow}", NOTE, "", schema["description"], ""]
    lines += [*_table(("key", "kind", "default", "meaning"), _keys(schema, depth=1)), ""]
    for name, section in schema["properties"].items():
        inside = section.get("items", section)
        if "properties" in inside:
            heading = f"{name}[]" if "items" in section else name
            lines += [f"## {heading}", "", *_table(("key", "kind", "default", "meaning"), _keys(inside)), ""]
    return _page(lines)


def section(contract: str) -> str:
    """Every key of a section that any flow's config may have."""
    schema = load_schema(contract)
    lines = [f"# Config: {schema['title'].removesuffix(' of a config').lower()}", NOTE, "", schema["description"], ""]
    return _page([*lines, *_table(("key", "kind", "default", "meaning"), _keys(schema))])


def extractors() -> str:
    """Every kind of extractor: its parameters, and what they are in each of its presets."""
    said = (
        "The parameters of the presets, each of which `extractors[].parameters` may replace. "
        "A key that has no value is found by the observation's shapes."
    )
    lines = ["# Extractors", NOTE, "", said, ""]
    for kind, declared in KINDS.items():
        presets = {name: preset for name, preset in PRESETS.items() if preset.kind == kind}
        rows = [
            (f"`{key}`", _kind(schema), *(_value_of(key, each) for each in presets.values()), schema["description"])
            for key, schema in declared.parameters.items()
        ]
        lines += [f"## {kind}", "", *(f"- `{name}`: {each.description}." for name, each in presets.items()), ""]
        lines += [*_table(("parameter", "kind", *(f"`{name}`" for name in presets), "meaning"), rows), ""]
    return _page(lines)


def _value_of(key: str, preset: Preset) -> str:
    return f"`{json.dumps(preset.parameters[key])}`" if key in preset.parameters else ""


def _keys(schema: Schema, before: str = "", *, depth: int = 2) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        default = "**required**" if name in required else _default(value)
        yield f"`{before}{name}`", _kind(value), default, value.get("description", "")
        if depth > 1:
            yield from _keys(value, f"{before}{name}.", depth=depth - 1)


def _default(schema: Schema) -> str:
    if "x-defaults" in schema:
        return _defaults_by_algorithm(schema["x-defaults"])
    if "default" not in schema or schema["default"] in ({}, ""):
        return ""
    return "left out" if schema["default"] is None else f"`{_literal(schema['default'])}`"


def _defaults_by_algorithm(defaults: Mapping[str, Any]) -> str:
    """Which algorithms have a key, with their defaults; those that agree together."""
    names: dict[str, list[str]] = {}
    for name, value in defaults.items():
        names.setdefault(_default({"default": value}), []).append(name)
    return "; ".join(f"{', '.join(each)}: {default}" for default, each in names.items())


def _kind(schema: Schema) -> str:
    if "const" in schema:
        return f"`{_literal(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_literal(each)}`" for each in schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(_kind(each) for each in schema.get("anyOf", schema.get("oneOf")))
    names = schema.get("type", "anything")
    kind = " or ".join(names) if isinstance(names, list) else names
    if isinstance(schema.get("items"), Mapping) and not {"properties", "$ref"} & set(schema["items"]):
        kind += f" of {_kind(schema['items'])}"
    bounds = [f"{words} {_literal(schema[key])}" for key, words in _BOUNDS.items() if key in schema]
    return f"{kind}{': ' if bounds else ''}{', '.join(bounds)}"


def _literal(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def metrics() -> str:
    """What each number of a job is: its heading, unit and direction."""
    lines = ["# Metrics", NOTE, "", "What the numbers in `metrics` of a record are. Absent means: not measured.", ""]
    for name in FLOWS:
        rows = [
            (f"`{key}`", each.title, each.unit, _better(each), "always" if each.required else "where measured")
            for key, each in sorted(find_flow(name).contract.metrics.items())
        ]
        lines += [f"## {name}", "", *_table(("metric", "meaning", "unit", "better", "there"), rows), ""]
    return _page(lines)


def _better(metric: MetricSpec) -> str:
    if not (metric.described or metric.compared):
        return ""
    return "larger" if metric.larger_is_better else "smaller"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = [[" ".join(each.split()).replace("|", "\\|") for each in row] for row in rows]
    if not cells:
        return ["No arguments."]
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *cells)]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")


def _page(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip()) + "\n"


if __name__ == "__main__":
    for file_name, text in pages().items():
        (PAGES / file_name).write_text(text, encoding="utf-8")
