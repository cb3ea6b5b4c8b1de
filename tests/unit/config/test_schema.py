"""check_schema: each broken keyword as a sentence, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extractor_flow.config import check_schema, read_config

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["total_timesteps"],
    "properties": {
        "run_id": {
            "type": "string",
            "minLength": 1,
            "pattern": "^[a-z0-9-]+$",
            "description": "Lower-case letters, digits and dashes.",
        },
        "total_timesteps": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
        "device": {"enum": ["cpu", "cuda", "mps", "auto"]},
        "convergence_fraction": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "deterministic": {"type": "boolean"},
        "seeds": {"type": "array", "items": {"type": ["integer", "null"]}, "minItems": 1, "uniqueItems": True},
        "notes": {"type": ["string", "null"], "maxLength": 5},
    },
    "dependentRequired": {"deterministic": ["seeds"]},
}
RUN_KEYS = ", ".join(RUN["properties"])
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["run"],
    "properties": {
        "run": RUN,
        "schema_version": {"const": 2},
        "extractors": {
            "type": "array",
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "preset": {"type": "string"}}},
        },
    },
}


@pytest.fixture
def problems(tmp_path) -> Callable[..., list[str]]:
    """What check_schema says about a config of this text, written as a person sees it."""

    def said(text: str, schema: object = SCHEMA) -> list[str]:
        path = tmp_path / "c.yaml"
        path.write_text(text, encoding="utf-8")
        document = read_config(path)
        found = check_schema(document, schema)
        return [line.removeprefix(f"{tmp_path}/") for line in document.complain(found).problems]

    return said


@pytest.fixture
def of_run(problems) -> Callable[[str], list[str]]:
    """The problems of one more line in a run that is otherwise right."""

    def said(line: str) -> list[str]:
        places = problems(f"run:\n  total_timesteps: 10\n  {line}\n")
        return [place.removeprefix("c.yaml:3: run.") for place in places]

    return said


def test_a_config_that_fits_has_no_problems(problems):
    assert problems("run: {total_timesteps: 4096, device: cpu, seeds: [1, 2], notes: }\nextractors: []\n") == []


def test_a_whole_float_is_an_integer_as_json_schema_has_it(problems):
    assert problems("run: {total_timesteps: 1e3}\n") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("total_timestep: 5", "total_timestep: unknown key 'total_timestep'; did you mean 'total_timesteps'?"),
        ("colour: red", f"colour: unknown key 'colour'; expected {RUN_KEYS}"),
        ("device: gpuu", "device: is 'gpuu'; expected one of cpu, cuda, mps, auto; did you mean 'cpu'?"),
        ("device: Cuda", "device: is 'Cuda'; expected one of cpu, cuda, mps, auto; did you mean 'cuda'?"),
        ("device: 3", "device: is 3; expected one of cpu, cuda, mps, auto"),
        ("device:", "device: is empty; expected one of cpu, cuda, mps, auto"),
        ("run_id: 5", "run_id: is 5 (an integer); expected a string"),
        ("run_id: A b", "run_id: is 'A b'; expected lower-case letters, digits and dashes"),
        ("convergence_fraction: 0", "convergence_fraction: is 0; expected more than 0"),
        ("convergence_fraction: 1.0", "convergence_fraction: is 1.0; expected less than 1"),
        (
            "convergence_fraction: '0.5'",
            "convergence_fraction: is '0.5' (a string); expected a number; did you mean 0.5?",
        ),
        ("deterministic: 1\n  seeds: [1]", "deterministic: is 1 (an integer); expected true or false"),
        (
            "deterministic: yes\n  seeds: [1]",
            "deterministic: is 'yes' (a string); expected true or false; did you mean true?",
        ),
        (
            "convergence_fraction: '5e-1'",
            "convergence_fraction: is '5e-1' (a string); expected a number; did you mean 5e-1?",
        ),
        (
            "deterministic: 'true'\n  seeds: [1]",
            "deterministic: is 'true' (a string); expected true or false; did you mean true?",
        ),
        ("seeds: '1'", "seeds: is '1' (a string); expected a list"),
        ("seeds: 1", "seeds: is 1 (an integer); expected a list"),
        ("seeds: []", "seeds: has 0 items; expected at least 1 item"),
        ("seeds: [a]", "seeds[0]: is 'a' (a string); expected an integer or nothing"),
        ("seeds: [true]", "seeds[0]: is true (a boolean); expected an integer or nothing"),
        ("seeds: [7, 8, 7]", "seeds[2]: is 7 again, as item 0; expected every item once"),
        ("seeds: [7, 7.0]", "seeds: is [7, 7.0]; expected every item once"),
        ("notes: too long", "notes: is 'too long'; expected at most 5 characters"),
        ("notes: {a: 1}", 'notes: is {"a": 1} (a mapping); expected a string or nothing'),
        ("deterministic: true", "seeds: the key 'seeds' is missing; 'deterministic' needs it"),
    ],
)
def test_a_broken_keyword_is_told_in_words(of_run, line, said):
    assert [place.removeprefix("c.yaml:1: run.") for place in of_run(line)] == [said]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("abc", "is 'abc' (a string); expected an integer"),
        ("true", "is true (a boolean); expected an integer"),
        ("1.5", "is 1.5 (a number); expected an integer"),
        ("", "is empty; expected an integer"),
        ("1_000_000", "is '1_000_000' (a string); expected an integer; did you mean 1000000?"),
        ("1,000", "is '1,000' (a string); expected an integer; did you mean 1000?"),
        ("'true'", "is 'true' (a string); expected an integer"),
        ("yes", "is 'yes' (a string); expected an integer"),
        ("'0.5'", "is '0.5' (a string); expected an integer"),
        ("'1e999'", "is '1e999' (a string); expected an integer"),
        ("'9999999999999999999'", "is '9999999999999999999' (a string); expected an integer"),
        ("'4096'", "is '4096' (a string); expected an integer; did you mean 4096?"),
        ("0", "is 0; expected at least 1"),
        ("10000001", "is 10000001; expected at most 10000000"),
    ],
)
def test_a_number_that_does_not_fit_is_told_in_words(problems, value, said):
    assert problems(f"run:\n  total_timesteps: {value}\n") == [f"c.yaml:2: run.total_timesteps: {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", ["c.yaml:1: run: the key 'run' is missing"]),
        ("\nrun:\n", [f"c.yaml:2: run: is empty; expected a mapping with the keys {RUN_KEYS}"]),
        ("run: {}\n", ["c.yaml:1: run.total_timesteps: the key 'total_timesteps' is missing"]),
        (
            "run: {total_timesteps: 1}\nextractors: [mlp_small]\n",
            ["c.yaml:2: extractors[0]: is 'mlp_small' (a string); expected a mapping with the keys name, preset"],
        ),
        ("run: {total_timesteps: 1}\nschema_version: 1\n", ["c.yaml:2: schema_version: is 1; expected 2"]),
    ],
)
def test_a_missing_or_misplaced_part_is_told_in_words(problems, text, said):
    assert problems(text) == said


def test_all_problems_come_at_once_in_the_order_of_the_file(problems):
    text = """\
