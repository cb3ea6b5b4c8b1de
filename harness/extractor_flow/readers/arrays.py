"""NumPy's files from a stranger: plain numbers only, and no allocation before the sizes agree."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.readers.errors import Kind, ReadError, one_line, shown
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from numpy.typing import NDArray

NPZ_LIMIT = 256 * 1024 * 1024
DIMENSIONS = 32
_HEADER_LIMIT = 10_000
_DIGITS = 18
_SHORTEST = 12
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_HEADER = re.compile(
    r"\{'descr': (?P<descr>'[^']{1,32}'|[^']\S.*?), 'fortran_order': (?P<order>True|False),"
    r" 'shape': \((?P<shape>[0-9, ]*)\), ?\} *\n?"
)
_DESCR = re.compile(r"'[<>|=](?P<letter>[a-zA-Z])(?P<size>[0-9]{0,4})'")


def read_npz(stream: BinaryIO, where: str, *, limit: int = NPZ_LIMIT) -> dict[str, NDArray[Any]]:
    """The arrays of an NPZ file by name: booleans, integers, floats and complex numbers; read-only."""
    archive = Archive(stream, where, limit=limit)
    arrays = {}
    for name in archive.members:
        if not name.endswith(".npy"):
            raise ReadError(Kind.HEADER, where, f"a member {shown(name)} that is no array")
        arrays[name.removesuffix(".npy")] = array_of(archive.read(name), f"{where}!{one_line(name)}")
    return arrays


def array_of(data: bytes, where: str) -> NDArray[Any]:
    """The array of an NPY file's whole content; the header must describe exactly the bytes that follow it."""
    start, text = _header(data, where)
    match = _HEADER.fullmatch(text)
    if match is None:
        raise ReadError(Kind.HEADER, where, f"the header {shown(text)} is not one of a plain array")
    dtype = _dtype(match["descr"], where)
    shape = _shape(match["shape"], where)
    count = math.prod(shape)
    if count * dtype.itemsize != len(data) - start:
        needed = shown(count * dtype.itemsize)
        what = f"shape {shown(shape)} of {dtype} needs {needed} bytes; there are {len(data) - start}"
        raise ReadError(Kind.SHAPE, where, what)
    flat = np.frombuffer(data, dtype=dtype, count=count, offset=start)
    return flat.reshape(shape, order="F" if match["order"] == "True" else "C")


def _header(data: bytes, where: str) -> tuple[int, str]:
    """Where the array's data begins, and the text of the header before it."""
    if data[:6] != b"\x93NUMPY" or len(data) < _SHORTEST:
        raise ReadError(Kind.HEADER, where, "does not begin as an NPY file")
    width = {1: 2, 2: 4, 3: 4}.get(data[6])
    if width is None or data[7] != 0:
        raise ReadError(Kind.HEADER, where, f"NPY version {data[6]}.{data[7]} is not read")
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    if length > _HEADER_LIMIT or start > len(data):
        raise ReadError(Kind.HEADER, where, f"a header of {length} bytes")
    return start, data[8 + width : start].decode("latin-1")


def _dtype(descr: str, where: str) -> np.dtype[Any]:
    match = _DESCR.fullmatch(descr)
    if match is None:
        raise ReadError(Kind.DTYPE, where, f"dtype {shown(descr)} is not plain numbers")
    if match["letter"] == "O":
        raise ReadError(Kind.PICKLE, where, "an array of objects, which only unpickling could read")
    if int(match["size"] or 0) not in _SIZES.get(match["letter"], ()):
        raise ReadError(Kind.DTYPE, where, f"dtype {shown(descr)} is not plain numbers")
    return np.dtype(descr.strip("'"))


def _shape(text: str, where: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > DIMENSIONS or any(len(part) > _DIGITS or not part.isdecimal() for part in parts):
        raise ReadError(Kind.SHAPE, where, f"the shape ({shown(text)}) is not one")
    shape = tuple(int(part) for part in parts)
    # An empty array needs no bytes whatever its other dimensions are, and NumPy multiplies those too.
    if math.prod(max(size, 1) for size in shape) > np.iinfo(np.int32).max:
        raise ReadError(Kind.SHAPE, where, f"the shape ({shown(text)}) is too large")
    return shape
