"""Which branch of an ``anyOf`` or ``oneOf`` a value was meant for, so that one complaint fits instead of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.config.expectations import did_you_mean, expectation
from extractor_flow.config.messages import found_kind, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.config.findings import Finding

_INSIDE = frozenset({
    "required", "dependentRequired", "additionalProperties", "unevaluatedProperties", "anyOf", "oneOf", "not",
    "uniqueItems", "minItems", "maxItems", "minProperties", "maxProperties",
})  # fmt: skip
_DISCRIMINATOR_PENALTY = 10


def meant(finding: Finding) -> str | tuple[Finding, ...]:
    """For a broken ``anyOf`` or ``oneOf``: what the likeliest branch finds wrong, or one sentence over all branches."""
    groups = _groups(finding)
    if not groups:
        return _too_many(finding)
    inside = {number: group for number, group in groups.items() if _is_about_the_inside(finding, group)}
    if not inside:
        return _one_sentence(finding, groups)
    if len(inside) > 1 and all(each.keyword == "required" for group in inside.values() for each in group):
        wanted = dict.fromkeys(_title(finding, number) or _missing(group) for number, group in inside.items())
        return f"expected {' or '.join(wanted)}"
    return tuple(min(inside.values(), key=lambda group: sum(_penalty(finding, each) for each in group)))


def _groups(finding: Finding) -> dict[int, list[Finding]]:
    groups: dict[int, list[Finding]] = {}
    for each in finding.below:
        groups.setdefault(each.branch or 0, []).append(each)
    return groups


def _is_about_the_inside(finding: Finding, group: list[Finding]) -> bool:
    """Whether the value has the kind that the branch wants, and only something in it is wrong."""
    here = [each.keyword for each in group if each.path == finding.path]
    return not {"", "type"} & set(here) and (len(here) < len(group) or bool(_INSIDE & set(here)))


def _penalty(finding: Finding, each: Finding) -> int:
    """A wrong selector (``kind: const``) weighs most; an unknown key weighs more if it resembles no known one."""
    if each.keyword in ("const", "enum") and len(each.path) == len(finding.path) + 1:
        return _DISCRIMINATOR_PENALTY
    if each.keyword != "additionalProperties":
        return 1
    known = each.schema.get("properties", {})
    return sum(1 if nearest(key, known) else 2 for key in each.value if key not in known)


def _one_sentence(finding: Finding, groups: Mapping[int, list[Finding]]) -> str:
    tellers = {number: _teller(group) for number, group in groups.items()}
    wanted = dict.fromkeys(_title(finding, number) or expectation(teller) for number, teller in tellers.items())
    words: list[Any] = []
    for teller in tellers.values():
        words += teller.wanted if teller.keyword == "enum" else [teller.wanted] if teller.keyword == "const" else []
    return f"{found_kind(finding.value)}; expected {' or '.join(wanted)}{did_you_mean(finding.value, words)}"


def _teller(group: list[Finding]) -> Finding:
    """The finding that says most about what the branch wants."""
    return next((each for word in ("enum", "const", "type") for each in group if each.keyword == word), group[0])


def _title(finding: Finding, number: int) -> str | None:
    branch = finding.wanted[number]
    title = branch.get("title") if isinstance(branch, dict) else None
    return title if isinstance(title, str) else None


def _missing(group: list[Finding]) -> str:
    keys = dict.fromkeys(key for each in group for key in each.wanted if key not in each.value)
    return f"the key{'s' if len(keys) > 1 else ''} {' and '.join(shown(key) for key in keys)}"


def _too_many(finding: Finding) -> str:
    """More than one branch of a ``oneOf`` fits."""
    branches = [branch for branch in finding.wanted if isinstance(branch, dict)]
    keys = dict.fromkeys(key for branch in branches for key in branch.get("required", []))
    given = [shown(key) for key in keys if isinstance(finding.value, dict) and key in finding.value]
    if len(given) > 1:
        return f"has the keys {' and '.join(given)}; expected only one of them"
    return f"{found_kind(finding.value)} fits more than one of the allowed forms; expected exactly one"
