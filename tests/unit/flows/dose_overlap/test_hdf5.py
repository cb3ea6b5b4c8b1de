"""HDF5 files of other programs, as h5py writes them: read by their conventions, and refused where they mean harm."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.cli import command
from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, simulate, synthetic_base
from extractor_flow.flows.dose_overlap.measured.consistency import judge
from extractor_flow.flows.dose_overlap.measured.importing import import_files
from extractor_flow.flows.dose_overlap.measured.layouts import ImportRequest

h5py = pytest.importorskip("h5py", reason="HDF5 is read with the extra [hdf5]")

BASE = synthetic_base(SyntheticSettings(object_size=72, frame_size=16, probe_diameter=8, scan_step=4))
# A pixel of the object is wavelength x distance / (frame x pixel of the detector).
WAVELENGTH, DISTANCE, DETECTOR = 1e-10, 2.0, 5e-5
PIXEL = WAVELENGTH * DISTANCE / (16 * DETECTOR)
JOULES = 6.62607015e-34 * 299792458 / WAVELENGTH


@pytest.fixture(scope="module")
def scan():
    return simulate(BASE, 1e4)


def counts_of(scan):
    return np.rint(scan.diffraction.astype(float) ** 2 * scan.metadata["photon_scale"]).astype(np.int32)


def cxi(path, scan, *, sign=1, frames=None, dead=None):
    """*scan* as a CXI file: counts, metres, 0 for a good pixel, soft links, a probe of two modes."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        detector = file.create_group("entry_1/instrument_1/detector_1")
        kept = counts_of(scan) if frames is None else frames
        detector.create_dataset("data", data=kept, compression="gzip", shuffle=True, chunks=(1, 16, 16))
        detector["distance"], detector["x_pixel_size"], detector["y_pixel_size"] = DISTANCE, DETECTOR, DETECTOR
        detector["mask"] = np.zeros((16, 16), np.uint32) if dead is None else dead
        source = file.create_group("entry_1/instrument_1/source_1")
        source["energy"] = JOULES
        source["illumination"] = np.stack([scan.probe_guess, scan.probe_guess * 0])
        file["entry_1/image_1/data"] = scan.object_guess.astype(complex)
        metres = np.stack([scan.xcoords, scan.ycoords, 0 * scan.xcoords], axis=1) * PIXEL * sign + 1e-3
        file["entry_1/sample_1/geometry_1/translation"] = metres
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        file["entry_1/data_1/translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")
    return path


def is_scan(data, scan):
    """Whether *data* are the frames of *scan* in their places, up to where the object begins."""
    found = data.diffraction.astype(float) ** 2 * data.metadata["photon_scale"]
    np.testing.assert_allclose(found, counts_of(scan), rtol=1e-4, atol=1e-3)
    shift = data.xcoords - scan.xcoords
    return judge(data).fits and np.allclose(shift, shift[0], atol=1e-6)


@pytest.mark.parametrize(("sign", "change"), [(1, []), (-1, ["read with flip-x", "read with flip-y"])])
def test_a_cxi_file_is_read_by_its_conventions(scan, tmp_path, sign, change):
    dead = np.zeros((16, 16), np.uint32)
    dead[3, 5] = 1
    hot = counts_of(scan)
    hot[:, 3, 5] = 2**30
    data = import_files([cxi(tmp_path / "scan.cxi", scan, sign=sign, frames=hot, dead=dead)])

    assert (data.mask.sum(), data.mask[3, 5]) == (255, False)
    seen = replace(scan, diffraction=scan.diffraction * data.mask)
    assert is_scan(data, seen)
    assert "probeGuess is the first of 2" in data.metadata["changes"]
    assert [each for each in data.metadata["changes"] if each.startswith("read with")] == change
    assert f"positions in m put on the middle of the object, {PIXEL:.6g} m a pixel" in data.metadata["changes"]


def test_a_ptyd_file_is_read_with_the_reconstruction_beside_it(scan, tmp_path):
    ptyd, ptyr = tmp_path / "scan.ptyd", tmp_path / "scan.ptyr"
    counts, metres = counts_of(scan), np.stack([scan.ycoords, scan.xcoords], axis=1) * PIXEL
    with h5py.File(ptyd, "w") as file:
        for number, part in enumerate(np.array_split(np.arange(scan.count), 11)):
            file[f"chunks/{number}/data"], file[f"chunks/{number}/positions"] = counts[part], metres[part]
        file["meta/energy"], file["meta/distance"] = JOULES / 1.602176634e-16, DISTANCE
        file["meta/psize"], file["meta/weight2d"] = [DETECTOR, DETECTOR], np.ones((16, 16))
    with h5py.File(ptyr, "w") as file:
        file["content/obj/SMFG00/data"] = scan.object_guess[None]
        file["content/probe/SMFG00/data"] = scan.probe_guess[None]

    assert is_scan(import_files([ptyd, ptyr]), scan)


