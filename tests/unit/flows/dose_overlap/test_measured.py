"""Measured frames: the usual mistakes are told apart and undone, and nobody's good frames are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.calibration import mean_energy
from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.data.generate import write_measured
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, simulate, synthetic_base
from extractor_flow.flows.dose_overlap.measured.consistency import WAYS, judge, require_consistent
from extractor_flow.flows.dose_overlap.measured.importing import import_files

BASE = synthetic_base(SyntheticSettings(object_size=72, frame_size=16, probe_diameter=8, scan_step=4))


@pytest.fixture(scope="module")
def scan():
    return simulate(BASE, 1e4)


def mistaken(data, way):
    """*data* with one of the usual mistakes made."""
    size = len(data.object_guess)
    changes = {
        "shift": {"diffraction": np.fft.ifftshift(data.diffraction, axes=(1, 2))},
        "sqrt": {"diffraction": data.diffraction**2},
        "swap": {"xcoords": data.ycoords, "ycoords": data.xcoords},
        "flip-x": {"xcoords": size - data.xcoords},
        "flip-y": {"ycoords": size - data.ycoords},
    }
    return replace(data, **changes[way])


@pytest.mark.parametrize("way", WAYS)
def test_each_usual_mistake_is_named_by_what_undoes_it(scan, way):
    found = judge(mistaken(scan, way))

    assert (found.fits, found.undone) == (False, (way,))
    assert f"if the file has {WAYS[way]} ({way})" in str(found)


@pytest.mark.parametrize("dose", [30, 1e3, 1e6])
def test_frames_that_fit_are_left_alone_however_few_their_photons(dose):
    scan = simulate(BASE, dose)

    require_consistent(scan, "scan.npz")  # which raises where judge() finds no fit

    assert judge(scan).fits


def test_frames_between_pixels_fit_their_object():
    off = np.random.default_rng(0).uniform(-0.4, 0.4, len(BASE.xcoords))

    assert judge(simulate(replace(BASE, xcoords=BASE.xcoords + off), 1e5)).fits


def test_frames_of_another_object_are_refused_with_what_would_do(scan):
    other = np.exp(1j * np.random.default_rng(0).random(scan.object_guess.shape)).astype(np.complex64)

    with pytest.raises(DataError, match=r"no better than in each other's places.*or go on with --accept-inconsistent"):
        require_consistent(replace(scan, object_guess=other), "scan.npz")


def test_amplitudes_of_another_brightness_than_the_objects_are_refused(scan):
    with pytest.raises(DataError, match=r"amplitudes are 0\.5 times those that object and probe give"):
        require_consistent(replace(scan, diffraction=scan.diffraction * np.float32(0.5)), "scan.npz")


def test_blank_and_bright_frames_are_named(scan):
    frames = scan.diffraction.copy()
    frames[::20], frames[7] = 0, 9

    told = str(judge(replace(scan, diffraction=frames)))

    assert f"{len(frames[::20])} frames are blank (numbers 0, 20, 40, 60, 80, ...)" in told
    assert "1 frames are far too bright (numbers 7)" in told


def saved(path, data, **changes):
    arrays = {
        "diffraction": data.diffraction,
        "objectGuess": data.object_guess,
        "probeGuess": data.probe_guess,
        "xcoords": data.xcoords,
        "ycoords": data.ycoords,
    }
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})
    return path


def test_double_precision_in_several_files_and_a_mistake_are_undone_and_written_down(scan, tmp_path):
    wrong = mistaken(scan, "swap")
    one = saved(tmp_path / "frames.npz", wrong, objectGuess=None, diffraction=wrong.diffraction.astype(float))
    two = tmp_path / "object.npz"
    np.savez(two, obj=scan.object_guess.astype(complex))

    data = import_files([one, two])

    for name in ("diffraction", "object_guess", "xcoords", "ycoords"):
        assert np.array_equal(getattr(data, name), getattr(scan, name))
    assert data.metadata["casts"] == ["objectGuess: complex128 to complex64", "diffraction: float64 to float32"]
    assert data.metadata["changes"] == ["obj is objectGuess", "read with swap"]
    assert data.metadata["sources"].keys() == {"frames.npz", "object.npz"}


def test_counts_are_brought_to_amplitudes_with_their_photons(scan, tmp_path):
    counts = np.rint(scan.diffraction.astype(float) ** 2 * scan.metadata["photon_scale"]).astype(np.uint16)
    counts[3] = 0

    data = import_files([saved(tmp_path / "counts.npz", scan, diffraction=None, diff3d=counts)])

    assert judge(data).brightness == pytest.approx(1, abs=0.02)
    kept = np.delete(counts, 3, axis=0)
    found = data.diffraction.astype(float) ** 2 * data.metadata["photon_scale"]
    np.testing.assert_allclose(found, kept, rtol=1e-5)
    assert "left out 1 frames that were blank" in data.metadata["changes"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"no archive", "expected an NPZ or HDF5 file"), (None, r"cannot be read \(No such file")],
)
def test_what_cannot_be_imported_says_so(tmp_path, content, complaint):
    path = tmp_path / "x.npz"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DataError, match=complaint):
        import_files([path])


def test_measured_frames_are_thinned_to_lower_doses_and_never_to_higher_ones(scan, tmp_path):
    assert write_measured(scan, [1000, 10000], tmp_path, seed=1) == [1000, 10000]

    few, all_of_them = (read_data(tmp_path / f"dose_{dose}/canonical.npz") for dose in (1000, 10000))
    assert np.array_equal(all_of_them.diffraction, scan.diffraction)
    assert few.metadata["photon_scale"] * mean_energy(few) == pytest.approx(1000, rel=0.02)
    with pytest.raises(DataError, match="--dose 20000: the frames hold"):
        write_measured(scan, [20000], tmp_path, seed=1)


def test_frames_without_a_number_of_photons_cannot_be_thinned(scan, tmp_path):
    with pytest.raises(DataError, match="found no photon_scale; import counts"):
        write_measured(replace(scan, metadata={}), [], tmp_path, seed=1)


@pytest.mark.parametrize(
    ("factor", "complaint"),
    [(1j, "diffraction: found complex128; expected float32"), (1e300, "values that are not finite; expected none")],
)
def test_frames_that_no_cast_brings_to_the_contract_are_refused(scan, tmp_path, factor, complaint):
    path = saved(tmp_path / "x.npz", scan, diffraction=scan.diffraction.astype(float) * factor)

    with pytest.raises(DataError, match=complaint):
        import_files([path])
