"""A median over seeds, with the range of a few and an interval of five and more."""

import math
from statistics import median as oracle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.study.statistics import describe, restricted_mean

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_centre_is_the_median(values):
    assert describe(values).centre == pytest.approx(oracle(values), rel=1e-12, abs=1e-9)


@given(st.lists(finite, min_size=1, max_size=12).flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_the_order_of_the_seeds_changes_neither_centre_nor_interval(lists):
    given_order, other_order = (describe(values) for values in lists)

    assert (given_order.centre, given_order.spread) == (other_order.centre, other_order.spread)


@given(st.lists(finite, min_size=2, max_size=12))
def test_centre_and_interval_lie_within_the_values(values):
    found = describe(values)

    assert min(values) <= found.low <= found.centre <= found.high <= max(values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([3.0], {"n": 1, "centre": 3.0}),
        ([3.0, 1.0], {"n": 2, "centre": 2.0, "low": 1.0, "high": 3.0, "interval": "range"}),
        ([4.0, 1.0, 3.0, 9.0], {"n": 4, "centre": 3.5, "low": 1.0, "high": 9.0, "interval": "range"}),
        (
            [4.0, 1.0, 3.0, 9.0, 2.0],
            {"n": 5, "centre": 3.0, "low": 1.0, "high": 9.0, "interval": "order-statistics", "coverage": 0.94},
        ),
    ],
)
def test_fewer_than_five_seeds_have_a_range_and_more_an_interval_with_its_coverage(values, told):
    assert describe(values).to_json() == {"centre_name": "median", "values": values, **told}


def test_the_interval_of_many_seeds_lies_between_their_order_statistics():
    found = describe([float(k) for k in range(10)])

    assert 1 < found.low < 2  # from the second (98 % exact) to the third (89 %) of ten
    assert found.high == pytest.approx(9 - found.low)


@pytest.mark.parametrize("values", [[], [math.nan], [1, math.inf], [None], ["a"], [10**400], [[1.0, 2.0], [3.0, 4.0]]])
def test_no_number_is_made_from_nothing_or_from_what_is_not_finite(values):
    with pytest.raises(ValueError, match="expected one or more finite numbers; found"):
        describe(values)


def test_a_time_that_never_came_counts_as_the_end():
    assert restricted_mean([100, None, 500], 400) == 300
