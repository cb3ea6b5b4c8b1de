"""The Markdown contract says in words what the layout says as data."""

from importlib import resources
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from extractor_flow.layout import SUMMARY
from extractor_flow.render import escaping, formats
from extractor_flow.render import markdown_layout as layout

CONTRACT = (resources.files("extractor_flow._contracts") / "markdown_contract.md").read_text(encoding="utf-8")


def tables():
    """Each table's rows as the texts of their cells."""
    found = []
    for before, token in pairwise(MarkdownIt("commonmark").enable("table").parse(CONTRACT)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif before.type in {"td_open", "th_open"}:
            found[-1][-1].append("".join(child.content for child in token.children))
    return found


LABELS, SECTIONS, CELLS = (table[1:] for table in tables())


def test_the_labelled_lines_are_those_of_the_layout_in_order():
    told = [label.removesuffix(":") for label, *_ in LABELS]

    assert told == [layout.RUN_ID, layout.CREATED_AT, layout.OUTPUT_DIRECTORY, layout.INTERRUPTED, layout.NOTE]


def test_the_sections_and_columns_are_those_of_the_layout_in_order():
    told = [(heading.split("; ")[-1], tuple(columns.split(", "))) for heading, columns, _ in SECTIONS]

    assert told == [
        (layout.VERDICT_HEADING, layout.VERDICT_COLUMNS),
        (layout.HARDWARE_HEADING, layout.HARDWARE_COLUMNS),
        ("Extractor Results", ("name", layout.SEED_COLUMN, *layout.RESULT_COLUMNS)),
        (layout.FAILURES_HEADING, ("name", layout.SEED_COLUMN, *layout.FAILURE_COLUMNS)),
        (layout.AGGREGATES_HEADING, layout.AGGREGATE_COLUMNS),
        (layout.STATISTICS_HEADING, ("name", *layout.STATISTICS_COLUMNS)),
        (layout.REPRODUCIBILITY_HEADING, ("name", layout.SEED_COLUMN, *layout.ARTIFACT_COLUMNS)),
    ]


@pytest.mark.parametrize(
    "column",
    sorted(
        {
            *layout.RESULT_COLUMNS,
            *layout.FAILURE_COLUMNS,
            *layout.AGGREGATE_COLUMNS,
            *layout.STATISTICS_COLUMNS,
            *layout.ARTIFACT_COLUMNS,
        }
        - {"Worker Mode", "Artifact"}
    ),
)
def test_every_cell_that_is_not_copied_is_explained(column):
    assert column in {cell.partition(" (aggregated)")[0].partition(" (statistics)")[0] for cell, _ in CELLS}


@pytest.mark.parametrize(
    "phrase",
    [
        f"`{layout.INTERRUPTED_TEXT}`",
        f"`{layout.NO_ROWS}`",
        f"`Summary: {SUMMARY}`",
        f"`{escaping.ABSENT}`",
        "10^15",
    ],
)
def test_fixed_texts_are_quoted_as_they_are(phrase):
    assert phrase in CONTRACT


def test_a_wall_time_has_as_many_decimals_as_the_contract_says():
    assert formats.SECONDS_DECIMALS == 1


@pytest.mark.parametrize("character", list("\\`*[]~$|#"))
def test_every_character_that_the_contract_escapes_is_escaped_and_in_the_contract(character):
    assert escaping.escape_cell(f"a{character}b").endswith(f"\\{character}b")
    assert character in CONTRACT.partition("before each of `` ")[2].partition(" ``")[0]
