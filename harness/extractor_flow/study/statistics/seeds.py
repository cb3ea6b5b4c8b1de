"""One metric of one compared name over its seeds: the median, and an interval that holds for any distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor_flow.files import Json

CONFIDENCE = 0.95
FEWEST_SEEDS = 5
"""With fewer, no interval of the median comes near 95 %, and only the range is given."""
RANGE = "range"
INTERVAL = "order-statistics"
_FEWEST_COVERED = 0.94  # of FEWEST_SEEDS: the range misses the median in 2 of 2^5 cases; more seeds reach 95 %


@dataclass(frozen=True)
class Spread:
    """What two ends mean: the ``range`` of the values, or an interval with the coverage that simulations show."""

    low: float
    high: float
    interval: str
    coverage: float | None = None

    def to_json(self) -> dict[str, Json]:
        """The ends and their meaning; a range has no coverage."""
        covered: dict[str, Json] = {} if self.coverage is None else {"coverage": self.coverage}
        return {"low": self.low, "high": self.high, "interval": self.interval, **covered}


@dataclass(frozen=True)
class SeedStatistics:
    """One metric of one compared name over its seeds; a single value has no ``spread``."""

    n: int
    centre: float
    centre_name: str
    spread: Spread | None
    values: tuple[float, ...]

    @property
    def low(self) -> float | None:
        """The lower end of the spread."""
        return None if self.spread is None else self.spread.low

    @property
    def high(self) -> float | None:
        """The upper end of the spread."""
        return None if self.spread is None else self.spread.high

    def to_json(self) -> dict[str, Json]:
        """The members a summary's ``statistics`` entry has; an undefined spread has no key."""
        return {
            "n": self.n,
            "centre": self.centre,
            "centre_name": self.centre_name,
            "values": list(self.values),
            **({} if self.spread is None else self.spread.to_json()),
        }


def describe(values: Sequence[float]) -> SeedStatistics:
    """The statistics of *values*, one a seed, in their order; ``ValueError`` if there is none or one is not finite."""
    return SeedStatistics(
        n=len(values),
        centre=median(values),
        centre_name="median",
        spread=spread(values),
        values=tuple(float(value) for value in values),
    )


def median(values: Sequence[float]) -> float:
    """The middle one of *values*, or the mean of the two in the middle; ``ValueError`` as :func:`describe`."""
    ordered = checked(values)
    return _between(ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2], 0.5)


def spread(values: Sequence[float]) -> Spread | None:
    """The interval of the median at :data:`CONFIDENCE`; the range of fewer than five values; ``None`` for one.

    The interval interpolates between order statistics (Hettmansperger and Sheather 1986): it assumes no distribution.
    """
    ordered = checked(values)
    n = len(ordered)
    if n == 1:
        return None
    if n < FEWEST_SEEDS:
        return Spread(ordered[0], ordered[-1], RANGE)
    depth, weight = _depth(n)
    low = _between(ordered[depth], ordered[depth + 1], weight)
    high = _between(ordered[n - 1 - depth], ordered[n - 2 - depth], weight)
    return Spread(low, high, INTERVAL, _FEWEST_COVERED if n == FEWEST_SEEDS else CONFIDENCE)


def restricted_mean(times: Sequence[float | None], horizon: float) -> float:
    """The mean time up to *horizon*; ``None`` is a time that is not known but to be later (a censored one)."""
    return fmean(horizon if time is None else min(time, horizon) for time in times)


def checked(values: Sequence[float]) -> list[float]:
    """*values* in their order of size; ``ValueError`` if there is none or one is not a finite number."""
    try:
        finite = bool(values) and all(map(math.isfinite, values))
    except (TypeError, OverflowError):  # no number, or one beyond any double
        finite = False
    if not finite:
        msg = f"expected one or more finite numbers; found {values!r}"
        raise ValueError(msg)
    return sorted(map(float, values))


@lru_cache(maxsize=256)
def _depth(n: int) -> tuple[int, float]:
    """Which order statistic of *n*, counted from 0, the interval begins at, and how far on towards the next."""
    outer = 1 - 2 / 2**n
    for depth in range(n // 2):
        inner = outer - 2 * math.comb(n, depth + 1) / 2**n
        if outer < CONFIDENCE:
            return depth, 0.0
        if inner < CONFIDENCE:
            share = (outer - CONFIDENCE) / (outer - inner)
            rest = n - depth - 1
            return depth, rest * share / (depth + 1 + (n - 2 * (depth + 1)) * share)
        outer = inner
    return n // 2 - 1, 0.0


def _between(one: float, other: float, weight: float) -> float:
    """The point at *weight* of the way from *one* to *other*, and never outside of them."""
    low, high = min(one, other), max(one, other)
    return min(high, max(low, one * (1 - weight) + other * weight))
