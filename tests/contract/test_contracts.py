"""What the contracts promise beyond their examples, and how a violation is told."""

import json
import math
import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from extractor_flow.contracts import (
    MOST_VIOLATIONS,
    ContractViolation,
    bundled_schema,
    json_path,
    load_schema,
    schema_names,
    violations,
)
from extractor_flow.errors import DataError, RequestError
from support import ROOT

EXAMPLES = ROOT / "contracts/examples"
OURS = [
    "common",
    "complete_results",
    "job_record",
    "run",
    "skip_summary",
    "training_manifest",
    "training_summary",
]


def example(name):
    return json.loads((EXAMPLES / "valid" / f"{name}.json").read_text(encoding="utf-8"))


def parts(schema):
    """Every subschema with its place, not looking into examples or constants."""
    found = [("$", schema)]
    for place, node in found:
        for keyword in ("properties", "$defs"):
            found += [(f"{place}.{keyword}.{key}", child) for key, child in node.get(keyword, {}).items()]
        for keyword in ("items", "additionalProperties", "then", "else"):
            if isinstance(node.get(keyword), dict):
                found.append((f"{place}.{keyword}", node[keyword]))
        found += [(f"{place}.allOf[{index}]", child) for index, child in enumerate(node.get("allOf", []))]
    return found


def test_every_contract_there_is_can_be_named():
    assert set(OURS) <= set(schema_names())


@pytest.mark.parametrize("name", schema_names())
def test_a_contract_is_json_schema_2020_12(name):
    schema = load_schema(name)

    Draft202012Validator.check_schema(schema)

    assert validator_for(schema) is Draft202012Validator


@pytest.mark.parametrize("name", OURS)
def test_everything_a_file_may_hold_is_described(name):
    told = load_schema("common")["$defs"]

    def is_described(node):
        return "description" in node or "description" in told.get(node.get("$ref", "").rpartition("/")[2], {})

    members = [
        (place, node) for place, node in parts(load_schema(name)) if re.search(r"(properties|\$defs)\.\w+$", place)
    ]
    assert [
        place for place, node in members if node != {"not": {}} and "const" not in node and not is_described(node)
    ] == []


@pytest.mark.parametrize("name", OURS)
def test_an_object_whose_keys_are_ours_takes_no_others(name):
    objects = [(place, node) for place, node in parts(load_schema(name)) if node.get("type") == "object"]

    assert [place for place, node in objects if "properties" in node and "additionalProperties" not in node] == []


@pytest.mark.parametrize("name", [name for name in OURS if name != "common"])
def test_a_bundled_contract_works_in_plain_validators(name):
    contract = bundled_schema(name)
    examples = {
        (kind, entry.name): json.loads(entry.read_text(encoding="utf-8"))
        for kind in ("valid", "invalid")
        for entry in (EXAMPLES / kind).iterdir()
        if entry.name.startswith(f"{name}.") and "calendar" not in entry.name
    }

    compiled = jsonschema_rs.validator_for(contract)
    accepted = [key for key, data in examples.items() if compiled.is_valid(data)]

    assert accepted == [key for key in examples if key[0] == "valid"]
    assert [key for key in accepted if not Draft202012Validator(contract).is_valid(examples[key])] == []


def test_a_contract_that_is_not_there_is_a_wrong_request():
    with pytest.raises(RequestError, match=r"there is no contract '\.\./secret'; there are: .*common, "):
        load_schema("../secret")


def test_changing_a_loaded_contract_changes_no_later_check():
    load_schema("skip_summary")["required"].append("more")

    assert violations(example("skip_summary.no_skip"), "skip_summary") == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400], ids=["nan", "inf", "-inf", "huge"])
