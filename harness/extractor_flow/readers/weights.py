"""Trained weights from a stranger: safetensors files, and one digest for weights wherever they are stored."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.readers.errors import Kind, ReadError, one_line, shown
from extractor_flow.readers.text import decode, parse, require_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.files import Json

WEIGHTS_LIMIT = 2 * 1024**3
HEADER_LIMIT = 8 * 1024 * 1024
TENSOR_LIMIT = 100_000
_DIMENSIONS = 16
_PREFIX = 8
_DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "BF16": "<u2",
    "F32": "<f4",
    "F64": "<f8",
}

Weights = dict[str, "NDArray[Any]"]


def read_weights(stream: BinaryIO, where: str, *, limit: int = WEIGHTS_LIMIT) -> Weights:
    """The tensors of a safetensors file by name, read-only; BF16 comes as float32, which holds each value exactly.

    The tensors must cover the data without a gap or an overlap, as the format demands
    (https://huggingface.co/docs/safetensors, "Format").
    """
    length = stream.seek(0, 2)
    if length > limit:
        raise ReadError(Kind.TOO_LARGE, where, f"{length} bytes; at most {limit} are read")
    stream.seek(0)
    header_length = int.from_bytes(stream.read(_PREFIX), "little")
    if length < _PREFIX or header_length > min(HEADER_LIMIT, length - _PREFIX):
        raise ReadError(Kind.HEADER, where, f"a header of {header_length} bytes in a file of {length}")
    header = require_object(parse(decode(stream.read(header_length), where), where), where)
    _check_metadata(header.pop("__metadata__", {}), where)
    if len(header) > TENSOR_LIMIT:
        raise ReadError(Kind.TOO_MANY, where, f"{len(header)} tensors")
    data = stream.read(length - _PREFIX - header_length)
    spans = {name: _span(entry, f"{where}!{one_line(name)}") for name, entry in header.items()}
    _check_cover([span[:2] for span in spans.values()], len(data), where)
    return {name: _tensor(data, *span) for name, span in spans.items()}


def widened(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The float32 values of bfloat16 numbers, which are the upper halves of float32 ones."""
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def digest_of(weights: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of the names, dtypes, shapes and bits of *weights*; their order does not matter."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        encoded = name.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:{little.dtype.str}:{array.shape};".encode())
        digest.update(encoded)
        digest.update(little.tobytes())
    return digest.hexdigest()


def _check_metadata(metadata: Json, where: str) -> None:
    values = require_object(metadata, f"{where}!__metadata__").values()
    if not all(isinstance(value, str) for value in values):
        raise ReadError(Kind.HEADER, f"{where}!__metadata__", "holds something other than text")


def _span(entry: Json, where: str) -> tuple[int, int, str, tuple[int, ...]]:
    """Begin and end inside the data, dtype and shape, when they agree with each other."""
    match entry:
        case {"dtype": str(dtype), "shape": [*sizes], "data_offsets": [*offsets], **others} if not others:
            shape, (begin, end) = _sizes(sizes, where), _sizes(offsets, where, count=2)
        case _:
            raise ReadError(Kind.HEADER, where, "not a tensor's entry: dtype, shape, data_offsets")
    if math.prod(max(size, 1) for size in shape) > WEIGHTS_LIMIT:
        raise ReadError(Kind.SHAPE, where, "the shape is too large")
    if dtype not in _DTYPES:
        raise ReadError(Kind.DTYPE, where, f"dtype {shown(dtype)} is not read")
    needed = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if end - begin != needed:
        raise ReadError(Kind.SHAPE, where, f"needs {shown(needed)} bytes; claims {shown(begin)} to {shown(end)}")
    return begin, end, dtype, shape


def _sizes(values: list[Json], where: str, *, count: int | None = None) -> tuple[int, ...]:
    sizes = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    if len(sizes) != len(values) or len(sizes) > _DIMENSIONS or count not in (None, len(sizes)):
        raise ReadError(Kind.SHAPE, where, "a shape or a pair of offsets that is not one")
    return sizes


def _check_cover(spans: list[tuple[int, int]], length: int, where: str) -> None:
    taken = 0
    for begin, end in sorted(spans):
        if begin != taken:
            what = f"a tensor begins at {shown(begin)}; the one before ends at {shown(taken)}"
            raise ReadError(Kind.OVERLAP, where, what)
        taken = end
    if taken != length:
        raise ReadError(Kind.TRUNCATED, where, f"the tensors take {shown(taken)} bytes; there are {length}")


def _tensor(data: bytes, begin: int, end: int, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    stored = np.dtype(_DTYPES[dtype])
    flat = np.frombuffer(data, dtype=stored, count=(end - begin) // stored.itemsize, offset=begin)
    array = widened(flat) if dtype == "BF16" else flat
    return array.reshape(shape)
