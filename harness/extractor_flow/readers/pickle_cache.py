"""Follows equal pickles once: the models of a job, and of its seeds, differ in their numbers, which lie beside them."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, TypeVar

from extractor_flow.readers.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

KEPT = 64
"""A model has a dozen pickles, of which its next checkpoint shares all but two or three."""
SIZE_LIMIT = 32 * 1024
"""Bytes of a pickle whose result is kept: 100 tensors, and with ``KEPT`` of them a hundred megabytes at worst."""


def following_once(follow: Callable[[bytes], T]) -> Callable[[bytes, str], T]:
    """A reader of a pickle and of the place that it is in, which is named where *follow* refuses it.

    What it gives may be given again, to other places with an equal pickle: never change it.
    """
    remembered = lru_cache(KEPT)(follow)

    @wraps(follow)
    def read(program: bytes, where: str) -> T:
        try:
            return remembered(program) if len(program) <= SIZE_LIMIT else follow(program)
        except ReadError as error:
            raise ReadError(error.kind, where, error.what) from error

    return read
