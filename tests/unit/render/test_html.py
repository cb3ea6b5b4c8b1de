"""The page is self-contained, obeys nothing that is written in it, and shows what the summary says."""

import base64
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.files import printable
from extractor_flow.render.dot_plot import LEGEND, _Axis, dot_plot
from extractor_flow.render.formats import duration
from extractor_flow.render.html import report
from support.render_samples import GPU, HOSTILE, WORDS, completed, failed, mixed, skipped, statistics_entry, summary

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
VOID = {"meta", "img"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "section", "h1", "h2", "dl", "dt", "dd", "div", "p"),
    *("span", "b", "bdi", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code"),
    *("figure", "img", "figcaption"),
}


class Reader(HTMLParser):
    """Elements, attributes and texts of a page; wrong nesting is an error."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.attributes, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def hostile_summary(text):
    record = replace(failed(reason=text, log_tail=(text,)), name=text)
    entry = statistics_entry(text, (1.0, 2.0), probability_of_improvement=0.5, baseline=text)
    return summary(
        record,
        replace(completed(), name=text),
        run_id=text,
        output_root=text,
        notes=(text,),
        statistics=(entry,),
        hardware_overview=(replace(GPU, platform=text),),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(text):
    found = read(report(hostile_summary(text), WORDS, {text: PNG}))
    tame = read(report(hostile_summary("x"), WORDS, {"x": PNG}))

    assert (found.elements, [name for name, _ in found.attributes]) == (
        tame.elements,
        [name for name, _ in tame.attributes],
    )


@given(st.text(st.characters(codec=None), min_size=1))
def test_a_reason_is_shown_with_what_a_screen_would_obey_spelled_out(text):
    page = report(summary(failed(reason=text)), WORDS, {})

    shown = printable(text).replace("\r", "\\r")
    assert read(page).texts.count(shown) >= 2
    assert page.encode("utf-8")


def test_the_page_loads_nothing_and_runs_nothing():
    found = read(report(mixed(), WORDS, {"a.png": PNG}))

    assert set(found.elements) - ELEMENTS == set()
    assert {name for name, _ in found.attributes if name.startswith("on")} == set()
    assert {value[:22] for name, value in found.attributes if name in {"src", "href"}} == {"data:image/png;base64,"}
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in found.attributes


def test_figures_are_inside_the_page():
    found = read(report(mixed(), WORDS, {"curves.png": PNG}))

    assert [base64.b64decode(value.partition(",")[2]) for name, value in found.attributes if name == "src"] == [PNG]


def test_a_figure_that_is_no_png_is_named_and_not_shown():
    found = read(report(mixed(), WORDS, {"page.png": b"<svg onload=alert(1)>"}))

    assert ("img" in found.elements, "page.png" in found.texts) == (False, True)
    assert " is not a PNG file and is not shown." in found.texts


def test_the_page_follows_the_readers_choice_of_light_or_dark_and_the_width():
    page = report(mixed(), WORDS, {})

    assert [word in page for word in ("prefers-color-scheme: dark", "width=device-width", "overflow-x: auto")] == [
        True,
        True,
        True,
    ]


def test_every_section_of_the_contract_is_on_the_page():
    found = read(report(mixed(), WORDS, {}))

    headings = {"Extractor Results", "Failures & Skips", "Statistics", "Aggregated Metrics", "Hardware Overview"}
    assert headings - {*found.texts} == set()
    assert "Reproducibility" in found.texts


def test_the_end_of_a_failed_jobs_log_is_there():
    found = read(report(summary(failed(log_tail=("step 1", "<b>boom</b>"))), WORDS, {}))

    assert "step 1\n<b>boom</b>" in found.texts


def test_each_artifact_has_its_digest_and_its_size():
    found = read(report(summary(completed()), WORDS, {}))
    (artifact,) = completed().outcome.artifacts.values()

    assert {artifact.sha256, str(artifact.size_bytes), artifact.path} - {*found.texts} == set()


def test_a_metric_that_a_job_lacks_is_marked_absent():
    other = completed("other")
    other = replace(other, outcome=replace(other.outcome, metrics={"speed": 2.0}))
    texts = read(report(summary(completed(), other), WORDS, {})).texts

    cells = texts[texts.index("All Metrics") :]
    row = [text for text in cells[cells.index("mlp_small seed 42") :] if text.strip()][:8]
    assert row == ["mlp_small seed 42", "-1.25 reward", "n/a", "54760.00", "other seed 42", "n/a", "2.00", "n/a"]


def test_an_interrupted_run_says_so_and_another_does_not():
    interrupted, whole = (report(summary(completed(), interrupted=flag), WORDS, {}) for flag in (True, False))

    assert ("Interrupted" in interrupted, "Interrupted" in whole) == (True, False)


def test_where_no_job_has_the_headline_metric_there_is_no_plot():
    assert dot_plot(summary(failed(), skipped()), WORDS) is None


def test_the_plot_has_a_dot_a_job_and_an_interval_where_one_is_known():
    plot = dot_plot(mixed(), WORDS)

    assert [plot.count(f'class="{kind}"') for kind in ("dot", "interval", "centre")] == [2, 1, 1]
    assert LEGEND in plot


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6))
def test_every_value_lies_on_the_axis_between_its_ends(values):
    axis = _Axis(min(values), max(values))

    places = [float(axis.percent(value).removesuffix("%")) for value in sorted(values)]

    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert 2 <= len(axis.ticks()) <= 8


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-7.1, 0.9, ["-8", "-6", "-4", "-2", "0", "2"]),
        (0.0, 0.0, ["0.0", "0.2"]),
        (3.0, 3.0, ["3", "4"]),
        (0.012, 0.058, ["0.01", "0.02", "0.03", "0.04", "0.05", "0.06"]),
        (1e-9, 5e-9, ["1e-09", "2e-09", "3e-09", "4e-09", "5e-09"]),
    ],
)
def test_an_axis_has_round_labels(low, high, labels):
    axis = _Axis(low, high)

    assert [axis.label(tick) for tick in axis.ticks()] == labels


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.99, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599.9, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_told_at_a_glance(value, text):
    assert duration(value) == text