def test_arrays_of_any_file_are_named_on_the_command_line(scan, tmp_path, capsys):
    path, out = tmp_path / "own.h5", tmp_path / "scan.npz"
    side = int(np.sqrt(scan.count))
    kept = scan.select(np.arange(side * side))
    with h5py.File(path, "w") as file:
        file["measured/stack"] = np.fft.ifftshift(kept.diffraction.reshape(side, side, 16, 16), axes=(2, 3))
        file["measured/x"], file["measured/y"] = kept.xcoords * 0.02, kept.ycoords * 0.02
        for each in "xy":
            file[f"measured/{each}"].attrs["units"] = "µm"
        file["made/obj"], file["made/probe"] = kept.object_guess, kept.probe_guess
    places = {
        "diffraction": "measured/stack", "xcoords": "measured/x", "ycoords": "measured/y",
        "objectGuess": "/made/obj", "probeGuess": "/made/probe",
    }  # fmt: skip
    words = ["import", str(path), "--output", str(out), "--pixel-size", "2e-8"]
    at = [word for name, place in places.items() for word in ("--at", f"{name}={place}")]

    assert command.main(words) == 2
    assert "it holds /made/obj (72, 72)" in capsys.readouterr().err
    assert command.main([*words, *at, "--read-with", "shift"]) == 0
    assert np.array_equal(read_data(out).diffraction, kept.diffraction)
    assert judge(read_data(out)).fits
    assert command.main([*words, *at, "--read-with", "nothing"]) == 2
    assert "zero frequency in the corner (shift)" in capsys.readouterr().err
    assert command.main([*words, *at, "--read-with", "nothing", "--accept-inconsistent"]) == 0
    assert read_data(out).metadata["accepted_inconsistent"] is True


def hostile(name):
    """What makes the frames of a file that is otherwise in order something else."""

    def external(file, path):
        file["diffraction"] = h5py.ExternalLink(str(path.parent / "secret.h5"), "/numbers")

    def behind_a_soft_link(file, path):
        file["away"] = h5py.ExternalLink(str(path.parent / "secret.h5"), "/")
        file["diffraction"] = h5py.SoftLink("/away/numbers")

    def circle(file, path):
        file["diffraction"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("/diffraction")

    def storage(file, path):
        (path.parent / "raw").write_bytes(bytes(1024))
        file.create_dataset("diffraction", (4, 16, 16), "u1", external=[(str(path.parent / "raw"), 0, 1024)])

    def virtual(file, path):
        layout = h5py.VirtualLayout((10**6, 512, 512), "f4")
        layout[:] = h5py.VirtualSource(str(path.parent / "secret.h5"), "numbers", (10**6, 512, 512))
        file.create_virtual_dataset("diffraction", layout)

    def huge(file, path):
        file.create_dataset("diffraction", (10**7, 512, 512), "f4", chunks=(1, 512, 512))

    def bomb(file, path):
        made = file.create_dataset("diffraction", (4, 16, 16), "u1", chunks=(4, 16, 16), compression="gzip")
        packer = zlib.compressobj(1)
        zeros = bytes(1 << 24)
        made.id.write_direct_chunk((0, 0, 0), b"".join([packer.compress(zeros) for _ in range(16)]) + packer.flush())

    def text(file, path):
        file["diffraction"] = ["a", "b"]

    return locals()[name]


HOSTILE = {
    "external": "leads out of the file",
    "behind_a_soft_link": "leads out of the file",
    "circle": "leads round in a circle",
    "storage": "keeps its numbers in other files",
    "virtual": "keeps its numbers in other files",
    "huge": r"would take 10485760000000 bytes; at most 4294967296 are read",
    "bomb": "filter returned failure during read",
    "text": "expected numbers",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_means_harm_is_refused_in_one_line(scan, tmp_path, name):
    path = tmp_path / "bad.h5"
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.ones((4, 16, 16))
    with h5py.File(path, "w") as file:
        hostile(name)(file, path)

    with pytest.raises(DataError, match=HOSTILE[name]) as caught:
        import_files([path])
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("cut", [600, 2000])
def test_a_file_that_is_cut_short_is_refused_in_one_line(scan, tmp_path, cut):
    whole = cxi(tmp_path / "whole.cxi", scan).read_bytes()
    path = tmp_path / "cut.cxi"
    path.write_bytes(whole[:cut])

    with pytest.raises(DataError, match=r"cut\.cxi: \w+Error: ") as caught:
        import_files([path])
    assert "\n" not in str(caught.value)


def test_positions_in_metres_need_to_know_what_a_pixel_is(scan, tmp_path):
    path = cxi(tmp_path / "scan.cxi", scan)
    with h5py.File(path, "a") as file:
        del file["entry_1/instrument_1/detector_1/distance"]

    with pytest.raises(DataError, match="or --pixel-size, the metres of a pixel of the object"):
        import_files([path])
    assert is_scan(import_files([path], ImportRequest(pixel_size=PIXEL)), scan)
