"""Walks a JSON Schema: what applies to one place of the data, through local references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = Mapping[str, Any]


def parts(schema: object, root: Schema, *, branches: bool = False) -> Iterator[Schema]:
    """The schemas that speak about the same place: *schema*, what its ``$ref`` and ``allOf`` lead to, each once.

    With *branches* also those that may apply: ``anyOf``, ``oneOf``, ``if``, ``then``, ``else``, ``dependentSchemas``.
    Only references inside *root* (``#/...``) are followed.
    """
    waiting, seen = [schema], set[int]()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [_target(part["$ref"], root)] if "$ref" in part else []
        waiting += part.get("allOf", [])
        if branches:
            waiting += [*part.get("anyOf", []), *part.get("oneOf", []), *part.get("dependentSchemas", {}).values()]
            waiting += [part.get(keyword) for keyword in ("if", "then", "else")]


def known_keys(schema: Schema, root: Schema) -> list[str]:
    """Every property that any part of *schema* names, in the order of the schema."""
    named = (part.get("properties", {}) for part in parts(schema, root, branches=True))
    return list(dict.fromkeys(key for properties in named for key in properties))


def _target(reference: str, root: Schema) -> object:
    """What a local reference points to; ``None`` where it leads nowhere or outside."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    place: object = root
    for step in reference.removeprefix("#/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        place = place.get(key) if isinstance(place, Mapping) else None
    return place
