import io

import numpy as np
import pytest

from extractor_flow.readers.arrays import array_of, read_npz
from extractor_flow.readers.errors import Kind, ReadError
from support.files import genuine


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def described(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    width = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(header).to_bytes(width, "little") + header.encode() + data


def header(descr: str = "'<f8'", shape: str = "(1,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def refusal(data: bytes) -> Kind:
    with pytest.raises(ReadError) as caught:
        array_of(data, "a.npy")
    return caught.value.kind


@pytest.mark.parametrize("dtype", ["?", "i1", "<i2", ">i4", "<i8", "u1", "<u8", "<f2", ">f4", "<f8", "<c8", "<c16"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)])
def test_plain_arrays_are_read_as_numpy_reads_them(dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    read = array_of(npy(array), "a.npy")

    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_the_order_of_the_axes_is_honoured():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))

    assert array_of(npy(array), "a.npy").tolist() == array.tolist()


@pytest.mark.parametrize("compressed", [False, True])
def test_an_npz_file_is_read_as_numpy_reads_it(compressed):
    arrays = {"a": np.arange(5), "b": np.eye(3)}
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)

    read = read_npz(buffer, "x.npz")

    assert {name: array.tolist() for name, array in read.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


def test_sb3s_evaluations_are_read():
    assert {name: array.shape for name, array in genuine.read("npz", genuine.evaluations()).items()} == {
        "timesteps": (3,),
        "results": (3, 2),
        "ep_lengths": (3, 2),
    }


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.HEADER),
        (b"\x93NUMPY\x01\x00", Kind.HEADER),
        (described(header(), b"12345678", b"\x04\x00"), Kind.HEADER),
        (described(header(), b"12345678", b"\x01\x01"), Kind.HEADER),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"{" * 100, Kind.HEADER),
        (described("__import__('os').system('true')"), Kind.HEADER),
        (described("(" * 9000), Kind.HEADER),
        (described(header("'|O'"), b"12345678"), Kind.PICKLE),
        (described(header("[('a', '<f8')]"), b"12345678"), Kind.DTYPE),
        (described(header("'<M8[s]'"), b"12345678"), Kind.DTYPE),
        (described(header("'<U2'"), b"12345678"), Kind.DTYPE),
        (described(header("'|V8'"), b"12345678"), Kind.DTYPE),
        (described(header("'<f16'"), b"1234567812345678"), Kind.DTYPE),
        (described(header(shape="(2,)"), b"12345678"), Kind.SHAPE),
        (described(header(shape="()"), b""), Kind.SHAPE),
        (described(header(shape="(1,)"), bytes(16)), Kind.SHAPE),
        (described(header(shape="(1000000000000,)"), b"12345678"), Kind.SHAPE),
        (described(header(shape="(0, 99999999999)"), b""), Kind.SHAPE),
        (described(header(shape="(99999999999999999999,)"), b"12345678"), Kind.SHAPE),
        (described(header(shape="(" + "1," * 33 + ")"), b"12345678"), Kind.SHAPE),
        (described(header(shape="(1 1)"), b"12345678"), Kind.SHAPE),
        (described(header(shape="(-1,)"), b"12345678"), Kind.HEADER),
    ],
)
def test_a_header_that_lies_or_wants_code_is_refused_by_name(data, kind):
    assert refusal(data) == kind


def test_a_member_that_is_no_array_is_refused():
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"x")

    with pytest.raises(ReadError, match="no array"):
        read_npz(buffer, "x.npz")
