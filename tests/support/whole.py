"""Leaves to the longer suites what shows a kind of thing once more: see the marker ``whole``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def one_of_a_kind(values: Iterable[T], kind: Callable[[T], object], title: Callable[[T], str] = str) -> list[Any]:
    """*values* as parameters of a test: the first of each kind, the others marked as ``whole``."""
    kinds: list[object] = []
    parameters = []
    for value in values:
        marks = [pytest.mark.whole] if kind(value) in kinds else []
        kinds.append(kind(value))
        parameters.append(pytest.param(value, marks=marks, id=title(value)))
    return parameters
