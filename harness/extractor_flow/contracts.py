"""The data contracts: JSON Schemas that come with the package, and what is wrong with a value under one of them.

A violation is data, not an exception. Two things are stricter here than in a plain JSON Schema validator: ``date-time``
is always checked, and a number must be finite.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import DataError, RequestError
from extractor_flow.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import jsonschema_rs
    from jsonschema import Draft202012Validator, FormatChecker, TypeChecker, ValidationError
    from referencing import Registry
    from referencing._core import Resolver

MOST_VIOLATIONS = 1000
_ENDING = ".schema.json"
_RESULTS_KEY = "extractor_results"
_LONGEST_MESSAGE = 400
_NEVER_BOUNDLESS = frozenset({str, float, bool, type(None)})
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class ContractViolation:
    """One thing that is wrong: where, as a JSON path such as ``$.extractor_results[2].metrics``, and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def schema_names() -> list[str]:
    """The names that :func:`load_schema` knows, sorted."""
    entries = resources.files("extractor_flow._contracts").iterdir()
    return sorted(entry.name.removesuffix(_ENDING) for entry in entries if entry.name.endswith(_ENDING))


def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema *name*, a new object each time; :class:`RequestError` if there is none."""
    if name not in schema_names():
        msg = f"there is no contract {name!r}; there are: {', '.join(schema_names())}"
        raise RequestError(msg)
    file = resources.files("extractor_flow._contracts") / f"{name}{_ENDING}"
    schema = parse_json(file.read_text(encoding="utf-8"), where=file.name)
    if not isinstance(schema, dict):
        msg = f"{file.name}: expected an object"
        raise DataError(msg)
    return schema


def bundled_schema(name: str) -> dict[str, Any]:
    """:func:`load_schema` with the shared definitions inside, so that any validator can use it on its own."""
    schema = load_schema(name)
    common = load_schema("common")
    if name != "common":
        schema["$defs"] = {**schema.get("$defs", {}), common["$id"]: common}
    return schema


def summary_schema(results_key: str) -> dict[str, Any]:
    """The contract of summary.json for a flow that lists its results under *results_key*; else ``training_summary``."""
    text = json.dumps(load_schema("training_summary"))
    schema: dict[str, Any] = json.loads(text.replace(json.dumps(_RESULTS_KEY), json.dumps(results_key)))
    return schema


def violations(data: Any, schema: str | Mapping[str, Any]) -> list[ContractViolation]:  # noqa: ANN401 - any JSON
    """What is wrong with *data* under a contract's name or a schema of your own, in the order of the paths.

    A schema of your own may refer to the packaged ones (``common.schema.json#/$defs/...``); :class:`DataError` if it is
    no JSON Schema or refers to anything else. At most :data:`MOST_VIOLATIONS` are listed.
    """
    if certainly_valid(data, schema):
        return []
    from referencing.exceptions import Unresolvable

    validator = _packaged(schema) if isinstance(schema, str) else validator_of(schema)
    try:
        errors = list(islice(validator.iter_errors(data), MOST_VIOLATIONS))
    except Unresolvable as error:
        msg = f"the schema refers to {error.ref!r}, which is not there"
        raise DataError(msg) from error
    errors.sort(key=lambda error: list(error.absolute_path))
    return [ContractViolation(json_path(error.absolute_path), _message(error)) for error in errors]


def certainly_valid(data: Any, schema: str | Mapping[str, Any]) -> bool:  # noqa: ANN401 - any JSON
    """Whether a compiled validator passes *data*: fifty times as fast, and all that most values ever need.

    What it does not pass goes to jsonschema, which has the last word and finds the words.
    """
    import jsonschema_rs

    try:
        compiled = _compiled(schema) if isinstance(schema, str) else _compiled_text(json.dumps(schema))
        return compiled.is_valid(data) and not _has_boundless_integer(data)
    except (ValueError, TypeError, RecursionError, jsonschema_rs.ReferencingError):
        return False


@cache
def _compiled(name: str) -> jsonschema_rs.Validator:
    return _compile(load_schema(name))


@lru_cache(maxsize=64)  # more than the schemas that one process checks again and again
def _compiled_text(schema: str) -> jsonschema_rs.Validator:
    return _compile(json.loads(schema))


def _compile(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    import jsonschema_rs

    formats = {"date-time": _is_date_time}
    return jsonschema_rs.validator_for(
        dict(schema), formats=formats, validate_formats=True, registry=_compiled_registry(), retriever=_fetch_nothing
    )


@cache
def _compiled_registry() -> jsonschema_rs.Registry:
    import jsonschema_rs

    found = {name: load_schema(name) for name in schema_names()}
    places = [(f"{name}{_ENDING}", schema) for name, schema in found.items()]
    return jsonschema_rs.Registry([*places, *((schema["$id"], schema) for schema in found.values())])


def _fetch_nothing(uri: str) -> Any:  # noqa: ANN401 - what a retriever gives
    msg = f"the schema refers to {uri!r}, which is not there"
    raise ValueError(msg)


def _has_boundless_integer(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether an integer in *value* is beyond every double, which the compiled validator lets pass."""
    pending = [value]
    while pending:
        each = pending.pop()
        if type(each) in _NEVER_BOUNDLESS:
            continue
        if isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
        elif isinstance(each, int) and each.bit_length() > sys.float_info.max_exp - 1:
            return True
    return False


def json_path(steps: Iterable[str | int]) -> str:
    """``$.results[2].metrics`` for the keys and positions in *steps*; unusual keys are quoted, in ASCII."""
    return "$" + "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{json.dumps(step)}]"


def _message(error: ValidationError) -> str:
    # {"not": {}} is how a schema says that a member must not be there; for `false` jsonschema loses the member's path.
    forbidden = error.validator == "not" and error.validator_value == {}
    message = f"must not be there; found {error.instance!r}" if forbidden else error.message
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}…"


