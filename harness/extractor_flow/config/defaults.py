"""Fills in what a config leaves out, from the ``default`` values of its schema."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from extractor_flow.config.schema_parts import Schema, parts

if TYPE_CHECKING:
    from extractor_flow.files import Json

_ABSENT = object()


def resolve_defaults(data: Mapping[str, Json], schema: Mapping[str, Json]) -> dict[str, Json]:
    """*data* with the schema's defaults filled in: a new mapping that shares nothing mutable with it.

    Defaults come from ``properties``, and from ``items`` and ``additionalProperties`` for what is there, through
    ``$ref`` and ``allOf`` but not through ``anyOf``, ``oneOf`` or ``if``. An absent mapping appears if the schema gives
    it a default itself, such as ``{}``, and is then filled. A key that is there stays, null included. JSON Schema takes
    4096.0 for an integer: where the schema says ``integer``, a whole float becomes the integer it means.
    Data that breaks the schema is passed on as it is.
    """
    return cast("dict[str, Json]", _filled(data, schema, schema))


def _filled(value: object, schema: object, root: Schema) -> object:
    result = copy.deepcopy(value) if not isinstance(value, Mapping) else {k: copy.deepcopy(v) for k, v in value.items()}
    for part in parts(schema, root):
        if isinstance(result, dict):
            result = _filled_mapping(result, part, root)
        elif isinstance(result, list):
            result = _filled_list(result, part, root)
        elif isinstance(result, float) and result.is_integer() and _wants_integer(part):
            result = int(result)
    return result


def _filled_mapping(value: dict[str, Any], part: Schema, root: Schema) -> dict[str, Any]:
    result = dict(value)
    properties = part.get("properties", {})
    for key, schema in properties.items():
        present = result[key] if key in result else _default(schema, root)
        if present is not _ABSENT:
            result[key] = _filled(present, schema, root)
    others = part.get("additionalProperties")
    if isinstance(others, Mapping):
        result |= {key: _filled(result[key], others, root) for key in value if key not in properties}
    return result


def _filled_list(value: list[Any], part: Schema, root: Schema) -> list[Any]:
    first = part.get("prefixItems", [])
    rest = [part.get("items")] * max(len(value) - len(first), 0)
    return [_filled(item, schema, root) for item, schema in zip(value, [*first, *rest], strict=False)]


def _default(schema: object, root: Schema) -> object:
    return next((part["default"] for part in parts(schema, root) if "default" in part), _ABSENT)


def _wants_integer(part: Schema) -> bool:
    wanted = part.get("type", [])
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return "integer" in kinds and "number" not in kinds
