"""Views with a fixed number of frames: as many of each side, where they lie, and when there are too few."""

from __future__ import annotations

import numpy as np
import pytest

from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.data.generate import generate
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, synthetic_base
from extractor_flow.flows.dose_overlap.data.thinning import nearest_spacings
from extractor_flow.flows.dose_overlap.data.views import Thinning, select, write_views

DENSE, SPARSE = Thinning(0.6, 16), Thinning(0.3, 16)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A scan of some four hundred positions a side, measured with one dose; never to be changed."""
    root = tmp_path_factory.mktemp("measured")
    sizes = SyntheticSettings(object_size=112, frame_size=16, probe_diameter=8, scan_step=3.5)
    generate(synthetic_base(sizes), [1000], root, seed=42)
    return root


@pytest.fixture(scope="module")
def side(measured):
    """The training side of that scan."""
    return read_data(measured / "dose_1000/patched_train.npz")


def points_of(data, indices):
    return np.stack([data.xcoords, data.ycoords], axis=1)[indices]


def test_every_view_keeps_the_wanted_number_of_frames_in_scan_order(side):
    kept = [select(side, thinning).indices for thinning in (DENSE, SPARSE)]

    assert [len(indices) for indices in kept] == [16, 16]
    assert all((np.diff(indices) > 0).all() for indices in kept)


def test_the_kept_frames_are_the_nearest_to_the_middle_of_those_far_enough_apart(side):
    offered = select(side, Thinning(DENSE.overlap)).indices
    whole = points_of(side, slice(None))
    middle = (whole.min(axis=0) + whole.max(axis=0)) / 2
    distance = {index: float(np.hypot(*(whole[index] - middle))) for index in offered.tolist()}

    kept = set(select(side, DENSE).indices.tolist())

    assert max(distance[index] for index in kept) <= min(distance[index] for index in distance.keys() - kept)


def test_frames_of_the_denser_view_lie_closer_together(side):
    dense, sparse = (nearest_spacings(points_of(side, select(side, each).indices)).mean() for each in (DENSE, SPARSE))

    assert dense < 0.8 * sparse


def test_a_view_with_fewer_frames_than_wanted_is_refused(measured, tmp_path):
    (view,) = write_views(measured, tmp_path, [1000], {"dense": Thinning(0.6, 5000)})

    assert view.refusal is not None
    assert view.refusal.startswith("only ")
    assert view.refusal.endswith(" train frames are far enough apart, 5000 are needed; scan a larger object")
    assert list(tmp_path.rglob("*.npz")) == []


def test_a_written_view_says_how_many_frames_were_wanted(measured, tmp_path):
    write_views(measured, tmp_path, [1000], {"dense": DENSE})
    data = read_data(tmp_path / "dose_1000/dense/dense_test.npz")

    assert (data.count, data.metadata["frames"], data.metadata["overlap"]) == (16, 16, 0.6)
