"""Numbers are shown with the decimals and the unit their metric has."""

import pytest

from extractor_flow.render.formats import CORE_METRICS, day, duration, metric_of, number, quantity, seconds
from extractor_flow.study.job_contract import Metric
from support.render_samples import WORDS


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1.255, 2, "1.25"),  # the double nearest to 1.255 lies below it
        (0.125, 2, "0.12"),
        (0.375, 2, "0.38"),
        (-0.001, 2, "0.00"),
        (-1.5, 0, "-2"),
        (54760, 2, "54760.00"),
        (999_999_999_999_999.0, 0, "999999999999999"),
        (1e15, 1, "1.0e+15"),
        (-2.5e300, 3, "-2.500e+300"),
    ],
)
def test_a_number_is_rounded_to_its_decimals(value, decimals, text):
    assert number(value, decimals) == text


@pytest.mark.parametrize(("value", "text"), [(60.25, "60.2"), (0.04, "0.0"), (3600, "3600.0")])
def test_seconds_have_one_decimal(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize(("unit", "text"), [("reward", "1.5 reward"), ("", "1.5")])
def test_a_quantity_has_its_unit_if_it_has_one(unit, text):
    assert quantity(1.5, Metric("x", unit=unit, decimals=1)) == text


def test_a_metric_is_named_by_the_flow_then_by_the_core_then_by_itself():
    assert [metric_of(key, WORDS) for key in ("best_mean_reward", "failed_runs", "mystery")] == [
        WORDS.metrics["best_mean_reward"],
        CORE_METRICS["failed_runs"],
        Metric("mystery"),
    ]


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


@pytest.mark.parametrize(
    ("timestamp", "shown"),
    [
        ("2026-11-28T09:08:15.590Z", "28 November 2026, 09:08 UTC"),
        ("2026-01-01T00:30:00+02:00", "31 December 2025, 22:30 UTC"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_moment_is_told_in_words(timestamp, shown):
    assert day(timestamp) == shown
