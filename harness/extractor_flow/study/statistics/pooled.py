"""Scores of several environments together: interquartile mean and performance profile (Agarwal et al. 2021).

The random numbers are the same each time and pure Python's, sums are exact: the same scores give the same bits on every
machine.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from extractor_flow.study.statistics.seeds import FEWEST_SEEDS, Spread, checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.files import Json

BOOTSTRAP = "stratified-bootstrap"
IQM = "interquartile mean"
MOST_RESAMPLES = 2000
_FEWEST_RESAMPLES = 200
_MOST_DRAWS = 2_000_000  # about a second: studies of more than a thousand scores are resampled less often
_THRESHOLDS = 20
_TAIL = 0.025
_SEED = 2021
# The least that simulations show, by the number of environments, for 5 and 10 seeds: docs/statistics.md.
_COVERAGE = ((10, 0.93), (5, 0.92), (3, 0.88), (2, 0.81))


@dataclass(frozen=True)
class ProfilePoint:
    """Which *share* of the scores is above *score*; ``low`` and ``high`` as those of the interquartile mean."""

    score: float
    share: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Json]:
        """The point; without an interval it has no ends."""
        ends: dict[str, Json] = {} if self.low is None else {"low": self.low, "high": self.high}
        return {"score": self.score, "share": self.share, **ends}


@dataclass(frozen=True)
class Pooled:
    """The scores of one compared name in all environments; ``spread`` is ``None`` below five seeds in one of them."""

    strata: tuple[tuple[float, ...], ...]
    centre: float
    spread: Spread | None
    profile: tuple[ProfilePoint, ...]
    resamples: int

    def to_json(self) -> dict[str, Json]:
        """The members that a ``statistics`` entry over environments has of them."""
        values = [value for stratum in self.strata for value in stratum]
        return {
            "n": len(values),
            "values": list(values),
            "centre": self.centre,
            "centre_name": IQM,
            "profile": [point.to_json() for point in self.profile],
            **({} if self.spread is None else {**self.spread.to_json(), "resamples": self.resamples}),
        }


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of *values* without the lowest and the highest quarter, each rounded down."""
    ordered = checked(values)
    cut = len(ordered) // 4
    return fmean(ordered[cut : len(ordered) - cut])


def thresholds(values: Sequence[float]) -> list[float]:
    """Where a profile is taken: evenly from 0, or the lowest of *values*, to 1, or the highest."""
    low, high = min((0.0, *values)), max((1.0, *values))
    return [low + (high - low) * step / _THRESHOLDS for step in range(_THRESHOLDS + 1)]


def pool(strata: Sequence[Sequence[float]], scores: Sequence[float], *, resamples: int = MOST_RESAMPLES) -> Pooled:
    """The scores of one compared name, a stratum an environment; its profile is taken at *scores*.

    Seeds are drawn again within each environment, without one of them, which is another one each time (the bootknife of
    Hesterberg 2004): else the interval of few seeds is too narrow.
    """
    values = [value for stratum in strata for value in stratum]
    shares = [_above(checked(values), score) for score in scores]
    found = Pooled(
        strata=tuple(map(tuple, strata)),
        centre=interquartile_mean(values),
        spread=None,
        profile=tuple(map(ProfilePoint, scores, shares)),
        resamples=0,
    )
    most = max(_FEWEST_RESAMPLES, min(resamples, _MOST_DRAWS // len(values)))
    return found if min(map(len, strata)) < FEWEST_SEEDS else _with_intervals(found, scores, most)


def _with_intervals(found: Pooled, scores: Sequence[float], resamples: int) -> Pooled:
    drawn = list(_resampled(found.strata, resamples))
    low, high = _ends([interquartile_mean(values) for values in drawn])
    bands = [_ends([_above(values, score) for values in drawn]) for score in scores]
    coverage = next((share for least, share in _COVERAGE if len(found.strata) >= least), None)
    profile = tuple(
        ProfilePoint(point.score, point.share, *band) for point, band in zip(found.profile, bands, strict=True)
    )
    return Pooled(found.strata, found.centre, Spread(low, high, BOOTSTRAP, coverage), profile, resamples)


def _resampled(strata: Sequence[Sequence[float]], count: int) -> Iterator[list[float]]:
    """*count* draws in order of size, of as many seeds of each stratum as it has."""
    uniform = random.Random(_SEED).random  # noqa: S311 - no secret; the one method whose numbers Python promises to keep
    for _ in range(count):
        drawn: list[float] = []
        for stratum in strata:
            left_out = int(uniform() * len(stratum))
            rest = [*stratum[:left_out], *stratum[left_out + 1 :]]
            drawn += [rest[int(uniform() * len(rest))] for _ in stratum]
        yield sorted(drawn)


def _ends(found: list[float]) -> tuple[float, float]:
    ordered = sorted(found)
    outside = int(_TAIL * len(ordered))
    return ordered[outside], ordered[-1 - outside]


def _above(ordered: Sequence[float], score: float) -> float:
    return 1 - bisect_right(ordered, score) / len(ordered)