@cache
def _packaged(name: str) -> Draft202012Validator:
    schema = load_schema(name)
    resolver = _registry().resolver(base_uri=schema["$id"])
    return _validator_class()(_flat(schema, resolver), format_checker=_format_checker())


def _flat(node: Any, resolver: Resolver[Any]) -> Any:  # noqa: ANN401 - any JSON
    """*node* with what its references refer to in their place: looking them up costs more than all the rest."""
    if isinstance(node, list):
        return [_flat(item, resolver) for item in node]
    if not isinstance(node, dict):
        return node
    flat = {key: _flat(value, resolver) for key, value in node.items() if key not in {"$ref", "$defs", "$id"}}
    if "$ref" not in node:
        return flat
    target = resolver.lookup(node["$ref"])
    referred = _flat(target.contents, target.resolver)
    if flat.keys() - {"description"}:
        return {**flat, "allOf": [*flat.get("allOf", []), referred]}
    return {**referred, **flat}


def validator_of(schema: Mapping[str, Any]) -> Draft202012Validator:
    """What checks data against *schema*; :class:`DataError` if it is no JSON Schema."""
    from jsonschema import SchemaError

    validator_class = _validator_class()
    try:
        validator_class.check_schema(schema)
    except SchemaError as error:
        msg = f"not a JSON Schema: {json_path(error.absolute_path)}: {error.message}"
        raise DataError(msg) from error
    return validator_class(schema, registry=_registry(), format_checker=_format_checker())


@cache
def _registry() -> Registry[Any]:
    """Every packaged schema under its identifier and its file name."""
    from referencing import Registry, Resource

    found = [(name, Resource.from_contents(load_schema(name))) for name in schema_names()]
    by_file_name = [(f"{name}{_ENDING}", resource) for name, resource in found]
    by_identifier = [(resource.id() or name, resource) for name, resource in found]
    return Registry[Any]().with_resources([*by_file_name, *by_identifier])


@cache
def _validator_class() -> type[Draft202012Validator]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER

    def is_finite(_: TypeChecker, value: Any, kind: str) -> bool:  # noqa: ANN401
        try:
            return types.is_type(value, kind) and math.isfinite(value)
        except OverflowError:
            return False

    finite = {kind: partial(is_finite, kind=kind) for kind in ("number", "integer")}
    strict: type[Draft202012Validator] = extend(Draft202012Validator, type_checker=types.redefine_many(finite))  # type: ignore[no-untyped-call]
    return strict


@cache
def _format_checker() -> FormatChecker:
    """The usual checks, and one for ``date-time`` that needs no optional package."""
    from jsonschema import Draft202012Validator, FormatChecker

    checker = FormatChecker()
    checker.checkers = {**Draft202012Validator.FORMAT_CHECKER.checkers, "date-time": (_is_date_time, ())}
    return checker


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[1] + match[3])
    except ValueError:
        return False
    return True
