"""The page that is parsed is the page that was written, whatever its texts hold; and nothing else passes for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.render.markdown import write
from extractor_flow.render.markdown_layout import Page, Section
from extractor_flow.verify.checks.markdown import PageError, check_page, parse_page

TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        "n/a",
        "|",
        "a|b\\|c",
        "`x`",
        "**b**",
        "<b>",
        "![i](u)",
        "&amp;",
        "\n",
        "# h",
        "- i",
        "1. x",
        "\u202eabc",
        "🙂",
        " x ",
    ]
)
LABELS = st.sampled_from(["Run ID", "Note"])
FACTS = st.lists(st.tuples(LABELS, TEXTS), max_size=3).map(tuple)


@st.composite
def sections(draw, heading):
    columns = tuple(f"Column {n}" for n in range(draw(st.integers(1, 3))))
    rows = tuple(draw(st.lists(st.tuples(*[st.none() | TEXTS] * len(columns)), max_size=3)))
    return Section(heading, columns if rows else (), rows, draw(FACTS))


PAGES = st.builds(Page, TEXTS, FACTS, st.tuples(sections("Results"), sections("Failures & Skips")))
PAGE = Page(
    "Summary",
    (("Run ID", "x"),),
    (Section("Results", ("Name", "Reward"), (("a", "1.0"), ("b", None))), Section("Failures", (), ())),
)
TEXT = write(PAGE)


@given(page=PAGES)
def test_a_page_that_was_written_is_parsed_as_it_was(page):
    assert parse_page(write(page)) == page


@given(text=st.text())
def test_text_that_is_no_page_is_refused_or_found_different(text):
    assert list(check_page(text, PAGE)) != []


def test_a_page_as_demanded_has_no_violations():
    assert list(check_page(TEXT, PAGE)) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("# Summary", "# Summery", "title"),
        ("- Run ID: x", "- Run ID: y", "Run ID"),
        ("- Run ID: x", "- Run ID: x\n- Note: z", "Note"),
        ("## Failures", "## Passes", "sections"),
        ("| a | 1.0 |", "| a | 1.1 |", "Results / row 1 / Reward"),
        ("| b | n/a |", "| b | 0.0 |", "Results / row 2 / Reward"),
        ("| b | n/a |\n", "", "Results / row 2"),
        ("| b | n/a |", "| b | n/a |\n| c | 2.0 |", "Results / row 3"),
        ("| Name |", "| Person |", "Results / columns"),
        ("None.", "| Name |\n| --- |\n| c |", "Failures / row 1"),
        ("None.", "| All is well |\n| --- |", "Failures / columns"),
    ],
)
def test_a_change_is_found_in_its_place(old, new, place):
    assert place in [violation.path for violation in check_page(TEXT.replace(old, new, 1), PAGE)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Summary", "Summary"),
        ("# Summary", "# *Summary*"),
        ("- Run ID: x", "- Run ID: [x](http://e)"),
        ("- Run ID: x", "- Run ID"),
        ("- Run ID: x", "1. Run ID: x"),
        ("| a | 1.0 |", "| <i>a</i> | 1.0 |"),
        ("| a | 1.0 |", "| a | ![1.0](u) |"),
        ("| a | 1.0 |", "| a | `1.0` |"),
        ("None.", "None"),
        ("None.", "> None."),
        ("None.", "<script>alert(1)</script>"),
        ("None.", "None.\n\nMore."),
        ("None.", "```\nNone.\n```"),
        ("| a | 1.0 |", "| a | 1.0 | best |"),
        ("| a | 1.0 |", "| a | 1.0 | |"),
        ("None.", 'None.\n\n[all]: http://e "is well"'),
        ("None.", "None.\u2028"),
        ("None.", "None.\f"),
        ("| a |", "| \u202ea |"),
    ],
)
def test_markup_that_a_summary_never_has_is_refused_with_its_line(old, new):
    with pytest.raises(PageError) as caught:
        parse_page(TEXT.replace(old, new, 1))
    assert caught.value.line >= 1
