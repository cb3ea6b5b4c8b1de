"""Any text stays inside its cell, does nothing there, and can be read back."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from extractor_flow.render.escaping import cell, escape_cell
from support.cells import unescape_cell
from support.render_samples import HOSTILE, read

texts = st.text(st.characters(codec=None)) | st.text("|\\`*_[]<>&#~$!:-= \tn/axuU0\n\r")
PARSERS = {"commonmark": MarkdownIt("commonmark").enable("table"), "default": MarkdownIt("js-default")}


def table(*cells):
    return f"| A | B | C |\n| --- | --- | --- |\n| {' | '.join(cells)} |\n\nAfter\n"


def with_hostile_examples(test):
    for text in HOSTILE:
        test = example(text)(test)
    return test


@with_hostile_examples
@settings(max_examples=200)
@given(texts)
def test_a_cell_is_read_back_intact_and_its_neighbours_too(text):
    _, row, after = read(table("left", escape_cell(text), "right"))

    assert [row[0], unescape_cell(row[1]), row[2], after] == ["left", text, "right", "After"]


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_element_arises_from_a_text(parser, text):
    plain = parser.render(table("left", "x", "right"))
    html = parser.render(table("left", escape_cell(text), "right"))

    assert [part.partition(">")[0] for part in html.split("<")] == [part.partition(">")[0] for part in plain.split("<")]


@given(texts)
def test_the_source_of_a_cell_is_printable_and_fits_utf_8(text):
    source = escape_cell(text)

    assert source.isprintable()
    assert source.encode("utf-8").decode("utf-8") == source


@given(texts, texts)
def test_different_texts_have_different_cells(one, other):
    assert (escape_cell(one) == escape_cell(other)) == (one == other)


@given(texts)
def test_reading_never_raises_whatever_stands_in_the_file(text):
    assert isinstance(unescape_cell(text), str)


@pytest.mark.parametrize(
    "text", ["mlp_small", "ValueError: boom", "needs CUDA; run it elsewhere", "R & D", "p > 0.5", "lidar-2.0 (x)", "é"]
)
def test_a_harmless_text_is_its_own_cell(text):
    assert escape_cell(text) == text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a|b", r"a\|b"),
        ("one\ntwo", r"one\\ntwo"),
        ("\\", r"\\\\"),
        ("<b>", "&lt;b>"),
        ("&lt;", "&amp;lt;"),
        ("_x_", r"\_x\_"),
        ("\u202e", r"\\u202e"),
        (" x ", r"\\x20x\\x20"),
        (" ", r"\\x20"),
        ("#1", r"\#1"),
    ],
)
def test_what_markdown_or_a_terminal_would_obey_is_escaped(text, source):
    assert escape_cell(text) == source


def test_the_text_of_absence_is_not_absence():
    assert [cell(None), cell("n/a"), cell("")] == ["n/a", r"\\x6e/a", ""]


def test_an_escape_beyond_unicode_is_left_as_it_stands():
    assert unescape_cell(r"\U00110000 \q") == r"\U00110000 \q"
