"""What the statistics promise holds in simulated studies; docs/statistics.md has the tables of the full simulation."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from extractor_flow.study.statistics import pool
from support import ROOT

SIMULATION = runpy.run_path(str(ROOT / "scripts" / "measure_statistics.py"))
COUNT = 1_000
SLACK = 0.02  # three standard errors of a share of 95 % in a thousand studies
DISTRIBUTIONS = SIMULATION["DISTRIBUTIONS"]


def generator():
    return np.random.default_rng(7)


@pytest.mark.parametrize(("seeds", "stated"), [(5, 0.94), (10, 0.95)])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_intervals_of_medians_have_the_coverage_that_they_state(kind, seeds, stated):
    single = SIMULATION["coverage_of_a_median"](kind, seeds, COUNT, generator())
    paired = [
        SIMULATION["coverage_of_a_difference"](kind, seeds, COUNT, generator(), spread=spread)[0] for spread in (1, 2)
    ]

    assert [single, *paired] == pytest.approx([stated] * 3, abs=SLACK)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_the_interval_of_two_samples_covers_what_it_says_or_more(kind):
    assert SIMULATION["coverage_of_two_samples"](kind, 5, COUNT, generator()) > 0.95 - SLACK


@pytest.mark.parametrize(("kind", "environments", "stated"), [("normal", 2, 0.81), ("lognormal", 5, 0.92)])
def test_the_interval_over_environments_holds_as_often_as_it_states(kind, environments, stated):
    level = [0.5] * 5
    assert pool([level] * environments, ()).spread.coverage == stated
    assert SIMULATION["coverage_over_environments"](kind, environments, 5, 300, generator()) > stated - 3 * SLACK


@pytest.mark.parametrize("seeds", [5, 10])
def test_the_interval_of_the_probability_of_improvement_has_the_coverage_that_it_states(seeds):
    assert SIMULATION["improvement_coverage"](seeds, generator(), COUNT) == pytest.approx(0.95, abs=SLACK)


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_among_equal_extractors_next_to_nothing_is_claimed(kind, seeds):
    found = SIMULATION["verdicts"](kind, seeds, 500, generator(), (0.0, 0.0, 0.0, 0.0))

    assert (found["winner"] + found["better-than-baseline"]) / 500 < 0.05


def test_a_large_gain_is_found_more_often_than_not():
    assert SIMULATION["verdicts"]("normal", 10, 200, generator(), (0.0, 0.0, 0.0, 1.0))["winner"] > 100
