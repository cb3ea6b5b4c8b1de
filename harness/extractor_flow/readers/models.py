"""The weights inside a Stable-Baselines3 model file, read without PyTorch and without unpickling."""

from __future__ import annotations

import base64
import binascii
import io
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from extractor_flow.readers.errors import Kind, ReadError, one_line
from extractor_flow.readers.pickled import PICKLE_LIMIT, Series, Table, TensorView, state_dict, table
from extractor_flow.readers.text import decode, parse, require_object
from extractor_flow.readers.weights import WEIGHTS_LIMIT, Weights, widened
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from numpy.typing import NDArray

POLICY, OPTIMIZER, PROGRAM = "policy.pth", "policy.optimizer.pth", "/data.pkl"
SERIALIZED = ":serialized:"
DATA_LIMIT = 64 * 1024 * 1024
_DIMENSIONS = 16
_BYTE_ORDERS: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}


@dataclass(frozen=True)
class Model:
    """A saved model: the policy's weights, and the steps it was trained for where the file says so.

    ``aliases`` names, for each tensor that shares all its numbers with an earlier one, that earlier one. ``settings``
    are the algorithm's attributes, such as ``seed`` and ``gamma``: JSON, in which every pickled object is an object of
    texts. ``pickles`` are the programs that loading the model would run, by their place, but for those that are known
    to make nothing but tensors and plain values.
    """

    weights: Weights
    num_timesteps: int | None
    aliases: dict[str, str]
    settings: dict[str, Any]
    pickles: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimizer:
    """The state of an Adam or RMSprop: of how many tensors, and for those that ever had a gradient the rest.

    ``steps`` are the updates of each, ``shapes`` its shape, ``means`` and ``squares`` the running means of its
    gradients, which RMSprop has none of, and of their squares. ``rates`` are the learning rates of the groups.
    """

    tensors: int
    steps: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    rates: tuple[float, ...] = ()
    means: tuple[NDArray[Any], ...] = field(default=(), compare=False)
    squares: tuple[NDArray[Any], ...] = field(default=(), compare=False)


def read_model(stream: BinaryIO, where: str, *, limit: int = WEIGHTS_LIMIT) -> Model:
    """The model in *stream*, a ZIP file as ``BaseAlgorithm.save`` writes it.

    Nothing in it is unpickled: its pickled objects are handed on as the bytes that they are.
    """
    archive = Archive(stream, where, limit=limit)
    inner = _TorchFile(io.BytesIO(archive.read(POLICY)), f"{where}!{POLICY}", limit)
    views = inner.views()
    firsts: dict[TensorView, str] = {}
    aliases = {name: first for name, view in views.items() if (first := firsts.setdefault(view, name)) != name}
    settings = _data(archive, where)
    steps, pickles = _timesteps(settings, f"{where}!data"), _pickles(archive, settings, where, limit)
    return Model(inner.tensors(views), steps, aliases, settings, pickles)


def read_optimizer(stream: BinaryIO, where: str, *, member: str = OPTIMIZER, limit: int = WEIGHTS_LIMIT) -> Optimizer:
    """The state of the optimizer that the model in *stream* keeps as *member*."""
    archive = Archive(stream, where, limit=limit)
    inside = f"{where}!{member}"
    inner = _TorchFile(io.BytesIO(archive.read(member)), inside, limit)
    match table(inner.program(), inside).items:
        case {"state": Table(items=state), "param_groups": Series(items=groups)}:
            tables = [group.items for group in groups if isinstance(group, Table)]
        case _:
            raise ReadError(Kind.PICKLE, inside, "is not the state of an optimizer")
    rows = [entry.items for entry in state.values() if isinstance(entry, Table)]
    means, squares = _column(rows, "exp_avg"), _column(rows, "exp_avg_sq") or _column(rows, "square_avg")
    counts = inner.tensors(_column(rows, "step")).values()
    whole = [count for count in counts if count.size == 1 and count.dtype.kind in "fiu" and np.isfinite(count).all()]
    rates = [group.get("lr") for group in tables]
    return Optimizer(
        tensors=sum(len(members.items) for group in tables if isinstance(members := group.get("params"), Series)),
        steps=(
            *(int(count.item()) for count in whole),
            *(step for row in rows if type(step := row.get("step")) is int),
        ),
        shapes=tuple(view.shape for view in (means or squares).values()),
        rates=tuple(rate for rate in rates if isinstance(rate, int | float)),
        means=tuple(inner.tensors(means).values()),
        squares=tuple(inner.tensors(squares).values()),
    )


def read_torch(stream: BinaryIO, where: str, *, limit: int = WEIGHTS_LIMIT) -> Weights:
    """The tensors of a state dict that ``torch.save`` wrote; strides are honoured, BF16 comes as float32."""
    inner = _TorchFile(stream, where, limit)
    return inner.tensors(inner.views())


