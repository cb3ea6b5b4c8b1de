"""The compiled validator only ever says yes where jsonschema says yes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow import contracts
from extractor_flow.contracts import _packaged, certainly_valid, validator_of, violations
from support import ROOT

EXAMPLES = ROOT / "contracts/examples"
GENUINE = {
    path.name: (path.name.split(".")[0], json.loads(path.read_text(encoding="utf-8")))
    for path in sorted((EXAMPLES / "valid").glob("*.json"))
}
ODD = (
    None,
    True,
    -1,
    0.5,
    10**400,
    math.nan,
    math.inf,
    "",
    "\n",
    "2026-11-21T10:15:00.000Z\n",
    [],
    {},
    [[]],
    "x" * 5000,
)


def places(value, way=()):
    yield way
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from places(inner, (*way, key))


def put(value, way, new):
    if not way:
        return new
    first, *rest = way
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = put(value[first], rest, new)
    return copy


@pytest.mark.parametrize("example", GENUINE)
@settings(max_examples=30)
@given(data=st.data())
def test_it_passes_nothing_that_jsonschema_refuses(example, data):
    name, value = GENUINE[example]
    way = data.draw(st.sampled_from(list(places(value))))
    odd = put(value, way, data.draw(st.sampled_from(ODD)))

    assert not certainly_valid(odd, name) or _packaged(name).is_valid(odd)


@pytest.mark.parametrize("example", GENUINE)
def test_it_passes_every_genuine_example(example):
    name, value = GENUINE[example]

    assert certainly_valid(value, name)


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "https://nowhere.example/schema.json"}])
def test_a_schema_that_cannot_be_compiled_is_left_to_jsonschema(schema):
    assert not certainly_valid(1, schema)
    with pytest.raises(contracts.DataError):
        violations(1, schema)


def test_a_schema_of_ones_own_may_refer_to_the_packaged_ones():
    schema = {"properties": {"seed": {"$ref": "common.schema.json#/$defs/seed"}}}

    assert (certainly_valid({"seed": 1}, schema), validator_of(schema).is_valid({"seed": -1})) == (True, False)
    assert not certainly_valid({"seed": -1}, schema)
