"""What the JSON Schema validator finds wrong with a config, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import certainly_valid, validator_of

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from extractor_flow.config.messages import Keys
    from extractor_flow.files import Json


@dataclass(frozen=True)
class Finding:
    """One broken keyword: *value* stands at *path* and does not fit what *schema* says under *keyword*.

    ``wanted`` is the keyword's value; *keyword* is empty where the schema is ``false``. ``below`` holds, for ``anyOf``
    and ``oneOf`` that nothing fits, what each branch finds wrong; ``branch`` is the number of that branch. Inside
    ``propertyNames`` the value is a key of the mapping at *path* (``is_key``).
    """

    keyword: str
    path: Keys
    value: Any
    wanted: Any
    schema: Mapping[str, Any]
    message: str
    branch: int | None
    is_key: bool
    below: tuple[Finding, ...]


def findings(data: Mapping[str, Json], schema: Mapping[str, Json]) -> list[Finding]:
    """Everything in *data* that breaks *schema* (Draft 2020-12; nothing is fetched for a reference)."""
    if certainly_valid(data, schema):
        return []
    return [_finding(error) for error in validator_of(_spelled_out(schema)).iter_errors(data)]


_NOTHING: dict[str, Json] = {"not": {}}
_SCHEMAS_BY_KEY = ("properties", "patternProperties", "dependentSchemas", "$defs")
_SCHEMAS_IN_A_ROW = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_SAID_BY_KEYWORD = ("items", "additionalProperties")


def _spelled_out(schema: Mapping[str, Any]) -> dict[str, Any]:
    """*schema* with ``false`` written as a schema that nothing fits: the validator never says where a plain one was.

    ``false`` stays where the keyword itself then says what is wrong, as for ``additionalProperties``.
    """
    result = dict(schema)
    for word in schema:
        if word in _SCHEMAS_BY_KEY:
            result[word] = {key: _spelled_out_part(part) for key, part in schema[word].items()}
        elif word in _SCHEMAS_IN_A_ROW:
            result[word] = [_spelled_out_part(part) for part in schema[word]]
        elif word in _SCHEMAS and not (word in _SAID_BY_KEYWORD and schema[word] is False):
            result[word] = _spelled_out_part(schema[word])
    return result


def _spelled_out_part(part: object) -> object:
    if part is False:
        return _NOTHING
    return _spelled_out(part) if isinstance(part, Mapping) else part


def _finding(error: ValidationError) -> Finding:
    steps = list(error.relative_schema_path)
    first = next(iter(steps), None)
    forbidden = error.validator == "not" and error.validator_value == {}
    return Finding(
        keyword=error.validator if isinstance(error.validator, str) and not forbidden else "",
        path=tuple(error.absolute_path),
        value=error.instance,
        wanted=error.validator_value,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        message=error.message,
        branch=first if isinstance(first, int) else None,
        is_key=steps[-2:-1] == ["propertyNames"] and steps[-3:-2] != ["properties"],
        below=tuple(_finding(each) for each in error.context),
    )