class _TorchFile:
    """A ZIP file as ``torch.save`` writes it: one pickle, and a file of raw numbers for each storage."""

    def __init__(self, stream: BinaryIO, where: str, limit: int) -> None:
        self._archive = Archive(stream, where, limit=limit)
        self._where = where
        self._limit = limit
        members = self._archive.members
        roots = [name.removesuffix(PROGRAM) for name in members if name.endswith(PROGRAM)]
        if len(roots) != 1 or "/" in roots[0]:
            raise ReadError(Kind.HEADER, where, "holds no data.pkl in a folder of its own")
        self._root = roots[0]

    def program(self) -> bytes:
        """The pickle."""
        name = f"{self._root}{PROGRAM}"
        if (size := self._archive.members[name].size) > PICKLE_LIMIT:
            raise ReadError(Kind.TOO_LARGE, self._where, f"{one_line(name)} has {size} bytes")
        return self._archive.read(name)

    def views(self) -> dict[str, TensorView]:
        """The tensors of the state dict that the pickle is."""
        return state_dict(self.program(), f"{self._where}!{one_line(self._root)}{PROGRAM}")

    def tensors(self, views: dict[str, TensorView]) -> Weights:
        """The numbers of *views*."""
        _check_total(views, self._where, self._limit)
        order = self._byte_order()
        raw = {
            key: self._archive.read(f"{self._root}/data/{key}") for key in {each.storage.key for each in views.values()}
        }
        return {name: _tensor(view, raw[view.storage.key], order, self._where) for name, view in views.items()}

    def _byte_order(self) -> Literal["<", ">"]:
        name = f"{self._root}/byteorder"
        written = self._archive.read(name) if name in self._archive.members else b"little"
        if written not in _BYTE_ORDERS:
            raise ReadError(Kind.HEADER, self._where, "a byte order that is neither little nor big")
        return _BYTE_ORDERS[written]


def _data(archive: Archive, where: str) -> dict[str, Any]:
    """The algorithm's attributes as JSON has them; empty where the file has none."""
    if "data" not in archive.members:
        return {}
    inside = f"{where}!data"
    if archive.members["data"].size > DATA_LIMIT:
        raise ReadError(Kind.TOO_LARGE, inside, f"{archive.members['data'].size} bytes")
    return require_object(parse(decode(archive.read("data"), inside), inside), inside)


def _pickles(archive: Archive, settings: dict[str, Any], where: str, limit: int) -> dict[str, bytes]:
    """What Stable-Baselines3 unpickles beside the two files of weights: objects in ``data``, and other tensors."""
    pickles = {}
    for name, value in settings.items():
        if isinstance(value, dict) and SERIALIZED in value:
            pickles[f"data: $.{name}"] = _serialized(value[SERIALIZED], f"{where}!data: $.{name}")
    for name in archive.members:
        if name.endswith(".pth") and name not in (POLICY, OPTIMIZER):
            inside = f"{where}!{one_line(name)}"
            program = _TorchFile(io.BytesIO(archive.read(name)), inside, limit).program()
            if not _is_plain(program, inside):
                pickles[name] = program
    return pickles


def _is_plain(program: bytes, inside: str) -> bool:
    """Whether *program* makes tensors and plain values alone, as that of another optimizer does."""
    try:
        table(program, inside)
    except ReadError:
        return False
    return True


def _serialized(text: Any, where: str) -> bytes:  # noqa: ANN401 - any JSON value
    """The pickle in *text*, decoded as Stable-Baselines3 does it, which passes over what is not base64."""
    try:
        return base64.b64decode(text.encode())
    except (AttributeError, binascii.Error) as error:
        raise ReadError(Kind.PICKLE, where, f"{SERIALIZED} is no base64 text") from error


def _column(rows: list[dict[str | int, Any]], name: str) -> dict[str, TensorView]:
    return {str(n): view for n, row in enumerate(rows) if isinstance(view := row.get(name), TensorView)}


def _timesteps(data: dict[str, Any], inside: str) -> int | None:
    steps = data.get("num_timesteps")
    if steps is not None and type(steps) is not int:
        raise ReadError(Kind.HEADER, inside, "num_timesteps is not an integer")
    return steps


def _check_total(views: dict[str, TensorView], where: str, limit: int) -> None:
    """Many views of one storage take no space in the file and all of it in the reader's memory."""
    total = sum(math.prod(max(size, 1) for size in view.shape) * _stored(view).itemsize for view in views.values())
    if total > limit:
        raise ReadError(Kind.ZIP_BOMB, where, f"tensors of {total.bit_length()} bits' worth of bytes; limit {limit}")


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
