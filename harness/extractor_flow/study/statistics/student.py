"""Student's t distribution for whole degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache

_HALVINGS = 80  # of an interval that begins at most 2^60 wide: to the last bit of a double near 1


def two_sided_p(statistic: float, degrees: int) -> float:
    """The probability of a t at least as far from zero as *statistic*, by the finite series for whole *degrees*."""
    angle = math.atan2(abs(statistic), math.sqrt(degrees))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    even = degrees % 2 == 0
    term = total = 1.0 if even else math.cos(angle)
    for k in range(2 if even else 3, degrees, 2):
        term *= squared * (k - 1) / k
        total += term
    within = sine * total if even else 2 / math.pi * (angle + (sine * total if degrees > 1 else 0.0))
    return min(1.0, max(0.0, 1.0 - within))


@lru_cache(maxsize=256)
def quantile(p: float, degrees: int) -> float:
    """The t whose :func:`two_sided_p` is *p*."""
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees) > p:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, degrees) > p else (low, middle)
    return high
