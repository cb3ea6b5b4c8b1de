"""resolve_defaults: what a config leaves out comes from its schema."""

from __future__ import annotations

import copy

import pytest

from extractor_flow.config import resolve_defaults

LEAF = {"properties": {"x": {"default": 1}}}


@pytest.mark.parametrize(
    ("schema", "data", "resolved"),
    [
        pytest.param({"properties": {"a": {"default": 1}, "b": {}}}, {}, {"a": 1}, id="nothing without default"),
        pytest.param({"properties": {"a": {"default": 1}}}, {"a": 2, "z": 3}, {"a": 2, "z": 3}, id="given stays"),
        pytest.param({"properties": {"a": {"default": 1}}}, {"a": None}, {"a": None}, id="null stays"),
        pytest.param({"properties": {"a": {"default": None}}}, {}, {"a": None}, id="a default of null"),
        pytest.param({"properties": {"a": LEAF}}, {}, {}, id="no default of its own, so not created"),
        pytest.param({"properties": {"a": LEAF}}, {"a": {}}, {"a": {"x": 1}}, id="nested"),
        pytest.param({"properties": {"a": {**LEAF, "default": {}}}}, {}, {"a": {"x": 1}}, id="created and filled"),
        pytest.param(
            {"properties": {"a": {"items": LEAF}}}, {"a": [{}, {"x": 2}]}, {"a": [{"x": 1}, {"x": 2}]}, id="items"
        ),
        pytest.param(
            {"properties": {"a": {"prefixItems": [LEAF], "items": {"properties": {"y": {"default": 2}}}}}},
            {"a": [{}, {}]},
            {"a": [{"x": 1}, {"y": 2}]},
            id="prefix items",
        ),
        pytest.param(
            {"properties": {"a": {"prefixItems": [LEAF, LEAF]}}},
            {"a": [{}]},
            {"a": [{"x": 1}]},
            id="fewer than prefixed",
        ),
        pytest.param(
            {"properties": {"b": {}}, "additionalProperties": LEAF},
            {"a": {}, "b": {}},
            {"a": {"x": 1}, "b": {}},
            id="additional properties",
        ),
        pytest.param(
            {"$defs": {"leaf": {**LEAF, "default": {}}}, "properties": {"a": {"$ref": "#/$defs/leaf"}}},
            {},
            {"a": {"x": 1}},
            id="reference",
        ),
        pytest.param(
            {"allOf": [LEAF, {"properties": {"y": {"default": 2}}}]}, {}, {"x": 1, "y": 2}, id="all of several parts"
        ),
        pytest.param({"anyOf": [LEAF]}, {}, {}, id="not through a choice"),
        pytest.param({"$ref": "#", "properties": {"a": {"default": 1}}}, {}, {"a": 1}, id="reference to itself"),
        pytest.param({"$ref": "other.json", "allOf": [{"$ref": "#/absent"}]}, {"a": 1}, {"a": 1}, id="lost reference"),
        pytest.param({"properties": {"a": {"items": LEAF}}}, {"a": "text"}, {"a": "text"}, id="data that does not fit"),
    ],
)
def test_defaults_fill_what_is_absent(schema, data, resolved):
    assert resolve_defaults(data, schema) == resolved


@pytest.mark.parametrize(
    ("kind", "value", "resolved"),
    [
        ("integer", 4096.0, "4096"),
        (["integer", "null"], 1e3, "1000"),
        ("integer", 1.5, "1.5"),
        ("number", 4096.0, "4096.0"),
        (["integer", "number"], 2.0, "2.0"),
        ("integer", True, "True"),
    ],
)
def test_a_whole_float_becomes_the_integer_that_the_schema_wants(kind, value, resolved):
    schema = {"properties": {"a": {"type": kind}}}

    assert repr(resolve_defaults({"a": value}, schema)["a"]) == resolved


def test_nothing_is_shared_with_the_data_or_the_schema():
    schema = {"properties": {"a": {"default": {"list": []}}}}
    data = {"b": {"list": [1]}}
    before = copy.deepcopy((schema, data))
    resolved = resolve_defaults(data, schema)
    resolved["a"]["list"].append(2)
    resolved["b"]["list"].append(2)

    assert (schema, data) == before
