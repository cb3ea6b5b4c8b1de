"""Whether what was computed again is what was stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import TOLERANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A share of the largest value. The object is made in single precision (6e-8), and photon counts follow from sums over
# it: on another processor they differ by some 1e-6.
ROUNDING = 1e-4


def nearly(there: NDArray[Any] | None, expected: NDArray[Any], rounding: float = ROUNDING) -> bool:
    """Whether *there* is *expected* but for *rounding*, a share of its largest value; whatever *there* holds."""
    if there is None or there.shape != expected.shape or there.dtype != expected.dtype:
        return False
    with np.errstate(all="ignore"):
        return bool((np.abs(there - expected) <= rounding * np.abs(expected).max()).all())


def alike(there: object, expected: object, rounding: float = TOLERANCE) -> bool:
    """Whether two JSON values are equal, but for *rounding* of what is no whole number."""
    if isinstance(expected, dict):
        if not isinstance(there, dict) or there.keys() != expected.keys():
            return False
        return all(alike(there[name], value, rounding) for name, value in expected.items())
    if isinstance(expected, float) and isinstance(there, int | float) and not isinstance(there, bool):
        return math.isclose(there, expected, rel_tol=rounding)
    return type(there) is type(expected) and there == expected
