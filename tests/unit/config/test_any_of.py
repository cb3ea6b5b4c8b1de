"""check_schema on schemas of several parts: one complaint that fits what was meant."""

from __future__ import annotations

import pytest

from extractor_flow.config import check_schema, read_config

INTEGER_OR_AUTO = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}
PATH_OR_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
ENUM_OR_MAPPING = {
    "oneOf": [
        {"enum": ["small", "large"]},
        {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False},
    ]
}
NAME_ONLY = "a mapping with the key name"
PRESET_OR_CLASS = {
    "type": "object",
    "oneOf": [{"required": ["preset"]}, {"required": ["class"]}, {"required": ["factory"]}],
}
TEXT_OR_NAMED = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]}
SMALL_OR_NOTHING = {"anyOf": [{"type": "string", "enum": ["small"]}, {"type": "null"}]}
TITLED = {
    "type": "object",
    "oneOf": [{"title": "a preset", "required": ["preset"]}, {"title": "a class", "required": ["class", "module"]}],
}
CLOSED_FORMS = {
    "oneOf": [
        {"properties": {"preset": True, "name": True}, "required": ["preset"], "additionalProperties": False},
        {"properties": {"class": True, "name": True}, "required": ["class"], "additionalProperties": False},
    ]
}
BY_KIND = {
    "anyOf": [
        {"properties": {"kind": {"const": "disc"}, "radius": {"type": "number"}}, "required": ["kind", "radius"]},
        {"properties": {"kind": {"const": "box"}, "width": {"type": "number"}}, "required": ["kind", "width"]},
    ]
}
ONE_KEY_OVERLAPPING = {"oneOf": [{"required": ["b"]}, {"minProperties": 1}]}
PARTS = {
    "allOf": [{"properties": {"name": {"type": "string"}}}],
    "if": {"properties": {"kind": {"const": "big"}}, "required": ["kind"]},
    "then": {"properties": {"size": True}},
    "properties": {"kind": {"enum": ["big", "small"]}},
    "unevaluatedProperties": False,
}
OVERLAPPING = {"oneOf": [{"type": "integer"}, {"minimum": 0}]}


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (INTEGER_OR_AUTO, "aut", ["a: is 'aut' (a string); expected an integer or 'auto'; did you mean 'auto'?"]),
        (INTEGER_OR_AUTO, "0", ["a: is 0 (an integer); expected at least 1 or 'auto'"]),
        (INTEGER_OR_AUTO, "", ["a: is empty; expected an integer or 'auto'"]),
        (PATH_OR_LIST, "3", ["a: is 3 (an integer); expected a string or a list"]),
        (PATH_OR_LIST, "[x, 3]", ["a[1]: is 3 (an integer); expected a string"]),
        (
            ENUM_OR_MAPPING,
            "smal",
            [f"a: is 'smal' (a string); expected one of small, large or {NAME_ONLY}; did you mean 'small'?"],
        ),
        (ENUM_OR_MAPPING, "{nam: x}", ["a.nam: unknown key 'nam'; did you mean 'name'?"]),
        (PRESET_OR_CLASS, "{name: x}", ["a: expected the key 'preset' or the key 'class' or the key 'factory'"]),
        (PRESET_OR_CLASS, "{preset: x, class: y}", ["a: has the keys 'preset' and 'class'; expected only one of them"]),
        (PRESET_OR_CLASS, "x", ["a: is 'x' (a string); expected a mapping"]),
        (TEXT_OR_NAMED, "{}", ["a.name: the key 'name' is missing"]),
        (SMALL_OR_NOTHING, "3", ["a: is 3 (an integer); expected small or nothing"]),
        (TITLED, "{name: x}", ["a: expected a preset or a class"]),
        (
            CLOSED_FORMS,
            "{name: x, clas: y}",
            ["a.class: the key 'class' is missing", "a.clas: unknown key 'clas'; did you mean 'class'?"],
        ),
        (BY_KIND, "{kind: box, width: wide}", ["a.width: is 'wide' (a string); expected a number"]),
        (BY_KIND, "{kind: box, width: wide, radius: 1}", ["a.width: is 'wide' (a string); expected a number"]),
        (BY_KIND, "{kind: box, radius: 1}", ["a.width: the key 'width' is missing"]),
        (BY_KIND, "{kind: box}", ["a.width: the key 'width' is missing"]),
        (
            ONE_KEY_OVERLAPPING,
            "{b: 1}",
            ['a: is {"b": 1} (a mapping) fits more than one of the allowed forms; expected exactly one'],
        ),
        (OVERLAPPING, "1", ["a: is 1 (an integer) fits more than one of the allowed forms; expected exactly one"]),
        (PARTS, "{name: n, kind: big, size: 1}", []),
        (PARTS, "{nam: n}", ["a.nam: unknown key 'nam'; did you mean 'name'?"]),
        (PARTS, "{x_y_z: n}", ["a.x_y_z: unknown key 'x_y_z'; expected kind, name, size"]),
        (PARTS, "{kind: small, size: 1}", ["a.size: the key 'size' does not go with the other keys here"]),
        (PARTS, "{name: 1, kind: small}", ["a.name: is 1 (an integer); expected a string"]),
    ],
)
def test_the_complaint_is_about_the_part_that_was_meant(tmp_path, schema, text, said):
    path = tmp_path / "c.yaml"
    path.write_text(f"a: {text}\n", encoding="utf-8")
    document = read_config(path)
    error = document.complain(check_schema(document, {"properties": {"a": schema}}))

    assert sorted(error.problems) == sorted(f"{path}:1: {each}" for each in said)
