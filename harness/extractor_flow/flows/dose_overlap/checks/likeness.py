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


def nearly(stored: NDArray[Any] | None, expected: NDArray[Any], rounding: float = ROUNDING) -> bool:
    """Whether *stored* is *expected* but for *rounding*, a share of its largest value; whatever *stored* holds."""
    if stored is None or stored.shape != expected.shape or stored.dtype != expected.dtype:
        return False
    with np.errstate(all="ignore"):
        return bool((np.abs(stored - expected) <= rounding * np.abs(expected).max()).all())


def alike(stored: object, expected: object, rounding: float = TOLERANCE) -> bool:
    """Whether two JSON values are equal, but for *rounding* of what is no whole number."""
    if isinstance(expected, dict):
        if not isinstance(stored, dict) or stored.keys() != expected.keys():
            return False
        return all(alike(stored[name], value, rounding) for name, value in expected.items())
    if isinstance(expected, float) and isinstance(stored, int | float) and not isinstance(stored, bool):
        return math.isclose(stored, expected, rel_tol=rounding)
    return type(stored) is type(expected) and stored == expected