run:
  devise: cpu
  seeds: [1, x, 1]
  device: gpu
extractor: []
schema_version: yes
"""

    assert problems(text) == [
        "c.yaml:1: run.total_timesteps: the key 'total_timesteps' is missing",
        "c.yaml:2: run.devise: unknown key 'devise'; did you mean 'device'?",
        "c.yaml:3: run.seeds[1]: is 'x' (a string); expected an integer or nothing",
        "c.yaml:3: run.seeds[2]: is 1 again, as item 0; expected every item once",
        "c.yaml:4: run.device: is 'gpu'; expected one of cpu, cuda, mps, auto; did you mean 'cuda'?",
        "c.yaml:5: extractor: unknown key 'extractor'; did you mean 'extractors'?",
        "c.yaml:6: schema_version: is 'yes'; expected 2",
    ]


def test_values_in_a_message_are_short_and_printable(problems):
    assert problems('a: "\\e[31m' + "x" * 100 + '"\n', {"properties": {"a": {"type": "integer"}}}) == [
        f"c.yaml:1: a: is '\\x1b[31m{'x' * 48}... (a string); expected an integer"
    ]


@pytest.mark.parametrize(
    ("text", "schema", "said"),
    [
        ("ab", {"minLength": 3}, "is 'ab'; expected at least 3 characters"),
        ("ab", {"pattern": "^x$"}, "is 'ab'; expected text that matches '^x$'"),
        ("ab", {"pattern": "^x$", "description": "ISO 8601 date."}, "is 'ab'; expected ISO 8601 date"),
        ("3", {"multipleOf": 2}, "is 3; expected a multiple of 2"),
        ("[1, 2]", {"maxItems": 1}, "has 2 items; expected at most 1 item"),
        ("[1, 2]", {"prefixItems": [True], "items": False}, "is [1, 2]; expected at most 1 item"),
        ("[1]", {"contains": {"const": 2}}, 'is [1]; expected contains {"const": 2}'),
        ("{}", {"minProperties": 1}, "has 0 keys; expected at least 1 key"),
        ("{b: 1, c: 2}", {"maxProperties": 1}, "has 2 keys; expected at most 1 key"),
        (
            "1",
            {"type": "object", "properties": dict.fromkeys("abcdefgh", True)},
            "is 1 (an integer); expected a mapping with the keys a, b, c, d, e, f, g, h",
        ),
        ("1", False, "is 1; expected nothing here"),
        ("1", {"enum": [2]}, "is 1; expected 2"),
        ("abc", {"enum": [1, None, "", "abd"]}, "is 'abc'; expected one of 1, null, '', abd; did you mean 'abd'?"),
        ("abc", {"type": "integer", "enum": [1, 2]}, "is 'abc'; expected one of 1, 2"),
        ("abc", {"const": "abd"}, "is 'abc'; expected 'abd'; did you mean 'abd'?"),
        ("1", {"not": {"const": 1, "description": "one is taken"}}, "is 1; one is taken"),
        ("1", {"not": {"const": 1}}, "is 1; this is excluded here"),
        (
            "1",
            {"type": "object", "properties": dict.fromkeys("abcdefghij", True)},
            "is 1 (an integer); expected a mapping with the keys a, b, c, d, e, f, g, h, ...",
        ),
    ],
)
def test_the_other_keywords_are_told_in_words_too(problems, text, schema, said):
    assert problems(f"a: {text}\n", {"properties": {"a": schema}}) == [f"c.yaml:1: a: {said}"]


@pytest.mark.parametrize(
    ("text", "around", "place"),
    [
        ("a: {b: 1}", lambda below: {"properties": {"a": below}}, "a.b"),
        ("a: [{b: 1}]", lambda below: {"properties": {"a": {"items": below}}}, "a[0].b"),
        ("a: {b: 1}", lambda below: {"additionalProperties": below}, "a.b"),
        ("b: 1", lambda below: {"if": True, "then": below}, "b"),
        ("b: 1", lambda below: {"$defs": {"none": False}, "properties": {"b": {"$ref": "#/$defs/none"}}}, "b"),
    ],
)
def test_a_forbidden_key_is_told_at_the_key(problems, text, around, place):
    schema = around({"properties": {"b": False}})

    assert problems(f"{text}\n", schema) == [f"c.yaml:1: {place}: is 1; expected nothing here"]


def test_only_a_given_key_needs_its_companions(problems):
    schema = {"dependentRequired": {"a": ["b"], "c": ["d"]}}

    assert problems("a: 1\n", schema) == ["c.yaml:1: b: the key 'b' is missing; 'a' needs it"]


def test_of_keys_that_exclude_each_other_the_last_is_told(problems):
    schema = {"not": {"required": ["b", "a"]}}

    assert problems("a: 1\nb: 2\n", schema) == ["c.yaml:1: a: stands beside b; leave one of them out"]


def test_mappings_with_the_same_entries_are_the_same_item(problems):
    schema = {"properties": {"a": {"uniqueItems": True}}}

    assert problems("a:\n  - {b: 1, c: 2}\n  - {c: 2, b: 1}\n", schema) == [
        'c.yaml:3: a[1]: is {"c": 2, "b": 1} again, as item 0; expected every item once'
    ]


def test_a_key_of_the_wrong_form_is_told_at_the_key(problems):
    schema = {"properties": {"a": {"propertyNames": {"pattern": "^[a-z]+$"}}}}

    assert problems("a:\n  b: 1\n  C: 2\n", schema) == [
        "c.yaml:3: a.C: the key is 'C'; expected text that matches '^[a-z]+$'"
    ]


def test_an_unknown_key_beside_a_pattern_names_the_pattern(problems):
    schema = {"properties": {"a": True}, "patternProperties": {"x": True}, "additionalProperties": False}

    assert problems("x: 1\nother: 2\n", schema) == [
        "c.yaml:2: other: unknown key 'other'; expected a, keys that match 'x'"
    ]


def test_a_local_reference_is_followed_and_no_other(problems):
    schema = {"$defs": {"count": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/count"}}}

    assert problems("a: x\n", schema) == ["c.yaml:1: a: is 'x' (a string); expected an integer"]
