"""Spacing, acceptance and grouping against brute force and hand-made scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.errors import ConfigError, DataError
from extractor_flow.flows.dose_overlap.data.grouping import GroupRule, group_frames
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, simulate, split, synthetic_base
from extractor_flow.flows.dose_overlap.data.thinning import (
    Accepted,
    Rejected,
    SpacingMetrics,
    acceptance_bound,
    acceptance_floor,
    greedy_indices,
    nearest_spacings,
    select_view,
    spacing_threshold,
)

POINTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=60).map(
    lambda points: np.array(points, dtype=np.float64)
)
# A busy machine is slow, not wrong.


def brute_spacings(points):
    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    return gaps.min(axis=1)


def grid(step, side):
    axis = np.arange(side) * float(step)
    return np.array([(x, y) for y in axis for x in axis])


@given(POINTS)
def test_spacings_are_those_of_brute_force(points):
    np.testing.assert_allclose(nearest_spacings(points), brute_spacings(points), rtol=1e-12)


@given(POINTS, st.floats(1, 40))
def test_greedy_keeps_a_largest_set_of_well_spaced_points(points, threshold):
    kept = greedy_indices(points, threshold)
    gaps = np.hypot(*(points[:, None] - points[kept][None]).transpose(2, 0, 1))

    assert len(kept) == 1 or brute_spacings(points[kept]).min() >= threshold * (1 - 1e-12)
    assert gaps.min(axis=1).max() < threshold * (1 + 1e-12)


def test_greedy_goes_by_y_then_x():
    points = np.array([(5.0, 5.0), (0.0, 5.0), (9.0, 0.0), (1.0, 0.0)])

    assert greedy_indices(points, 7.0).tolist() == [2, 3]


def test_points_exactly_as_far_apart_as_wanted_are_kept():
    points = grid(8, 4)

    assert greedy_indices(points, 8.0).tolist() == list(range(16))
    assert view(points, 0.75).selection_strategy == "direct"


@pytest.mark.parametrize(("overlap", "size", "expected"), [(0.7, 128, 38.4), (0.2, 128, 102.4), (0.0, 32, 32.0)])
def test_the_threshold_is_the_part_of_a_frame_that_does_not_overlap(overlap, size, expected):
    assert spacing_threshold(overlap, size) == pytest.approx(expected)


@pytest.mark.parametrize("overlap", [-0.1, 1.0, float("nan")])
def test_an_impossible_overlap_is_refused(overlap):
    with pytest.raises(ConfigError, match="expected a fraction of at least 0 and below 1"):
        spacing_threshold(overlap, 32)


def test_the_bound_is_how_many_discs_fit_and_at_most_a_tenth():
    points = grid(5, 30)

    assert acceptance_bound(points, 50.0) == pytest.approx(145**2 / (math.pi * 25**2) / 900)
    assert acceptance_bound(points, 5.0) == 0.10


@pytest.mark.parametrize(("bound", "floor"), [(0.1, 0.08), (0.0, 0.0005), (0.0005, 0.0005)])
def test_the_floor_is_four_fifths_of_the_bound_but_never_nothing(bound, floor):
    assert acceptance_floor(bound) == pytest.approx(floor)


def view(points, overlap, size=32):
    return select_view(points[:, 0], points[:, 1], overlap=overlap, frame_size=size)


def test_a_wide_scan_is_kept_directly():
    found = view(grid(10, 5), 0.7)

    assert isinstance(found, Accepted)
    assert (found.indices.tolist(), found.selection_strategy, found.metrics) == (
        list(range(25)),
        "direct",
        SpacingMetrics(10, 10, 10, 10, pytest.approx(9.6), 25, 25, 0, 1.0, 0.1, pytest.approx(0.08)),
    )


def test_a_narrow_scan_is_thinned_greedily():
    found = view(grid(5, 11), 0.7)

    assert isinstance(found, Accepted)
    assert (found.selection_strategy, found.metrics.n_accepted, found.metrics.n_rejected) == ("greedy", 36, 85)
    assert brute_spacings(grid(5, 11)[found.indices]).min() == 10


def test_a_view_that_geometry_forbids_is_rejected_with_every_number():
    scan, _ = split(simulate(synthetic_base(SyntheticSettings(scan_step=6)), 1e3))

    found = view(np.stack([scan.xcoords, scan.ycoords], 1), 0.2)

    assert isinstance(found, Rejected)
    assert (found.direct_rate, found.greedy_rate, found.metrics.n_accepted) == (0, 37 / 722, 37)
    assert found.reason == (
        "OVERSAMPLING-001: of 722 positions a spacing of 25.6 px keeps 0.0000% directly and 5.1247% greedily;"
        " at least 5.3525% is wanted; the smallest spacing is 1 px"
    )


def test_the_default_scan_gives_both_views_on_both_sides():
    default = split(simulate(synthetic_base(SyntheticSettings()), 1e3))

    kept = [[view(np.stack([s.xcoords, s.ycoords], 1), f).metrics.n_accepted for f in (0.7, 0.2)] for s in default]

    assert kept == [[206, 40], [207, 41]]


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.zeros((1, 2))])
def test_a_lone_position_has_no_spacing(points):
    with pytest.raises(DataError, match=f"found {len(points)}; expected at least 2"):
        view(points, 0.5)


@given(st.integers(5, 40), st.integers(0, 9), st.integers(1, 3))
def test_a_group_is_a_frame_and_some_of_its_nearest_others(count, seed, repeats):
    points = np.random.default_rng(seed).random((count, 2)) * 50
    rule = GroupRule(4, 7, repeats)

    groups = group_frames(points, rule, seed=seed)

    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    reach = np.sort(gaps, axis=1)[:, min(7, count - 1)]
    assert groups.shape == (count * repeats, 4)
    assert groups[:, 0].tolist() == list(range(count)) * repeats
    assert all(len(set(group)) == 4 for group in groups.tolist())
    assert all((gaps[group[0], group] <= reach[group[0]] + 1e-9).all() for group in groups)


def test_groups_of_one_are_the_frames():
    assert group_frames(np.zeros((3, 2)), GroupRule.for_gridsize(1)).tolist() == [[0], [1], [2]]


def test_the_seed_decides_the_groups():
    points = np.random.default_rng(0).random((40, 2))
    one, again, other = (group_frames(points, GroupRule(), seed=seed).tolist() for seed in (123, 123, 124))

    assert (one == again, one == other) == (True, False)


def test_frames_at_one_place_are_still_distinct_in_a_group():
    groups = group_frames(np.zeros((12, 2)), GroupRule())

    assert all(len(set(group)) == 4 for group in groups.tolist())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GroupRule(4, 3), "neighbor_count is 3; expected at least the group size 4"),
        (lambda: GroupRule(0), "group size and repeats are 0 and 1; expected at least 1 each"),
        (lambda: GroupRule.for_gridsize(3), "gridsize is 3; expected 1 or 2"),
    ],
)
def test_an_impossible_rule_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_too_few_frames_for_a_group_are_a_data_error():
    with pytest.raises(DataError, match="found 3; expected at least the group size 4"):
        group_frames(np.zeros((3, 2)), GroupRule())
