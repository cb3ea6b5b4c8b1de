"""The statistics over seeds, against scipy as the oracle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from extractor_flow.study.statistics import (
    SeedStatistics,
    bootstrap_interval,
    describe,
    interquartile_mean,
    probability_of_improvement,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-1e6, 1e6)
scores = st.lists(moderate, min_size=1, max_size=30)


def percentile_oracle(values, confidence, resamples, seed):
    result = stats.bootstrap(
        (np.sort(values),),
        lambda sample, axis: stats.trim_mean(sample, 0.25, axis=axis),
        method="percentile",
        confidence_level=confidence,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return tuple(result.confidence_interval)


@given(scores)
def test_the_interquartile_mean_is_scipys_trimmed_mean(values):
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
@pytest.mark.parametrize(
    "values",
    [[1.0, 2.0], [3.0, -1.0, 8.5], [-5.5, 0.4, -2.0, 1.0, 7.0], list(np.random.default_rng(5).normal(size=20))],
)
def test_the_interval_is_scipys_percentile_bootstrap(values, confidence):
    interval = bootstrap_interval(values, confidence=confidence, resamples=500, rng=np.random.default_rng(11))

    assert interval == pytest.approx(percentile_oracle(values, confidence, 500, 11), rel=1e-12)


@given(scores, scores)
def test_the_probability_of_improvement_is_the_mann_whitney_statistic_per_pair(x, y):
    oracle = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=False) if len({*x, *y}) > 1 else None

    assert probability_of_improvement(x, y) == pytest.approx(
        0.5 if oracle is None else oracle.statistic / (len(x) * len(y))
    )


def test_a_tie_counts_one_half():
    assert probability_of_improvement([1.0, 2.0], [1.0]) == 0.75


@given(scores, scores)
def test_improvement_one_way_is_the_lack_of_it_the_other_way(x, y):
    assert probability_of_improvement(x, y) + probability_of_improvement(y, x) == pytest.approx(1.0)


@given(st.lists(finite, min_size=1, max_size=12).flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_the_order_of_the_seeds_changes_neither_centre_nor_interval(lists):
    given_order, other_order = (describe(values) for values in lists)

    assert (given_order.centre, given_order.low, given_order.high) == (
        other_order.centre,
        other_order.low,
        other_order.high,
    )


@given(st.lists(finite, min_size=2, max_size=12))
def test_centre_and_interval_lie_within_the_values(values):
    found = describe(values)

    assert min(values) <= found.low <= found.high <= max(values)
    assert min(values) <= found.centre <= max(values)


@given(finite, st.integers(2, 9))
def test_constant_scores_give_an_interval_without_width(value, n):
    assert describe([value] * n) == SeedStatistics(
        n=n, centre=value, centre_name="IQM" if n > 3 else "mean", low=value, high=value, values=(value,) * n
    )


@pytest.mark.parametrize(("n", "name"), [(1, "mean"), (2, "mean"), (3, "mean"), (4, "IQM"), (5, "IQM")])
def test_the_centre_is_called_a_mean_where_nothing_is_trimmed(n, name):
    assert describe([float(k) for k in range(n)]).centre_name == name


def test_the_trim_takes_the_outliers_of_four_values():
    assert describe([1000.0, 1.0, 3.0, -1000.0]).centre == 2.0


def test_one_seed_has_no_interval():
    assert describe([-3.25]).to_json() == {"n": 1, "centre": -3.25, "centre_name": "mean", "values": [-3.25]}


def test_the_json_form_keeps_the_values_in_their_order():
    assert describe([3.0, 1.0]).to_json() == {
        "n": 2,
        "centre": 2.0,
        "centre_name": "mean",
        "values": [3.0, 1.0],
        "low": 1.0,
        "high": 3.0,
    }


def test_the_same_values_give_the_same_interval_every_time():
    values = [0.3, 5.0, -2.0, 7.5, 1.25]

    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_another_generator_gives_another_interval():
    values = list(np.random.default_rng(0).normal(size=9))

    assert bootstrap_interval(values, resamples=50, rng=np.random.default_rng(1)) != bootstrap_interval(
        values, resamples=50, rng=np.random.default_rng(2)
    )


def test_a_higher_confidence_widens_the_interval():
    values = list(np.random.default_rng(3).normal(size=15))
    low, high = bootstrap_interval(values, confidence=0.99)
    inner_low, inner_high = bootstrap_interval(values, confidence=0.8)

    assert low < inner_low < inner_high < high


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf], [[1.0, 2.0], [3.0, 4.0]]])
@pytest.mark.parametrize("function", [describe, interquartile_mean, bootstrap_interval])
def test_no_number_is_made_from_nothing_or_from_what_is_not_finite(function, values):
    with pytest.raises(ValueError, match="expected one or more finite numbers; found"):
        function(values)


def test_improvement_over_nothing_is_an_error():
    with pytest.raises(ValueError, match="expected one or more finite numbers"):
        probability_of_improvement([1.0], [])
