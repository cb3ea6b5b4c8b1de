"""Checks a config against a JSON Schema and says in words, key by key, what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from extractor_flow.config.any_of import meant
from extractor_flow.config.document import Problem
from extractor_flow.config.expectations import did_you_mean, sentence
from extractor_flow.config.findings import Finding, findings
from extractor_flow.config.messages import listed, shown
from extractor_flow.config.schema_parts import Schema, known_keys
from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from extractor_flow.config.document import ConfigDocument
    from extractor_flow.config.messages import Keys
    from extractor_flow.files import Json

_RUN_OPTIONS = {"run_id": "--run-id", "output_root": "--output-root", "seeds": "--seed"}


def check_schema(document: ConfigDocument, schema: Mapping[str, Json]) -> list[Problem]:
    """Everything in *document* that breaks *schema* (Draft 2020-12), in the order of the file; empty if it fits.

    The path of an unknown or a missing key ends in that key. 4096.0 is an integer, as JSON Schema has it (see
    :func:`~extractor_flow.config.defaults.resolve_defaults`); true is not. References must be local.
    """
    problems = problems_of(document.data, schema)
    return sorted(problems, key=lambda each: (document.line(each.path), document.where(each.path), each.message))


def problems_of(data: Mapping[str, Json], schema: Mapping[str, Json]) -> list[Problem]:
    """As :func:`check_schema`, for *data* that stands in no file."""
    all_findings = findings(data, schema)
    named = (problem for each in _without_echoes(all_findings, schema) for problem in _explained(each, schema))
    return list(dict.fromkeys(named))


def check_options(values: Mapping[str, Json], schema: Mapping[str, Json], named: Callable[[Keys], str]) -> None:
    """Raise :class:`RequestError` for *values* of the command line that break *schema*; *named* is how it has them."""
    if problems := problems_of(values, schema):
        raise RequestError("; ".join(f"{named(each.path)} {each.message}" for each in problems))


def check_overrides(overrides: Mapping[str, Json], schema: Mapping[str, Any]) -> None:
    """Raise :class:`RequestError` where the command line's *overrides* of the section ``run`` break *schema*."""
    run: Json = schema["properties"]["run"]["properties"]
    check_options(dict(overrides), {"properties": run}, lambda path: _RUN_OPTIONS[str(path[0])])


def _without_echoes(all_findings: list[Finding], root: Schema) -> list[Finding]:
    """Leave out what only repeats another finding about the same place."""
    choices = {each.path for each in all_findings if each.keyword in ("enum", "const")}
    wrong_kind = {each.path for each in all_findings if each.keyword == "type" and not each.is_key} - choices

    def is_echo(each: Finding) -> bool:
        if each.path in choices or each.path in wrong_kind:
            # What else is said about a value of the wrong kind does not help; a list of choices says the kind, too.
            return not each.is_key and each.keyword not in (("enum", "const") if each.path in choices else ("type",))
        # A part that fails leaves all its keys unevaluated: then the part's own findings say it all.
        return each.keyword == "unevaluatedProperties" and not _unknown(each, root) and _has_others(each, all_findings)

    return [each for each in all_findings if not is_echo(each)]


def _has_others(finding: Finding, all_findings: list[Finding]) -> bool:
    depth = len(finding.path)
    return any(each is not finding and each.path[:depth] == finding.path for each in all_findings)


def _explained(finding: Finding, root: Schema) -> list[Problem]:
    if finding.is_key:
        return [Problem((*finding.path, finding.value), f"the key {sentence(finding)}")]
    explain = _STRUCTURE.get(finding.keyword)
    return explain(finding, root) if explain else [Problem(finding.path, sentence(finding))]


def _unknown_keys(finding: Finding, root: Schema) -> list[Problem]:
    known = _known(finding, root)
    unknown = _unknown(finding, root)
    if unknown:
        return [
            Problem((*finding.path, key), f"unknown key {shown(key)}{_instead(key, known, finding)}") for key in unknown
        ]
    misplaced = [key for key in finding.value if repr(key) in finding.message]
    return [
        Problem((*finding.path, key), f"the key {shown(key)} does not go with the other keys here") for key in misplaced
    ]


def _known(finding: Finding, root: Schema) -> list[str]:
    if finding.keyword == "additionalProperties":
        return list(finding.schema.get("properties", {}))
    return known_keys(finding.schema, root)


def _unknown(finding: Finding, root: Schema) -> list[str]:
    """The keys that no part of the schema names; for unevaluated ones, only the validator's message has them."""
    known = _known(finding, root)
    if finding.keyword == "additionalProperties":
        patterns = finding.schema.get("patternProperties", {})
        return [key for key in finding.value if key not in known and not any(re.search(each, key) for each in patterns)]
    return [key for key in finding.value if key not in known and repr(key) in finding.message]


def _instead(key: str, known: list[str], finding: Finding) -> str:
    patterns = [f"keys that match {shown(each)}" for each in finding.schema.get("patternProperties", {})]
    return did_you_mean(key, known) or f"; expected {listed([*known, *patterns])}"


def _missing_keys(finding: Finding, _: Schema) -> list[Problem]:
    absent = [key for key in finding.wanted if key not in finding.value]
    return [Problem((*finding.path, key), f"the key {shown(key)} is missing") for key in absent]


def _missing_companions(finding: Finding, _: Schema) -> list[Problem]:
    return [
        Problem((*finding.path, key), f"the key {shown(key)} is missing; {shown(given)} needs it")
        for given, companions in finding.wanted.items()
        for key in companions
        if given in finding.value and key not in finding.value
    ]


def _repeated_items(finding: Finding, _: Schema) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for index, item in enumerate(finding.value):
        before = first.setdefault(json.dumps(item, sort_keys=True), index)
        if before != index:
            message = f"is {shown(item)} again, as item {before}; expected every item once"
            problems.append(Problem((*finding.path, index), message))
    return problems or [Problem(finding.path, f"is {shown(finding.value)}; expected every item once")]


def _alternatives(finding: Finding, root: Schema) -> list[Problem]:
    answer = meant(finding)
    if isinstance(answer, str):
        return [Problem(finding.path, answer)]
    return [problem for each in _without_echoes(list(answer), root) for problem in _explained(each, root)]


def _excluded(finding: Finding, _: Schema) -> list[Problem]:
    wanted = finding.wanted if isinstance(finding.wanted, Mapping) else {}
    if list(wanted) == ["required"]:
        *others, last = wanted["required"]
        return [Problem((*finding.path, last), f"stands beside {' and '.join(others)}; leave one of them out")]
    reason = wanted.get("description", "this is excluded here")
    return [Problem(finding.path, f"is {shown(finding.value)}; {reason}")]


_STRUCTURE: dict[str, Callable[[Finding, Schema], list[Problem]]] = {
    "additionalProperties": _unknown_keys,
    "unevaluatedProperties": _unknown_keys,
    "required": _missing_keys,
    "dependentRequired": _missing_companions,
    "uniqueItems": _repeated_items,
    "anyOf": _alternatives,
    "oneOf": _alternatives,
    "not": _excluded,
}
