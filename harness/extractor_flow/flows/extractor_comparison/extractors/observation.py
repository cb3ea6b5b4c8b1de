"""Finds out, from an observation space alone, what is a sequence, what an image and what a plain vector."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from gymnasium.spaces.utils import flatdim

from extractor_flow.config import did_you_mean
from extractor_flow.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

LONG = 32
"""Of at least this many values along one axis, a Box of one or two axes is a sequence rather than a vector."""

MOST_CHANNELS = 16
"""A Box of three axes is an image if its first or last axis is no longer; SB3 reads images so, too."""


@dataclass(frozen=True)
class Part:
    """One member of a Dict observation, or (with no *key*) the whole of another, as Stable-Baselines3 preprocesses it.

    *channels* and *size* say what :meth:`read` gives: (batch, channels, *size). A vector has one channel of one axis.
    """

    key: str | None
    channels: int
    size: tuple[int, ...]
    channels_last: bool = False

    @property
    def values(self) -> int:
        """How many numbers an observation of this part holds."""
        return self.channels * prod(self.size)

    def read(self, observations: Tensor | Mapping[str, Tensor]) -> Tensor:
        """This part of a batch of observations, shape (batch, channels, *size)."""
        tensor: Any = observations if self.key is None else observations[self.key]  # type: ignore[index]
        if self.channels_last:
            tensor = tensor.movedim(-1, 1)
        part: Tensor = tensor.reshape(-1, self.channels, *self.size)
        return part


@dataclass(frozen=True)
class Branches:
    """The parts of an observation that have a layout, in the space's order, and those that are plain vectors."""

    laid_out: tuple[Part, ...]
    vectors: tuple[Part, ...]


def find_branches(
    space: spaces.Space[Any], sequence_key: str | None = None, vector_keys: Sequence[str] | None = None
) -> Branches:
    """How to read *space*: by the given names, and otherwise by shape.

    Images are laid out, and so is one sequence: *sequence_key*, or else the largest Box of one or two axes that is
    :data:`LONG`. Where neither is there, the largest vector is read as a sequence, so that every extractor has
    something to extract from. :class:`JobError` for a name that is not there and for a space no policy can read.
    """
    parts = _members(space)
    _check_names(space, [sequence_key] if sequence_key else [], "sequence_key")
    _check_names(space, vector_keys or [], "vector_keys")
    free = {key: part for key, part in parts.items() if key not in (vector_keys or ())}
    images = {key for key, part in free.items() if _is_image(part) and key != sequence_key}
    sequence = sequence_key or _longest(free, images)
    if sequence is None and not images and free:
        sequence = max(free, key=lambda key: flatdim(free[key]))
    laid_out = tuple(
        _image(key, parts[key]) if key in images else _sequence(key, parts[key])
        for key in parts
        if key in images or (key == sequence and sequence is not None)
    )
    taken = {part.key or "" for part in laid_out}
    return Branches(laid_out, tuple(_vector(key, part) for key, part in parts.items() if key not in taken))


def _members(space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
    """The members of a Dict; any other space is the only member, with an empty key."""
    parts: dict[str, spaces.Space[Any]] = dict(space.items()) if isinstance(space, spaces.Dict) else {"": space}
    for key, part in parts.items():
        if not isinstance(part, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
            msg = f"the observation {key!r} is a {type(part).__name__}, which no policy can read; filter it out"
            raise JobError(msg)
    return parts


def _check_names(space: spaces.Space[Any], names: Sequence[str], parameter: str) -> None:
    names_there = list(space) if isinstance(space, spaces.Dict) else []
    for name in names:
        if name not in names_there:
            known = f"expected one of {', '.join(names_there)}{did_you_mean(name, names_there)}"
            keys = known if names_there else "the observation is no Dict and has no keys"
            msg = f"{parameter} names {name!r}, which is no key of the observation; {keys}"
            raise JobError(msg)


def _is_image(space: spaces.Space[Any]) -> bool:
    if not (isinstance(space, spaces.Box) and len(space.shape) == 3):  # noqa: PLR2004 - channels, height, width
        return False
    return space.dtype == np.uint8 or min(space.shape[0], space.shape[-1]) <= MOST_CHANNELS


def _longest(parts: Mapping[str, spaces.Space[Any]], images: set[str]) -> str | None:
    long = {
        key: flatdim(part)
        for key, part in parts.items()
        if key not in images and isinstance(part, spaces.Box) and len(part.shape) in {1, 2} and max(part.shape) >= LONG
    }
    return max(long, key=lambda key: long[key], default=None)


def _image(key: str, space: spaces.Space[Any]) -> Part:
    first, middle, last = space.shape or ()
    if first == min(first, middle, last):  # so does Stable-Baselines3 decide which axis is that of the channels
        return Part(key or None, first, (middle, last))
    return Part(key or None, last, (first, middle), channels_last=True)


def _sequence(key: str, space: spaces.Space[Any]) -> Part:
    """Along the longer of two axes; frames or features along the other one are channels."""
    if not isinstance(space, spaces.Box) or len(space.shape) != 2:  # noqa: PLR2004 - channels, length
        return Part(key or None, 1, (flatdim(space),))
    first, last = space.shape
    if first > last:
        return Part(key or None, last, (first,), channels_last=True)
    return Part(key or None, first, (last,))


def _vector(key: str, space: spaces.Space[Any]) -> Part:
    return Part(key or None, 1, (flatdim(space),))
