"""One broken keyword as a sentence: what stands there, and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extractor_flow.config.messages import found, found_kind, nearest, shown
from extractor_flow.config.scalars import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extractor_flow.config.findings import Finding

_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_COUNTED = {"Length": "character", "Items": "item", "Properties": "key"}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}
_TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_FITS = {bool: frozenset({"boolean"}), int: frozenset({"integer", "number"}), float: frozenset({"number"})}
_KEYS_NAMED = 8


def sentence(finding: Finding) -> str:
    """``is -1; expected at least 0``, with a suggestion where one is near."""
    return f"{_found(finding)}; expected {expectation(finding)}{_suggestion(finding)}"


def expectation(finding: Finding) -> str:
    """What the keyword allows, to follow the word "expected"."""
    keyword, wanted = finding.keyword, finding.wanted
    if keyword in _BOUNDS:
        return f"{_BOUNDS[keyword]} {shown(wanted)}"
    if keyword[3:] in _COUNTED:
        bound = "at least" if keyword.startswith("min") else "at most"
        return f"{bound} {_number_of(wanted, _COUNTED[keyword[3:]])}"
    write = _EXPECTATIONS.get(keyword)
    return write(wanted, finding.schema) if write else f"{keyword} {shown(wanted)}"


def one_of(choices: list[Any]) -> str:
    """The values of an ``enum`` in words."""
    words = [choice if isinstance(choice, str) and choice else shown(choice) for choice in choices]
    return f"one of {', '.join(words)}" if len(words) > 1 else ", ".join(words)


def did_you_mean(word: object, known: list[Any]) -> str:
    """``; did you mean 'cuda'?``, or nothing where no word is near."""
    near = nearest(word, [each for each in known if isinstance(each, str)]) if isinstance(word, str) else None
    return f"; did you mean {shown(near)}?" if near is not None else ""


def _found(finding: Finding) -> str:
    if finding.keyword == "type":
        return found_kind(finding.value)
    noun = {"Items": "item", "Properties": "key"}.get(finding.keyword[3:])
    if noun is not None:
        return f"has {_number_of(len(finding.value), noun)}"
    return found(finding.value)


def _number_of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _types(wanted: str | list[str], schema: Mapping[str, Any]) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    words = {name: _TYPES.get(name, name) for name in names}
    keys = list(schema.get("properties", {}))
    if "object" in words and keys:
        more = ", ..." if len(keys) > _KEYS_NAMED else ""
        noun = "key" if len(keys) == 1 else "keys"
        words["object"] = f"a mapping with the {noun} {', '.join(keys[:_KEYS_NAMED])}{more}"
    return " or ".join(words.values())


def _pattern(wanted: str, schema: Mapping[str, Any]) -> str:
    if "title" in schema:
        return str(schema["title"])
    description = str(schema.get("description", "")).rstrip(". \n")
    if not description:
        return f"text that matches {shown(wanted)}"
    return description[0].lower() + description[1:] if description[1:2].islower() else description


_EXPECTATIONS: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "": lambda *_: "nothing here",
    "type": _types,
    "enum": lambda wanted, _: one_of(wanted),
    "const": lambda wanted, _: shown(wanted),
    "multipleOf": lambda wanted, _: f"a multiple of {shown(wanted)}",
    "pattern": _pattern,
    "items": lambda _, schema: f"at most {_number_of(len(schema.get('prefixItems', [])), 'item')}",
    "unevaluatedItems": lambda *_: "fewer items",
}


def _suggestion(finding: Finding) -> str:
    if finding.keyword == "enum":
        return did_you_mean(finding.value, finding.wanted)
    if finding.keyword == "const":
        return did_you_mean(finding.value, [finding.wanted])
    if finding.keyword == "type" and isinstance(finding.value, str):
        return _meant(finding.value, finding.wanted)
    return ""


def _meant(text: str, wanted: str | list[str]) -> str:
    """YAML 1.1 habits (``yes``, ``1_000``) and quoted numbers are strings here: say how to write them."""
    candidate = _TRUTH.get(text.lower()) or re.sub(r"(?<=\d)[_,](?=\d{3})", "", text)
    try:
        value = plain(candidate)
    except ValueError:
        return ""
    fits = _FITS.get(type(value), frozenset()).intersection([wanted] if isinstance(wanted, str) else wanted)
    return f"; did you mean {candidate}?" if fits else ""
