"""Places in a config, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractor_flow.config import ConfigDocument, Problem, dotted, nearest, shown

FILE = Path("c.yaml")
DOCUMENT = ConfigDocument(
    path=FILE,
    data={"run": {"seed": 1}, "extractors": [{"name": "a"}]},
    positions={(): 1, ("run",): 3, ("run", "seed"): 4, ("extractors",): 6, ("extractors", 0): 7},
)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "c.yaml:1"),
        (("run",), "c.yaml:3: run"),
        (("run", "seed"), "c.yaml:4: run.seed"),
        (("run", "absent"), "c.yaml:3: run.absent"),
        (("extractors", 0, "name"), "c.yaml:7: extractors[0].name"),
        (("extractors", 2, "name"), "c.yaml:6: extractors[2].name"),
        (("absent", "below"), "c.yaml:1: absent.below"),
    ],
)
def test_a_place_has_the_line_of_its_nearest_ancestor_in_the_file(path, place):
    assert DOCUMENT.where(path) == place


def test_problems_come_in_the_order_of_the_file_and_once():
    seed, extractors, run = (
        Problem(("run", "seed"), "is bad"),
        Problem(("extractors",), "is worse"),
        Problem(("run",), "is odd"),
    )

    assert DOCUMENT.complain([extractors, seed, run, seed]).problems == (
        "c.yaml:3: run: is odd",
        "c.yaml:4: run.seed: is bad",
        "c.yaml:6: extractors: is worse",
    )


def test_odd_keys_are_quoted():
    assert dotted(("a.b", 0, "", "c-d", "new\nline", "\x1b")) == "'a.b'[0].''.c-d.'new\\nline'.'\\x1b'"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", '"it\'s"'),
        ("\x1b[31m\n", "'\\x1b[31m\\n'"),
        ("right-to-left \u202e", "'right-to-left \\u202e'"),
        (["é", None, True, 1.5], '["é", null, true, 1.5]'),
        ({"a": "\u202e"}, '{"a": "\\u202e"}'),
        ("x" * 58, "'" + "x" * 58 + "'"),
        ("x" * 59, "'" + "x" * 56 + "..."),
        ("x" * 1_000_000, "'" + "x" * 56 + "..."),
        ([0] * 100, "[" + "0, " * 18 + "0," + "..."),
    ],
)
def test_a_value_is_shown_on_one_printable_line(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("total_timestep", "total_timesteps"),
        ("DEVICE", "device"),
        ("divice", "device"),
        ("colour", None),
        ("", None),
        ("x" * 1_000_000, None),
    ],
)
def test_the_nearest_name_is_a_likely_slip_or_none(word, near):
    assert nearest(word, ["total_timesteps", "device", "seed"]) == near
