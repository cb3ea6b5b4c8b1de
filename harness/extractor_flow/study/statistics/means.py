"""The difference of two means with its interval: by seed where both have the same seeds, else of two samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING

from extractor_flow.study.statistics.paired import SIGNIFICANCE, corrected, pair
from extractor_flow.study.statistics.seeds import FEWEST_SEEDS
from extractor_flow.study.statistics.student import quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

_HUGE = 1e150  # beyond it a square leaves the range of a double


@dataclass(frozen=True)
class MeanDifference:
    """A mean less another one, with its 95 % interval; ``by_seed`` if it is that of paired differences."""

    mean: float
    low: float
    high: float
    by_seed: bool


def mean_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> MeanDifference | None:
    """By seed where five seeds are shared, else Welch's of two samples of at least five; ``None`` with fewer seeds."""
    paired = pair(ours, theirs)
    if paired is not None and paired.n >= FEWEST_SEEDS:
        tested = corrected({"": paired})[""].tested
        return None if tested is None else MeanDifference(paired.mean, tested.low, tested.high, by_seed=True)
    values = [*ours.values(), *theirs.values()]
    if min(len(ours), len(theirs)) < FEWEST_SEEDS or max(map(abs, values)) > _HUGE:
        return None
    return _welch(list(ours.values()), list(theirs.values()))


def _welch(ours: list[float], theirs: list[float]) -> MeanDifference:
    shares = [variance(values) / len(values) for values in (ours, theirs)]
    error = math.sqrt(sum(shares))
    spread = sum(share**2 / (len(values) - 1) for share, values in zip(shares, (ours, theirs), strict=True))
    # Rounded down to whole degrees: the interval is a little too wide rather than too narrow.
    degrees = int(sum(shares) ** 2 / spread) if spread else len(ours) + len(theirs) - 2
    half = quantile(SIGNIFICANCE, max(1, degrees)) * error
    mean = fmean(ours) - fmean(theirs)
    return MeanDifference(mean, mean - half, mean + half, by_seed=False)