def test_a_number_that_is_not_finite_is_no_metric(value):
    data = example("training_summary.one_success")
    data["extractor_results"][0]["metrics"]["best_mean_reward"] = value

    assert [found.path for found in violations(data, "training_summary")] == [
        "$.extractor_results[0].metrics.best_mean_reward"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "2026-01-01T24:01:00Z",
        "2026-01-01T00:00:00",
        "yesterday",
        "2026-01-01T00:00:00Z\n",
        "20260101T000000Z",
        "２026-01-01T00:00:00Z",
        "",
    ],
)
def test_what_is_no_date_and_time_is_refused(text):
    assert len(violations(text, {"format": "date-time"})) == 1


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00Z", "2024-02-29T23:59:59.123456789Z", "2026-01-01T00:00:00.5+02:00"]
)
def test_a_date_and_time_is_accepted(text):
    assert violations(text, {"format": "date-time"}) == []


def test_a_violation_tells_where_and_what():
    data = example("training_summary.success_failure_and_skip")
    del data["extractor_results"][2]["reason"]
    data["extractor_results"][1]["metrics"] = {"best_mean_reward": 0.0}

    assert violations(data, "training_summary") == [
        ContractViolation("$.extractor_results[1].metrics", "must not be there; found {'best_mean_reward': 0.0}"),
        ContractViolation("$.extractor_results[2]", "'reason' is a required property"),
    ]


def test_violations_are_in_the_order_of_their_places():
    schema = {"properties": {"b": {"items": {"type": "string"}}, "a": {"type": "string"}}}

    found = violations({"a": 1, "b": [1] * 11}, schema)

    assert [one.path for one in found] == ["$.a", *(f"$.b[{n}]" for n in range(11))]


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([], "$"),
        (["a", 0, "b_1"], "$.a[0].b_1"),
        (
            ["with space", "1st", "é", 'q"', "line\nbreak", "\u202e"],
            '$["with space"]["1st"]["\\u00e9"]["q\\""]["line\\nbreak"]["\\u202e"]',
        ),
    ],
)
def test_a_path_shows_keys_plainly_or_quoted(steps, path):
    assert json_path(steps) == path


def test_no_message_and_no_list_is_without_bound():
    huge = ["x" * 10_000] * (MOST_VIOLATIONS + 5)

    found = violations(huge, {"items": {"type": "integer"}})

    assert (len(found), max(len(one.message) for one in found)) == (MOST_VIOLATIONS, 400)


def test_a_message_obeys_nothing_that_a_terminal_would():
    (found,) = violations({"flow": "\x1b[31m\u202e"}, {"properties": {"flow": {"const": "x"}, "y": {"type": "string"}}})
    (typed,) = violations({"y": ["\x1b[31m\u202e"]}, {"properties": {"y": {"type": "string"}}})

    assert (str(found).isprintable(), str(typed).isprintable()) == (True, True)


def test_a_schema_of_ones_own_may_use_the_shared_definitions():
    schema = {"type": "object", "properties": {"when": {"$ref": "common.schema.json#/$defs/utc_time"}}}

    assert [found.path for found in violations({"when": "noon"}, schema)] == ["$.when", "$.when"]


def test_a_schema_of_ones_own_is_found_by_identifier_too():
    schema = {"$ref": f"{load_schema('common')['$id']}#/$defs/sha256"}

    assert len(violations("abc", schema)) == 1


def test_what_is_no_schema_is_said_to_be_none():
    with pytest.raises(DataError, match=r"not a JSON Schema: \$\.type: 'objekt' is not valid"):
        violations({}, {"type": "objekt"})


@pytest.mark.parametrize("ref", ["https://elsewhere.example/schema.json", "common.schema.json#/$defs/nothing"])
def test_a_reference_to_nothing_is_an_error_and_nothing_is_fetched(ref):
    with pytest.raises(DataError, match=r"the schema refers to '.*', which is not there"):
        violations({}, {"$ref": ref})


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from([name for name in OURS if name != "common"]))
def test_what_is_no_such_file_at_all_is_told_without_raising(data, name):
    assert violations(data, name) != []


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.txt", "C:", "..."]), max_size=5), st.sampled_from("/\\"))
def test_a_path_that_is_accepted_stays_inside_the_run(components, separator):
    path = separator.join(components)
    accepted = violations(path, {"$ref": "common.schema.json#/$defs/relative_path"}) == []

    assert accepted == (
        bool(path)
        and (separator == "/" or len(components) == 1)
        and not {"..", ".", ""} & {*components}
        and components[0] != "C:"
    )
