import pytest

from extractor_flow.evidence.findings import Violation
from extractor_flow.verify.json_diff import ABSENT, MOST_A_FILE, differences, violations


@pytest.mark.parametrize(
    ("demanded", "found", "places"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, []),
        ({"a": 1}, {"a": True}, [(("a",), 1, True)]),
        ({"a": True}, {"a": 1}, [(("a",), True, 1)]),
        ({"a": 1}, {}, [(("a",), 1, ABSENT)]),
        ({}, {"a": None}, [(("a",), ABSENT, None)]),
        ({"a": [1, 2]}, {"a": [1]}, [(("a", 1), 2, ABSENT)]),
        ({"a": [1]}, {"a": [0, 2]}, [(("a", 0), 1, 0), (("a", 1), ABSENT, 2)]),
        ({"a": {"b": 1}}, {"a": [1]}, [(("a",), {"b": 1}, [1])]),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, [(("a",), 0.1 + 0.2, 0.3)]),
    ],
)
def test_every_place_that_differs_is_told(demanded, found, places):
    assert list(differences(demanded, found)) == places


def test_rounded_numbers_may_differ_in_their_last_bits_and_no_more():
    found = differences({"a": 0.3, "b": 0.3, "c": "x"}, {"a": 0.1 + 0.2, "b": 0.31, "c": 0.3}, lambda steps: True)

    assert [steps for steps, _, _ in found] == [("b",), ("c",)]


def test_a_violation_names_file_place_claim_and_what_is_due():
    assert list(violations("s.json", {"a": {"b c": 1}}, {"a": {"b c": 2}}, "the journal gives")) == [
        Violation("s.json", '$.a["b c"]', "2", "the journal gives: 1", "inconsistent")
    ]


def test_a_file_in_which_everything_differs_gives_a_bounded_number_of_violations():
    found = list(violations("s.json", list(range(10_000)), [], "due"))

    assert (len(found), found[-1].found) == (MOST_A_FILE + 1, f"more than {MOST_A_FILE} differences")
