"""What an extractor's parameters may be: one rule for each, and a complaint where a value breaks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from extractor_flow.config import shown

LARGEST = 16_384
"""No layer may be wider."""


class Rule(Protocol):
    """Describes what a value has to be."""

    def problem(self, value: object) -> str | None:
        """What would do instead of *value*; ``None`` if it does."""


@dataclass(frozen=True)
class Integer:
    """An integer from *least* to *most*."""

    least: int = 1
    most: int = LARGEST

    def problem(self, value: object) -> str | None:
        """See :class:`Rule`."""
        fits = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return None if fits else f"an integer from {self.least} to {self.most}"


@dataclass(frozen=True)
class Rate:
    """A share of values to drop: a number from 0 to below 1."""

    def problem(self, value: object) -> str | None:
        """See :class:`Rule`."""
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
        return None if fits else "a number from 0 to below 1"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def problem(self, value: object) -> str | None:
        """See :class:`Rule`."""
        return None if isinstance(value, bool) else "true or false"


@dataclass(frozen=True)
class Name:
    """The key of an observation."""

    def problem(self, value: object) -> str | None:
        """See :class:`Rule`."""
        return None if isinstance(value, str) and value else "the name of an observation's key"


@dataclass(frozen=True)
class ListOf:
    """A list of *shortest* to *longest* values that each obey *rule*."""

    rule: Rule
    shortest: int = 1
    longest: int = 16

    def problem(self, value: object) -> str | None:
        """See :class:`Rule`."""
        fits = isinstance(value, list | tuple) and self.shortest <= len(value) <= self.longest
        complaints = [self.rule.problem(item) for item in value] if isinstance(value, list | tuple) else []
        if fits and not any(complaints):
            return None
        each = next(filter(None, complaints), None) or self.rule.problem(None)
        return f"a list of {self.shortest} to {self.longest} values, each {each}"


def clashes(parameters: Mapping[str, object]) -> list[str]:
    """What does not fit together, one line each, in parameters that are all right one by one."""
    return [
        *_unequal_lengths(parameters, "num_filters", "kernel_sizes"),
        *_unequal_lengths(parameters, "num_filters", "dropout_rates"),
        *_attention(parameters),
        *_recurrence(parameters),
        *_branches(parameters),
    ]


def _unequal_lengths(parameters: Mapping[str, object], first: str, second: str) -> list[str]:
    one, other = parameters.get(first), parameters.get(second)
    if not (isinstance(one, Sequence) and isinstance(other, Sequence)) or len(one) == len(other):
        return []
    return [f"{second} has {len(other)} values and {first} has {len(one)}; expected as many, one for each layer"]


def _attention(parameters: Mapping[str, object]) -> list[str]:
    width, heads = parameters.get("embed_dim"), parameters.get("num_heads")
    if not (isinstance(width, int) and isinstance(heads, int)):
        return []
    found = []
    if width % heads:
        divisors = [number for number in range(1, min(width, 256) + 1) if width % number == 0]
        found.append(
            f"num_heads is {heads}, which does not divide embed_dim {width}; expected one of {shown(divisors)}"
        )
    if width % 2:
        found.append(f"embed_dim is {width}; expected an even number, for positions are encoded in pairs")
    return found


def _branches(parameters: Mapping[str, object]) -> list[str]:
    sequence, vectors = parameters.get("sequence_key"), parameters.get("vector_keys")
    if sequence is None or not isinstance(vectors, Sequence) or sequence not in vectors:
        return []
    return [f"sequence_key is {shown(sequence)}, which is one of vector_keys too; expected it in one of the two"]


def _recurrence(parameters: Mapping[str, object]) -> list[str]:
    if parameters.get("lstm_dropout") and parameters.get("num_layers") == 1:
        return ["lstm_dropout acts between layers and num_layers is 1; expected a dropout of 0 or more layers"]
    return []
