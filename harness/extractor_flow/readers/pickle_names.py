"""Which names a pickle would import, and what it would do with them, without importing any.

A pickle is a program for a stack machine. This module follows it with stand-ins, so a name is found however it is put
together: spelled out, taken from the stack, or remembered first and fetched later.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from extractor_flow.readers.errors import Kind, ReadError, one_line
from extractor_flow.readers.pickle_cache import following_once

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTRUCTIONS_LIMIT = 200_000
"""The largest object of a genuine model, a buffer of a hundred episodes, takes about 2,000."""

_TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_CHANGES = {"BUILD", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "ADDITEMS"}
# Of no use in a plain pickle, and each could bring in an object that no name in it tells of.
_REFUSED = {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}
_MARK = object()


class Manner(StrEnum):
    """What a pickle does with a name."""

    NAMED = "names"  # it is imported, and left as it is
    CALLED = "calls"
    CHANGED = "changes"  # its attributes or its items
    MADE = "calls what it has from"  # what calling it has given is called in turn


@dataclass(frozen=True)
class Use:
    """One name of a pickle, as ``module`` and ``name`` inside it, and the manner in which it is used."""

    module: str
    name: str
    manner: Manner

    def __str__(self) -> str:
        """``calls os.system``, on one line."""
        return one_line(f"{self.manner} {self.module}.{self.name}")


@dataclass(frozen=True)
class _Name:
    """A name on the stack; or, if *made*, what calling it has given."""

    module: str
    name: str
    made: bool = False


@following_once
def uses_in(program: bytes) -> tuple[Use, ...]:
    """The different uses of names in the pickle *program*, in their order.

    :class:`ReadError` where it is no pickle, or is longer than any genuine one.
    """
    machine, uses = _Machine(), dict[Use, None]()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(program), 1):
            if number > INSTRUCTIONS_LIMIT:
                raise ReadError(Kind.TOO_MANY, "", f"more than {INSTRUCTIONS_LIMIT} instructions")
            uses.update(dict.fromkeys(machine.step(opcode, argument)))
    except (ValueError, OverflowError) as error:  # what pickletools raises for a malformed instruction
        _refuse(f"not a well-formed pickle: {error}", error)
    return tuple(uses)


def _refuse(what: str, cause: Exception | None = None) -> NoReturn:
    raise ReadError(Kind.PICKLE, "", what) from cause


class _Machine:
    """The stack and the memo of a pickle; what is no text and has no name stands on them as ``None``."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> Iterator[Use]:  # noqa: ANN401
        """Follow one instruction; the uses of names that it makes."""
        match opcode.name:
            case "GLOBAL":
                yield self._import(*argument.split(" ", 1))
            case "STACK_GLOBAL":
                name, module = self._pop(), self._pop()
                yield self._import(module, name)
            case "INST":
                self._to_mark()
                yield self._import(*argument.split(" ", 1))
                yield self._call(self._pop())
            case "OBJ":
                yield self._call((self._to_mark() or [None])[0])
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX":
                *_, called = [self._pop() for _ in opcode.stack_before]
                yield self._call(called)
            case name if name in _CHANGES:
                self._take(opcode, but=1)
                if isinstance(target := self._top(), _Name) and not target.made:
                    yield Use(target.module, target.name, Manner.CHANGED)
            case name:
                self._plain(name, opcode, argument)

    def _plain(self, name: str, opcode: pickletools.OpcodeInfo, argument: Any) -> None:  # noqa: ANN401
        """An instruction that uses no name."""
        if name in _REFUSED:
            _refuse(f"the instruction {name} has no place here")
        if name in _TEXTS:
            self._stack.append(argument)
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif name in _PUTS:
            self._memo[argument] = self._top()
        elif name in _GETS:
            self._stack.append(self._remembered(argument))
        elif name == "DUP":
            self._stack.append(self._top())
        elif name == "MARK":
            self._stack.append(_MARK)
        else:
            self._take(opcode)
            self._stack.extend(None for _ in opcode.stack_after)

    def _take(self, opcode: pickletools.OpcodeInfo, but: int = 0) -> None:
        """Take what *opcode* takes off the stack, but for the lowest *but*."""
        if pickletools.markobject in opcode.stack_before:
            self._to_mark()
        else:
            for _ in opcode.stack_before[but:]:
                self._pop()

    def _import(self, module: object, name: object) -> Use:
        if not isinstance(module, str) or not isinstance(name, str):
            _refuse("imports something whose name is made as it runs")
        self._stack.append(_Name(module, name))
        return Use(module, name, Manner.NAMED)

    def _call(self, called: object) -> Use:
        if not isinstance(called, _Name):
            _refuse("calls something that has no name")
        self._stack.append(_Name(called.module, called.name, made=True))
        return Use(called.module, called.name, Manner.MADE if called.made else Manner.CALLED)

    def _remembered(self, index: int) -> Any:  # noqa: ANN401 - whatever was on the stack
        if index not in self._memo:
            _refuse(f"nothing was remembered as {index}")
        return self._memo[index]

    def _top(self) -> Any:  # noqa: ANN401 - whatever is on the stack
        if not self._stack or self._stack[-1] is _MARK:
            _refuse("an instruction finds nothing to work on")
        return self._stack[-1]

    def _pop(self) -> Any:  # noqa: ANN401 - whatever is on the stack
        self._top()
        return self._stack.pop()

    def _to_mark(self) -> list[Any]:
        taken: list[Any] = []
        while self._stack:
            value = self._stack.pop()
            if value is _MARK:
                return taken[::-1]
            taken.append(value)
        _refuse("an instruction finds no mark")
