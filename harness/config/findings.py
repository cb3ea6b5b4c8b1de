"""What the JSON Schema validator finds wrong, as plain values: the only module that knows the validator."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from harness.config.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from harness.config.text import Keys
    from harness.files import Json


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
    from referencing import Registry

    # A schema that names its dialect would make the validator swap itself for its standard class.
    without_dialect = {key: value for key, value in schema.items() if key != "$schema"}
    validator = _validator_class()(without_dialect, registry=Registry())
    return [_finding(error) for error in validator.iter_errors(data)]


@functools.cache
def _validator_class() -> type[Validator]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    extend_typed: Callable[..., type[Validator]] = extend
    return extend_typed(Draft202012Validator, {"properties": _properties})


def _properties(
    validator: Validator, properties: Mapping[str, Any], instance: Json, _: object
) -> Iterator[ValidationError]:
    """The keyword ``properties``; unlike the package's own, a property that is ``false`` keeps its path."""
    values = instance if isinstance(instance, dict) else {}
    for key in (name for name in properties if name in values):
        if properties[key] is False:
            yield _forbidden(key, values[key])
        else:
            yield from cast("Any", validator).descend(values[key], properties[key], path=key, schema_path=key)


def _forbidden(key: str, value: Json) -> ValidationError:
    from jsonschema import ValidationError

    message = f"False schema does not allow {shown(value)}"
    path = [key]
    return ValidationError(
        message, validator="", path=path, schema_path=path, validator_value=False, instance=value, schema=False
    )


def _finding(error: ValidationError) -> Finding:
    steps = list(error.relative_schema_path)
    return Finding(
        keyword=error.validator if isinstance(error.validator, str) else "",
        path=tuple(error.absolute_path),
        value=error.instance,
        wanted=error.validator_value,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        message=error.message,
        branch=steps[0] if error.parent is not None and isinstance(steps[0], int) else None,
        is_key=steps[-2:-1] == ["propertyNames"] and steps[-3:-2] != ["properties"],
        below=tuple(_finding(each) for each in error.context),
    )
