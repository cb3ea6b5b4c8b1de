"""Reads the pickle of a PyTorch state dict without unpickling: nothing in it is imported, called or built.

A pickle is a program for a stack machine. This module follows the program with stand-ins: it knows the twenty or so
instructions and the few names that a state dict is made of, and refuses every other one by its name.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from extractor_flow.readers.errors import Kind, ReadError, shown
from extractor_flow.readers.pickle_cache import following_once

if TYPE_CHECKING:
    from collections.abc import Callable

PICKLE_LIMIT = 16 * 1024 * 1024
INSTRUCTIONS_LIMIT = 500_000
"""A tensor takes about 30. Each may leave an object of a hundred bytes behind, and takes a microsecond."""
_INDEX = 1 << 48
# PyTorch's storage types and the NumPy dtype of their elements (bfloat16 as the bits it is stored in).
STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
    "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class Storage:
    """A file of raw numbers in the archive: its key, the dtype of its elements and their count."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class TensorView:
    """Where a tensor lies in its storage; offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(slots=True)
class Table:
    """A dict of the program; it may hold itself, so look no deeper than you know."""

    items: dict[str | int, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Series:
    """A list of the program."""

    items: list[Any] = field(default_factory=list)


class _Mark:
    """Where a variable number of arguments begins."""


def state_dict(data: bytes, where: str) -> dict[str, TensorView]:
    """The tensors that the pickle *data* describes, by name; it may hold nothing besides."""
    views = {}
    for name, view in table(data, where).items.items():
        if not isinstance(name, str) or not isinstance(view, TensorView):
            raise ReadError(Kind.PICKLE, where, f"{shown(name)} is not the name of a tensor")
        views[name] = view
    return views


@following_once
def table(data: bytes) -> Table:
    """The dict that the pickle *data* describes: of tables, series, tuples, tensors, texts and numbers."""
    machine = _Machine()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data), 1):
            if number > INSTRUCTIONS_LIMIT:
                raise ReadError(Kind.TOO_MANY, "", f"more than {INSTRUCTIONS_LIMIT} instructions")
            machine.step(opcode.name, argument)
    except (ValueError, OverflowError) as error:  # what pickletools raises for a malformed instruction
        _refuse(f"not a well-formed pickle: {error}", error)
    result = machine.result()
    if not isinstance(result, Table):
        _refuse("the pickle is not a state dict")
    return result


def _refuse(what: str, cause: Exception | None = None) -> NoReturn:
    raise ReadError(Kind.PICKLE, "", what) from cause


class _Machine:
    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._stopped = False
        self._steps: dict[str, Callable[[Any], None]] = {
            "GLOBAL": self._global,
            "MARK": lambda _: self._stack.append(_Mark()),
            "TUPLE": lambda _: self._stack.append(tuple(self._to_mark())),
            "EMPTY_DICT": lambda _: self._stack.append(Table()),
            "EMPTY_LIST": lambda _: self._stack.append(Series()),
            "APPEND": lambda _: self._extend([self._pop()]),
            "APPENDS": lambda _: self._extend(self._to_mark()),
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "BINPERSID": lambda _: self._stack.append(self._storage(self._pop())),
            "REDUCE": self._reduce,
            "SETITEM": lambda _: self._set([self._pop(), self._pop()][::-1]),
            "SETITEMS": lambda _: self._set(self._to_mark()),
            "BUILD": self._build,
        }

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - whatever the instruction carries
        """Follow one instruction; one that a state dict has no use for is refused."""
        if self._stopped or name == "PROTO":
            return
        if name == "STOP":
            self._stopped = True
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self._stack.append(argument)
        elif name in _TUPLES:
            self._stack.append(tuple([self._pop() for _ in range(_TUPLES[name])][::-1]))
        elif name in self._steps:
            self._steps[name](argument)
        else:
            _refuse(f"the instruction {name} has no place in a state dict")

    def result(self) -> Any:  # noqa: ANN401 - one of the stand-ins
        """What the program leaves, which must be one thing."""
        if not self._stopped or len(self._stack) != 1:
            _refuse("the program does not end with one value")
        return self._stack[0]

    def _pop(self) -> Any:  # noqa: ANN401 - one of the stand-ins
        if not self._stack or isinstance(self._stack[-1], _Mark):
            _refuse("an instruction finds nothing to work on")
        return self._stack.pop()

    def _to_mark(self) -> list[Any]:
        taken: list[Any] = []
        while self._stack:
            value = self._stack.pop()
            if isinstance(value, _Mark):
                return taken[::-1]
            taken.append(value)
        _refuse("an instruction finds no mark")

    def _put(self, index: int) -> None:
        value = self._pop()
        self._stack.append(value)
        self._memo[index] = value

    def _get(self, index: int) -> None:
        if index not in self._memo:
            _refuse(f"nothing was remembered as {index}")
        self._stack.append(self._memo[index])

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        known = module == "torch" and name in STORAGES
        if not known and argument not in {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}:
            _refuse(f"names {shown(f'{module}.{name}')}, which reading would have to import")
        self._stack.append(_Global(name))

    def _storage(self, identity: object) -> Storage:
        match identity:
            case ("storage", _Global(name=name), str(key), str(), count) if name in STORAGES and key.isalnum():
                return Storage(key, STORAGES[name], self._indices((count,))[0])
        _refuse("refers to something that is not a storage")

    def _reduce(self, _: object) -> None:
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case _Global(name="OrderedDict"), ():
                self._stack.append(Table())
            case _Global(name="_rebuild_tensor_v2"), (storage, offset, shape, strides, bool(), Table(), *_):
                self._stack.append(self._view(storage, (offset,), shape, strides))
            case _Global(name=name), _:
                _refuse(f"calls {shown(name)} in a way that a state dict does not")
            case _:
                _refuse("calls something that is not a known name")

    def _view(self, storage: object, offset: object, shape: object, strides: object) -> TensorView:
        if not isinstance(storage, Storage):
            _refuse("a tensor without a storage")
        return TensorView(storage, self._indices(offset)[0], self._indices(shape), self._indices(strides))

    def _indices(self, values: object) -> tuple[int, ...]:
        if not isinstance(values, tuple) or not all(type(value) is int and 0 <= value < _INDEX for value in values):
            _refuse("an offset, a shape or a stride that is not one")
        return values

    def _set(self, pairs: list[Any]) -> None:
        target = self._pop()
        names = pairs[::2]
        if not isinstance(target, Table) or len(pairs) % 2 or not all(type(name) in (str, int) for name in names):
            _refuse("sets an item of something that is not a mapping by name or number")
        fresh = dict(zip(names, pairs[1::2], strict=True))
        if len(fresh) != len(names) or fresh.keys() & target.items.keys():
            _refuse("gives one name two values")
        target.items.update(fresh)
        self._stack.append(target)

    def _extend(self, values: list[Any]) -> None:
        target = self._pop()
        if not isinstance(target, Series):
            _refuse("appends to something that is not a list")
        target.items.extend(values)
        self._stack.append(target)

    def _build(self, _: object) -> None:
        state, target = self._pop(), self._pop()
        # Modules leave their version numbers here; they decide no weight.
        if not isinstance(target, Table) or not isinstance(state, Table) or state.items.keys() != {"_metadata"}:
            _refuse("changes the attributes of an object")
        self._stack.append(target)
