"""Scores of several environments together."""

from __future__ import annotations

import pytest

from extractor_flow.study.statistics import interquartile_mean, pool, thresholds

LOW, HIGH = [0.0, 0.1, 0.2, 0.3, 0.4], [0.6, 0.7, 0.8, 0.9, 1.0]


def test_the_lowest_and_the_highest_quarter_do_not_count():
    assert interquartile_mean([100, 1, 2, 3, 4, 5, 6, -100]) == 3.5
    assert interquartile_mean([1, 2, 9]) == 4.0


def test_the_same_scores_give_the_same_bits():
    assert pool([LOW, HIGH], [0.5]).to_json() == pool([LOW, HIGH], [0.5]).to_json()


def test_a_profile_tells_which_share_is_above_a_score_and_seeds_are_drawn_within_their_environment():
    (point,) = pool([LOW, HIGH], [0.5]).profile

    assert (point.share, point.low, point.high) == (0.5, 0.5, 0.5)  # no draw mixes the environments


@pytest.mark.parametrize("strata", [[LOW, HIGH[:4]], [[0.5]]])
def test_below_five_seeds_there_is_no_interval(strata):
    assert "interval" not in pool(strata, [0.5]).to_json()


def test_thresholds_reach_over_every_score():
    assert (thresholds([0.5])[0], thresholds([0.5])[-1], thresholds([-1.0, 3.0])[-1]) == (0.0, 1.0, 3.0)
