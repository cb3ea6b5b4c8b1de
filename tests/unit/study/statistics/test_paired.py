"""Differences seed by seed: against scipy as the oracle, and told apart only where the correction allows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from extractor_flow.study.statistics import against, pair
from extractor_flow.study.statistics.paired import wilson
from extractor_flow.study.statistics.replication import REPLICATED, SCALE, replication_probability, seeds_needed
from extractor_flow.study.statistics.student import quantile, two_sided_p

MLP = dict(enumerate([10.4, 12.4, 10.6, 18.1, 19.5]))
SCORES = {
    "mlp": MLP,
    "attention": dict(enumerate([20.3, 18.7, 15.9, 22.3, 23.0])),
    "lstm": dict(enumerate([11.6, 17.7, 11.7, 19.8, 19.6])),
    "cnn": {**MLP, 5: 7.0},
}


# Nearer to zero scipy loses digits: with one degree of freedom the share is known in closed form, and ours has it.
@given(st.integers(1, 60), st.floats(0.01, 50))
def test_the_t_distribution_is_scipys(degrees, statistic):
    assert two_sided_p(statistic, degrees) == pytest.approx(2 * stats.t.sf(statistic, degrees), abs=1e-13)


@given(st.floats(-50, 50))
def test_with_one_degree_of_freedom_it_is_cauchys(statistic):
    assert two_sided_p(statistic, 1) == pytest.approx(1 - 2 * math.atan(abs(statistic)) / math.pi, abs=1e-13)


@pytest.mark.parametrize("degrees", [1, 2, 4, 9, 30])
@pytest.mark.parametrize("p", [0.5, 0.05, 0.05 / 7])
def test_its_quantiles_are_scipys(degrees, p):
    assert quantile(p, degrees) == pytest.approx(stats.t.isf(p / 2, degrees), rel=1e-10)


@pytest.mark.parametrize("significance", [0.05, 0.05 / 3])
@pytest.mark.parametrize("effect", [0.4, 0.8, 1.5])
def test_the_number_of_seeds_needed_has_the_power_promised(effect, significance):
    needed = seeds_needed(effect, significance, 5)

    def power(n):
        claimed = brentq(lambda t: replication_probability(t, n, significance) - REPLICATED, 0, 99)
        return stats.nct.sf(claimed, n - 1, effect * math.sqrt(n))

    assert power(needed) > 0.75
    assert power(needed - 2) < 0.82


def test_differences_are_taken_on_the_seeds_that_both_have():
    found = pair({0: 1.0, 1: 5.0, 2: 3.0}, {1: 2.0, 2: 3.0, 3: 9.0})

    assert (found.differences, found.wins, found.ties, found.probability) == ({1: 3.0, 2: 0.0}, 1, 1, 0.75)


def test_fewer_is_better_where_the_metric_says_so():
    assert pair({0: 1.0, 1: 9.0}, {0: 2.0, 1: 2.0}, larger_is_better=False).wins == 1


@pytest.mark.parametrize(("ours", "theirs"), [({0: 1.0}, {1: 1.0}), ({0: 1e308}, {0: -1e308})])
def test_what_cannot_be_paired_is_absent(ours, theirs):
    assert pair(ours, theirs) is None


def test_the_test_is_scipys_with_holms_correction():
    found = against("mlp", SCORES).others
    raw = {
        name: stats.ttest_rel([SCORES[name][seed] for seed in MLP], list(MLP.values())).pvalue
        for name in ("attention", "lstm")
    }
    order = sorted(raw, key=raw.get)

    assert {name: found[name].tested.p_value for name in raw} == pytest.approx(raw)
    assert found[order[0]].tested.p_adjusted == pytest.approx(3 * raw[order[0]])
    assert found[order[1]].tested.p_adjusted == pytest.approx(max(3 * raw[order[0]], 2 * raw[order[1]]))
    assert (found["cnn"].tested.p_value, found["cnn"].n) == (1.0, 5)


@given(st.lists(st.lists(st.floats(-9, 9), min_size=6, max_size=6), min_size=2, max_size=5))
def test_the_corrected_interval_is_clear_of_zero_exactly_where_the_corrected_test_rejects(rows):
    found = against("0", {str(name): dict(enumerate(row)) for name, row in enumerate(rows)})

    for paired in found.others.values():
        if paired.tested.p_adjusted == pytest.approx(0.05, abs=1e-6):
            continue
        clear = paired.tested.low > 0 or paired.tested.high < 0
        assert clear == (paired.tested.p_adjusted < 0.05)


@pytest.mark.parametrize(("statistic", "n"), [(4.0, 5), (3.0, 10), (2.0, 40)])
def test_the_probability_of_a_repeat_is_what_its_model_simulates(statistic, n):
    generator, count, level = np.random.default_rng(3), 400_000, 0.05 / 3
    effects = SCALE * generator.standard_cauchy(count) * (generator.random(count) < 0.5)
    first, second = (stats.nct.rvs(n - 1, effects * math.sqrt(n), random_state=seed) for seed in (1, 2))
    alike = abs(first - statistic) < statistic / 10

    again = np.mean(second[alike] > stats.t.isf(level / 2, n - 1))
    assert replication_probability(statistic, n, level) == pytest.approx(again, abs=0.03)


def test_any_statistic_has_a_probability_of_a_repeat():
    assert [round(replication_probability(each, 5, 0.05), 3) for each in (0.0, -1e9, math.inf)] == [0.031, 1.0, 1.0]


def test_families_beside_each_other_share_the_level():
    alone, beside = (against("mlp", SCORES, families=count).others["attention"].tested for count in (1, 4))

    assert beside.p_adjusted == pytest.approx(4 * alone.p_adjusted)
    assert (1 - beside.confidence) * 4 == pytest.approx(1 - alone.confidence)


def test_four_seeds_are_not_tested():
    found = against("a", {"a": dict.fromkeys(range(4), 0.0), "b": {seed: 9.0 + seed for seed in range(4)}})

    assert (found.others["b"].tested, found.others["b"].distinct) == (None, False)


def test_one_seed_that_disagrees_keeps_five_from_being_told_apart():
    apart = [5.0, 5.1, 4.9, 5.0, 5.0]
    found = against("a", {"a": dict.fromkeys(range(5), 0.0), "b": dict(enumerate(apart))}).others["b"]
    split = against("a", {"a": dict.fromkeys(range(5), 0.0), "b": dict(enumerate([*apart[:4], -0.1]))}).others["b"]

    assert (found.distinct, split.distinct, split.tested.p_adjusted < 0.05) == (True, False, True)


def test_what_a_repeat_may_well_not_tell_again_is_not_told_apart():
    found = against("a", {"a": dict.fromkeys(range(5), 0.0), "b": dict(enumerate([1.0, 2.0, 3.0, 4.0, 5.0]))})

    assert found.others["b"].tested.p_adjusted < 0.05
    assert (found.others["b"].distinct, round(found.others["b"].replication_probability, 1)) == (False, 0.5)


@pytest.mark.parametrize("size", [1e-320, 1.0, 1e299])
def test_differences_of_any_size_are_tested_alike(size):
    rows = {"a": dict.fromkeys(range(6), 0.0), "b": {seed: size * (1 + seed) for seed in range(6)}}
    found = against("a", rows).others["b"].tested

    assert found.p_value == pytest.approx(stats.ttest_1samp(range(1, 7), 0).pvalue, rel=1e-2)
    assert all(map(math.isfinite, (found.low, found.high)))


@pytest.mark.parametrize(("values", "p"), [([0.0] * 5, 1.0), ([2.5] * 5, 0.0)])
def test_differences_without_spread_are_all_evidence_or_none(values, p):
    found = against("a", {"a": dict.fromkeys(range(5), 0.0), "b": dict(enumerate(values))}).others["b"]

    assert (found.tested.p_value, found.seeds_needed) == (p, None)


@pytest.mark.parametrize(("wins", "n"), [(0, 5), (3, 5), (9, 10)])
def test_the_interval_of_a_probability_is_scipys_wilson(wins, n):
    oracle = stats.binomtest(wins, n).proportion_ci(method="wilson")

    assert wilson(wins / n, n) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
