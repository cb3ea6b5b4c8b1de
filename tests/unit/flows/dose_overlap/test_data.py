"""The NPZ contract: what is read, what is refused, and with which words."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData, npz_bytes, read_data, write_data

FRAMES, SIDE, OBJECT = 3, 8, 16
COUNTS = (
    "FILE: diffraction: found a maximum of 119.408 times the mean of lit pixels; expected less than 100"
    " times, as amplitudes have and counts have not"
)


class Bomb:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def arrays(**changes):
    rng = np.random.default_rng(0)
    good = {
        "diffraction": rng.random((FRAMES, SIDE, SIDE), dtype=np.float32),
        "objectGuess": np.ones((OBJECT, OBJECT), np.complex64),
        "probeGuess": np.ones((SIDE, SIDE), np.complex64),
        "xcoords": np.array([4.0, 5.0, 6.0]),
        "ycoords": np.array([4.0, 4.0, 5.0]),
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


@pytest.fixture
def npz(tmp_path):
    def write(**changes):
        path = tmp_path / "scan.npz"
        path.write_bytes(npz_bytes(arrays(**changes)))
        return path

    return write


def complaint(path):
    with pytest.raises(DataError) as caught:
        read_data(path)
    return str(caught.value).replace(str(path), "FILE")


def data():
    good = arrays()
    return PtychographyData(
        good["diffraction"],
        good["objectGuess"],
        good["probeGuess"],
        good["xcoords"],
        good["ycoords"],
        patches=np.full((FRAMES, SIDE, SIDE), 1j, np.complex64),
        extras={"scan_index": np.arange(3), "xcoords_start": np.array([1.0, 2.0, 3.0])},
        metadata={"dose": 1000.0, "stage": "raw"},
    )


def content(value):
    named = [value.diffraction, value.object_guess, value.probe_guess, value.xcoords, value.ycoords, value.patches]
    named += [value.extras[key] for key in sorted(value.extras)]
    return [(array.dtype.str, array.tolist()) for array in named], sorted(value.extras), value.metadata


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "a.npz"
    write_data(path, data())

    assert content(read_data(path)) == content(data())


def test_equal_data_gives_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_data(tmp_path / name, data())

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_numpy_reads_the_file_without_pickle(tmp_path):
    write_data(tmp_path / "a.npz", data())

    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert str(archive["metadata"]) == '{"dose": 1000.0, "stage": "raw"}'


def test_selected_frames_keep_everything_that_belongs_to_them():
    chosen = data().select(np.array([2, 0]))

    assert (chosen.count, chosen.xcoords.tolist(), chosen.extras["scan_index"].tolist(), chosen.patches.shape) == (
        2,
        [6.0, 4.0],
        [2, 0],
        (2, SIDE, SIDE),
    )


def test_breaking_data_is_not_written(tmp_path):
    with pytest.raises(DataError, match=r"a\.npz: diffraction: found a maximum of 1000; expected amplitudes"):
        write_data(tmp_path / "a.npz", replace(data(), diffraction=data().diffraction * 0 + np.float32(1000)))

    assert list(tmp_path.iterdir()) == []


def test_the_legacy_name_and_single_precision_coordinates_are_read(npz):
    path = npz(diffraction=None, diff3d=arrays()["diffraction"], xcoords=np.array([4, 5, 6], np.float32))

    read = read_data(path)

    assert (read.diffraction.tolist(), read.xcoords.dtype) == (arrays()["diffraction"].tolist(), np.float64)


def test_few_photons_are_no_counts_and_an_object_need_not_be_square(npz):
    starved = np.zeros((3, 8, 8), np.float32)
    starved[:, 4, 4] = 9

    read = read_data(npz(diffraction=starved, objectGuess=np.ones((16, 12), np.complex64), mask=np.eye(8) == 0))

    assert (read.object_guess.shape, int(read.mask.sum())) == ((16, 12), 56)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read(tmp_path, save):
    save(tmp_path / "scan.npz", **arrays(), filenames=np.array(["a", "b", "c"]), quality=np.ones(3))

    assert read_data(tmp_path / "scan.npz").diffraction.tolist() == arrays()["diffraction"].tolist()


def test_big_endian_and_fortran_order_are_read(npz):
    frames = arrays()["diffraction"]
    path = npz(diffraction=np.asfortranarray(frames.astype(">f4")))

    assert read_data(path).diffraction.tolist() == frames.tolist()


def spoilt(value, index, entry):
    array = arrays()[value].copy()
    array[index] = entry
    return {value: array}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"xcoords": None}, "FILE: xcoords: found nothing; expected float64 or float32 of shape (n,)"),
        (
            {"diffraction": arrays()["diffraction"].astype(np.float64)},
            "FILE: diffraction: found float64; expected float32",
        ),
        (
            {"diffraction": arrays()["diffraction"][0]},
            "FILE: diffraction: found the shape (8, 8); expected (n, N, N)",
        ),
        (
            {"diffraction": arrays()["diffraction"][:, :6]},
            "FILE: diffraction: found the shape (3, 6, 8); expected (n, N, N) with n = 3, N = 8",
        ),
        (
            {"xcoords": np.zeros(2)},
            "FILE: xcoords: found the shape (2,); expected (n,) with n = 3",
        ),
        (
            {"objectGuess": np.ones((4, 4), np.complex64)},
            "FILE: objectGuess: found a side of 4 pixels; expected at least the frame's 8",
        ),
        (
            {"objectGuess": np.ones((16, 6), np.complex64)},
            "FILE: objectGuess: found a side of 6 pixels; expected at least the frame's 8",
        ),
        (
            {"objectGuess": np.ones(16, np.complex64)},
            "FILE: objectGuess: found the shape (16,); expected (M, K)",
        ),
        ({"mask": np.zeros((8, 8), bool)}, "FILE: mask: found only false; expected true where the detector sees"),
        (
            {"probeGuess": np.zeros((8, 8), np.complex64)},
            "FILE: probeGuess: found only zeros; expected a probe",
        ),
        (
            {"Y": np.ones((3, 4, 4), np.complex64)},
            "FILE: Y: found the shape (3, 4, 4); expected (n, N, N) with n = 3, N = 8",
        ),
        (
            spoilt("diffraction", (0, 0, 0), np.nan),
            "FILE: diffraction: found 1 values that are not finite; expected none",
        ),
        (spoilt("ycoords", 1, np.inf), "FILE: ycoords: found 1 values that are not finite; expected none"),
        (
            spoilt("objectGuess", (0, 0), complex(0, np.inf)),
            "FILE: objectGuess: found 1 values that are not finite; expected none",
        ),
        (spoilt("diffraction", (0, 0, 0), -0.5), "FILE: diffraction: found the amplitude -0.5; expected none below 0"),
        (
            {"diffraction": np.zeros((3, 8, 8), np.float32)},
            "FILE: diffraction: found only zeros; expected photons",
        ),
        (
            {"diffraction": np.full((3, 8, 8), 10, np.float32)},
            "FILE: diffraction: found a maximum of 10; expected amplitudes below 10, not counts",
        ),
        (
            {"diffraction": np.maximum(0.001, 9 * np.eye(1, 121, dtype=np.float32)).reshape(1, 11, 11)},
            COUNTS,
        ),
        (
            {"metadata": np.array("{")},
            "FILE!metadata: line 1: not JSON: Expecting property name enclosed in double quotes",
        ),
        ({"metadata": np.array(3)}, "FILE!metadata: is not one JSON text"),
        ({"metadata": np.array("[]")}, "FILE!metadata: expected an object; found 'list'"),
    ],
)
def test_a_broken_file_is_named_with_key_found_and_expected(npz, changes, expected):
    assert expected in complaint(npz(**changes)).splitlines()


def test_all_problems_are_told_at_once(npz):
    path = npz(diffraction=None, xcoords=np.array(["a", "b", "c"]), ycoords=np.full(3, np.nan))

    assert complaint(path).splitlines() == [
        "FILE: xcoords: dtype \"'<U1'\" is not plain numbers",
        "FILE: diffraction: found nothing; expected float32 of shape (n, N, N)",
        "FILE: ycoords: found 3 values that are not finite; expected none",
    ]


def with_member(path, name, payload):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, payload)
    return path


def npy(array, *, allow_pickle=False):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


@pytest.mark.parametrize("key", ["_metadata", "metadata", "filenames"])
def test_a_pickled_optional_member_is_ignored(npz, key):
    path = with_member(npz(), f"{key}.npy", npy(np.array([Bomb()] * FRAMES, dtype=object), allow_pickle=True))

    assert (read_data(path).count, read_data(path).metadata, dict(read_data(path).extras)) == (FRAMES, {}, {})


def test_a_pickled_required_member_is_named(npz):
    payload = npy(np.array([Bomb()], dtype=object), allow_pickle=True)
    path = with_member(npz(probeGuess=None), "probeGuess.npy", payload)

    assert complaint(path) == "FILE: probeGuess: an array of objects, which only unpickling could read"


def header(shape, dtype="<f4"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            header((1 << 20, 1 << 20)),
            "the shape ('1048576, 1048576') is too large",
        ),
        (header((2,)) + bytes(4), "shape (2,) of float32 needs 8 bytes; there are 4"),
        (header((2,)) + bytes(12), "shape (2,) of float32 needs 8 bytes; there are 12"),
        (b"not an array", "does not begin as an NPY file"),
        (pickle.dumps([1]), "does not begin as an NPY file"),
    ],
)
def test_a_member_whose_header_lies_is_refused_before_it_is_allocated(npz, payload, expected):
    path = with_member(npz(diffraction=None), "diffraction.npy", payload)

    assert complaint(path) == f"FILE: diffraction: {expected}"


def test_an_archive_that_would_unpack_beyond_the_limit_is_refused(npz):
    path = npz(diffraction=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("diffraction.npy", npy(np.random.default_rng(0).random((16, 256, 256), np.float32)))

    with pytest.raises(DataError, match=r"4\d+ bytes when inflated; at most 1000000 are read"):
        read_data(path, limit=1_000_000)


def test_a_damaged_member_is_named(npz):
    path = npz()
    content = bytearray(path.read_bytes())
    content[content.index(b"diffraction.npy") + 300] ^= 1
    path.write_bytes(content)

    assert complaint(path).startswith("FILE: diffraction: the content does not have the recorded CRC-32")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "0 bytes are too few for an archive"),
        (b"PK\x03\x04 cut off", "12 bytes are too few for an archive"),
        (b"text" * 9, "does not end with the end record of an archive"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, payload, expected):
    path = tmp_path / "scan.npz"
    path.write_bytes(payload)

    assert complaint(path) == f"FILE: {expected}"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(npz):
    path = with_member(npz(), "Y.npy", b"")
    with_member(path, "Y.npy", b"")

    assert complaint(path) == "FILE!Y.npy: stands twice in the archive"


def test_a_missing_file_is_a_data_error(tmp_path):
    assert complaint(tmp_path / "none.npz").startswith("FILE: cannot be read")
