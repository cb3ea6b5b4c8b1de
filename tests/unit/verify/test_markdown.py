"""The page that was written passes, whatever its texts hold; and nothing else passes for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.render.markdown import write
from extractor_flow.render.markdown_layout import Page, Section
from extractor_flow.verify.checks.markdown import check_page

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


@given(page=PAGES, other=PAGES)
def test_a_page_passes_as_itself_and_as_no_other(page, other):
    assert list(check_page(write(page), page)) == []
    assert bool(list(check_page(write(other), page))) == (write(other) != write(page))


@given(text=st.text())
def test_text_that_is_no_page_is_found_different(text):
    assert list(check_page(text, PAGE)) != []


def test_a_page_as_demanded_has_no_violations():
    assert list(check_page(TEXT, PAGE)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "shown"),
    [
        ("# Summary", "# Summery", 1, "Summery"),
        ("- Run ID: x", "- Run ID: y", 3, "Run ID: y"),
        ("- Run ID: x", "- Run ID: x\n- Note: z", 4, "list_item_open li"),
        ("## Failures", "## Passes", 12, "Passes"),
        ("| a | 1.0 |", "| a | 1.1 |", 9, "1.1"),
        ("| b | n/a |", "| b | 0.0 |", 10, "0.0"),
        ("| b | n/a |\n", "", 9, "tbody_close tbody"),
        ("| b | n/a |", "| b | n/a |\n| c | 2.0 |", 11, "tr_open tr of 2 cells"),
        ("| Name |", "| Person |", 7, "Person"),
        ("None.", "| Name |\n| --- |\n| c |", 14, "table_open table"),
        ("| a | 1.0 |", "| <i>a</i> | 1.0 |", 9, "<i>a</i>"),
        ("| a | 1.0 |", "| a | 1.0 | best |", 9, "tr_open tr of 3 cells"),
        ("None.", "None.\u2028", 14, "holds printable characters only"),
    ],
)
def test_a_change_is_found_in_its_line(old, new, line, shown):
    (found,) = check_page(TEXT.replace(old, new, 1), PAGE)

    assert (found.path, found.claim) == (f"line {line}", shown)


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
def test_markup_that_a_summary_never_has_is_found(old, new):
    assert len(list(check_page(TEXT.replace(old, new, 1), PAGE))) == 1
