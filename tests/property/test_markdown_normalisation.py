"""A normalised summary hides the machine, the place and the times of a run, and not one thing more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.render.markdown import render, write
from extractor_flow.render.markdown_layout import page_of
from extractor_flow.render.summary_json import to_json
from extractor_flow.study.records import Completed
from extractor_flow.study.summary import core_aggregates
from extractor_flow.testing import normalise_markdown
from support.generated.strategies import hardware_profiles, hostile_text, summaries

WORDS = extractor_comparison.vocabulary
VOLATILE_FACTS = {"Created At", "Output Directory"}
moderate = settings(max_examples=15)
seconds = st.floats(0, 1e5)


def elsewhere(summary, machine, duration):
    """The same results, had they been made at another time, in another place, on another machine."""
    told = tuple(
        record if record.end_time is None else replace(record, duration_seconds=duration, hardware=machine)
        for record in summary.records
    )
    times = {key: value for key, value in core_aggregates(told).items() if key == "total_wall_time"}
    return replace(
        summary,
        records=told,
        created_at="2027-01-01T00:00:00.000Z",
        output_root="/another/place",
        run_directory="another",
        hardware_overview=(machine,) * len(summary.hardware_overview),
        aggregate_metrics={**summary.aggregate_metrics, **times},
        provenance=summary.provenance and {"command": ["another"], "packages": {}},
    )


def with_item(values, place, value):
    return (*values[:place], value, *values[place + 1 :])


@st.composite
def edits(draw):
    """A page, the same page with another text in one place, and whether that place may differ between equal runs."""
    page = page_of(to_json(draw(summaries()), WORDS), WORDS)
    if draw(st.booleans()):
        return (page, *_another_fact(draw, page))
    number = draw(st.sampled_from([n for n, section in enumerate(page.sections) if section.rows]))
    section, volatile = _another_cell(draw, page.sections[number])
    sections = with_item(page.sections, number, section)
    return page, replace(page, sections=sections), volatile


def _another_fact(draw, page):
    place = draw(st.integers(0, len(page.facts) - 1))
    label, value = page.facts[place]
    text = draw(hostile_text(blank=True).filter(lambda text: text != value))
    facts = with_item(page.facts, place, (label, text))
    return replace(page, facts=facts), label in VOLATILE_FACTS


def _another_cell(draw, section):
    place = draw(st.integers(0, len(section.rows) - 1))
    column = draw(st.integers(0, len(section.columns) - 1))
    row = section.rows[place]
    text = draw((st.none() | hostile_text(blank=True)).filter(lambda text: text != row[column]))
    rows = with_item(section.rows, place, with_item(row, column, text))
    return replace(section, rows=rows), _is_volatile(section, row, column, text)


def _is_volatile(section, row, column, text):
    if section.heading == "Aggregated Metrics":
        return row[0] == "total_wall_time" and section.columns[column] == "Value"
    is_duration = section.columns[column] == "Duration (s)"
    return section.heading == "Hardware Overview" or (is_duration and None not in {row[column], text})


@moderate
@given(summary=summaries(), machine=hardware_profiles(), duration=seconds)
def test_equal_results_read_alike_wherever_and_whenever_they_were_made(summary, machine, duration):
    other = elsewhere(summary, machine, duration)

    assert normalise_markdown(render(summary, WORDS)) == normalise_markdown(render(other, WORDS))


@settings(max_examples=40)
@given(edits())
def test_a_change_in_any_one_place_is_seen_unless_that_place_depends_on_the_machine_or_the_time(edit):
    page, other, volatile = edit

    assert (normalise_markdown(write(page)) == normalise_markdown(write(other))) == volatile


@moderate
@given(summary=summaries(), reward=st.floats(-1e6, 1e6))
def test_a_changed_metric_is_never_hidden(summary, reward):
    def with_reward(value):
        told = [
            replace(record, outcome=replace(record.outcome, metrics={"best_mean_reward": value}))
            if isinstance(record.outcome, Completed)
            else record
            for record in summary.records
        ]
        aggregates = {**summary.aggregate_metrics, "best_mean_reward": value}
        return normalise_markdown(render(replace(summary, records=tuple(told), aggregate_metrics=aggregates), WORDS))

    assert with_reward(reward) != with_reward(reward + 0.02)


@moderate
@given(summary=summaries())
def test_normalising_twice_is_normalising_once(summary):
    once = normalise_markdown(render(summary, WORDS))

    assert normalise_markdown(once) == once


@moderate
@given(hostile_text(blank=True))
def test_any_text_can_be_normalised_line_by_line(text):
    assert normalise_markdown(text).count("\n") == text.count("\n")
