"""The weights inside a Stable-Baselines3 model file, read without PyTorch and without unpickling."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from harness.readers.errors import Kind, ReadError, one_line
from harness.readers.pickled import PICKLE_LIMIT, TensorView, state_dict
from harness.readers.text import decode, parse, require_object
from harness.readers.weights import WEIGHTS_LIMIT, Weights, widened
from harness.readers.zips import Archive

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA_LIMIT = 64 * 1024 * 1024
_DIMENSIONS = 16
_BYTE_ORDERS: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}


@dataclass(frozen=True)
class Model:
    """A saved model: the policy's weights, and the steps it was trained for where the file says so."""

    weights: Weights
    num_timesteps: int | None


def read_model(stream: BinaryIO, where: str, *, limit: int = WEIGHTS_LIMIT) -> Model:
    """The model in *stream*, a ZIP file as ``BaseAlgorithm.save`` writes it.

    The pickled objects in its ``data`` member are never decoded; they are text to this reader.
    """
    archive = Archive(stream, where, limit=limit)
    policy = archive.read("policy.pth")
    return Model(
        weights=read_torch(io.BytesIO(policy), f"{where}!policy.pth", limit=limit),
        num_timesteps=_timesteps(archive, where),
    )


def read_torch(stream: BinaryIO, where: str, *, limit: int = WEIGHTS_LIMIT) -> Weights:
    """The tensors of a state dict that ``torch.save`` wrote; strides are honoured, BF16 comes as float32."""
    archive = Archive(stream, where, limit=limit)
    roots = [name.removesuffix("/data.pkl") for name in archive.members if name.endswith("/data.pkl")]
    if len(roots) != 1 or "/" in roots[0]:
        raise ReadError(Kind.HEADER, where, "holds no data.pkl in a folder of its own")
    root = roots[0]
    program = f"{root}/data.pkl"
    if archive.members[program].size > PICKLE_LIMIT:
        raise ReadError(Kind.TOO_LARGE, where, f"{one_line(program)} has {archive.members[program].size} bytes")
    views = state_dict(archive.read(program), f"{where}!{one_line(program)}")
    _check_total(views, where, limit)
    order = _byte_order(archive, f"{root}/byteorder", where)
    storages = {view.storage.key for view in views.values()}
    raw = {key: archive.read(f"{root}/data/{key}") for key in storages}
    return {name: _tensor(view, raw[view.storage.key], order, where) for name, view in views.items()}


def _timesteps(archive: Archive, where: str) -> int | None:
    if "data" not in archive.members:
        return None
    inside = f"{where}!data"
    if archive.members["data"].size > DATA_LIMIT:
        raise ReadError(Kind.TOO_LARGE, inside, f"{archive.members['data'].size} bytes")
    steps = require_object(parse(decode(archive.read("data"), inside), inside), inside).get("num_timesteps")
    if steps is not None and type(steps) is not int:
        raise ReadError(Kind.HEADER, inside, "num_timesteps is not an integer")
    return steps


def _check_total(views: dict[str, TensorView], where: str, limit: int) -> None:
    """Many views of one storage take no space in the file and all of it in the reader's memory."""
    total = sum(math.prod(max(size, 1) for size in view.shape) * _stored(view).itemsize for view in views.values())
    if total > limit:
        raise ReadError(Kind.ZIP_BOMB, where, f"tensors of {total.bit_length()} bits' worth of bytes; limit {limit}")


def _byte_order(archive: Archive, name: str, where: str) -> Literal["<", ">"]:
    written = archive.read(name) if name in archive.members else b"little"
    if written not in _BYTE_ORDERS:
        raise ReadError(Kind.HEADER, where, "a byte order that is neither little nor big")
    return _BYTE_ORDERS[written]


def _stored(view: TensorView) -> np.dtype[Any]:
    return np.dtype("u2" if view.storage.dtype == "bf16" else view.storage.dtype)


def _tensor(view: TensorView, raw: bytes, order: Literal["<", ">"], where: str) -> NDArray[Any]:
    storage = view.storage
    dtype = _stored(view).newbyteorder(order)
    inside = f"{where}!data/{storage.key}"
    if len(raw) != storage.count * dtype.itemsize:
        raise ReadError(Kind.SHAPE, inside, f"{len(raw)} bytes for {storage.count} elements of {dtype.itemsize}")
    if len(view.shape) != len(view.strides) or len(view.shape) > _DIMENSIONS:
        raise ReadError(Kind.SHAPE, inside, "a tensor with another number of strides than sizes")
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
    count = math.prod(view.shape)
    if view.offset > storage.count or (count and max(last + 1, count) > storage.count):
        raise ReadError(Kind.OVERLAP, inside, "a tensor reaches beyond its storage, or uses a number twice")
    flat = np.frombuffer(raw, dtype=dtype)[view.offset :]
    if not count:
        return np.zeros(view.shape, dtype=dtype)
    strides = tuple(stride * dtype.itemsize for stride in view.strides)
    array = as_strided(flat, shape=view.shape, strides=strides, writeable=False)
    return widened(array) if storage.dtype == "bf16" else array
