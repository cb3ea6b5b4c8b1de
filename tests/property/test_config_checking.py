"""check_schema against random schemas: the sentences may be chosen, the verdict may not."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from extractor_flow.config import ConfigDocument, check_schema

KEYS = st.sampled_from(["a", "ab", "b"])
SCALARS = st.sampled_from([None, True, 0, 1, 1.0, 2.5, "a", "ab", "yes", "1_000", "1e999", ""])
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": VALUES}),
    st.sampled_from(["minimum", "exclusiveMaximum", "multipleOf"]).map(lambda word: {word: 1}),
    st.sampled_from(["minLength", "maxItems", "minItems", "minProperties", "maxProperties"]).map(
        lambda word: {word: 1}
    ),
    st.fixed_dictionaries({"required": st.lists(KEYS, min_size=1, max_size=2, unique=True)}),
    st.just({"pattern": "^a", "description": "Starts with a."}),
    st.just({"uniqueItems": True}),
    st.just({"dependentRequired": {"a": ["b"]}}),
    st.just({"propertyNames": {"maxLength": 1}}),
    st.just({"$ref": "#/$defs/closed"}),
)


def combined(below: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(below, min_size=1, max_size=3)
    properties = st.dictionaries(KEYS, below, max_size=2)
    return st.one_of(
        several.map(
            lambda parts: {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}
        ),
        st.fixed_dictionaries({}, optional={"properties": properties, "additionalProperties": below}),
        st.fixed_dictionaries(
            {"unevaluatedProperties": st.just(False)}, optional={"properties": properties, "allOf": several}
        ),
        st.fixed_dictionaries({"anyOf": several}),
        st.fixed_dictionaries({"oneOf": several}),
        st.fixed_dictionaries({"allOf": several}),
        st.fixed_dictionaries({"not": below}),
        st.fixed_dictionaries({"if": below}, optional={"then": below, "else": below}),
        st.fixed_dictionaries({"items": below}, optional={"prefixItems": several}),
        st.fixed_dictionaries({"contains": below}, optional={"unevaluatedItems": below}),
    )


DEFINITIONS = {"$defs": {"closed": {"type": "object", "properties": {"a": True}, "additionalProperties": False}}}


@settings(max_examples=80)
@given(data=st.dictionaries(KEYS, VALUES, max_size=3), schema=st.recursive(LEAVES, combined, max_leaves=8))
def test_there_is_a_problem_exactly_where_the_data_breaks_the_schema(data, schema):
    schema = {"allOf": [schema], **DEFINITIONS}
    problems = check_schema(ConfigDocument(Path("c.yaml"), data, {(): 1}), schema)

    assert (problems == []) == Draft202012Validator(schema).is_valid(data)
    assert all(problem.message and "\n" not in problem.message for problem in problems)
