"""How probable it is that a fresh study finds a difference again, and how many seeds that takes."""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cache, lru_cache
from statistics import NormalDist, fmean

from extractor_flow.study.statistics.student import quantile

SCALE = math.sqrt(0.5)
"""The median size of a real effect, in standard deviations, that is expected before any data are seen."""
REPLICATED = 0.8
"""A difference that repeats would find less often is not claimed: of ten claims, eight are to hold."""
MOST_SEEDS = 1000
"""Beyond it a number of seeds is no advice."""
_NUMBERS = (
    *range(2, 40),
    *(round(40 * (MOST_SEEDS / 40) ** (step / 64)) for step in range(65)),
)  # 5 % apart, and exact below
_NORMAL = NormalDist()
_ROOT_TWO = math.sqrt(2)
_EFFECTS, _SPREADS = 16, 8  # nodes: more of them move the result by less than 0.02
_LARGEST = 1e6  # of a test's statistic: beyond it nothing changes


def replication_probability(statistic: float, n: int, level: float) -> float:
    """The probability that *n* fresh seeds give a paired t test the same sign, and reject at *level*.

    One study knows neither the effect nor its spread, and a difference that was found tends to have had luck. So a
    difference is as likely to be zero as not, and one that is not is drawn from a Cauchy distribution of
    :data:`SCALE` standard deviations: the default Bayesian t test of Rouder et al. (2009), and what it predicts.
    """
    t, critical = min(abs(statistic), _LARGEST), quantile(level, n - 1)
    found = [_evidence(t, n, variance) for variance in _variances()]
    highest = max(0.0, *found)
    none, some = math.exp(-highest), [math.exp(each - highest) / len(found) for each in found]
    again = [_rejected(t, n, variance, critical) for variance in _variances()]
    real = sum(share * each for share, each in zip(some, again, strict=True))
    return (none * level / 2 + real) / (none + sum(some))


def seeds_needed(effect: float, level: float, fewest: int) -> int | None:
    """How many seeds claim a mean difference of *effect* standard deviations in about 80 % of studies.

    A claim asks that repeats find it again with :data:`REPLICATED`; ``None`` above :data:`MOST_SEEDS`.
    """

    def suffice(n: int) -> bool:
        return abs(effect) * math.sqrt(n) - _NORMAL.inv_cdf(REPLICATED) >= _least_statistic(n, level)

    place = bisect_left(_NUMBERS, x=True, lo=bisect_left(_NUMBERS, fewest), key=suffice)
    return next(iter(_NUMBERS[place:]), None)


@lru_cache(maxsize=4096)
def _least_statistic(n: int, level: float) -> float:
    """The smallest statistic of *n* seeds that repeats find again with :data:`REPLICATED`, to a thousandth of it."""
    low, high = 0.0, 1.0
    while replication_probability(high, n, level) < REPLICATED:
        low, high = high, 2 * high
    while high - low > high / 1000:
        middle = (low + high) / 2
        low, high = (middle, high) if replication_probability(middle, n, level) < REPLICATED else (low, middle)
    return high


def _evidence(t: float, n: int, variance: float) -> float:
    """The logarithm of how many times as probable *t* is if effects are normal with this *variance* as if all are 0."""
    wider, degrees = 1 + n * variance, n - 1
    return (n * (math.log1p(t * t / degrees) - math.log1p(t * t / (wider * degrees))) - math.log(wider)) / 2


def _rejected(t: float, n: int, variance: float, critical: float) -> float:
    """How often a fresh test exceeds *critical*, after *t* was seen of an effect drawn with this *variance*."""
    shrunk = n * variance / (1 + n * variance)
    scale = math.sqrt(n / (n - 1 + t * t / (1 + n * variance)))
    centre, width = shrunk * t * scale, math.sqrt(1 + shrunk)
    bounds = [critical * fresh for fresh in _spreads(n - 1)]
    # The normal distribution spelled out, in half of its time: a study asks for tens of thousands of values.
    scores = [(centre * seen - bound) / width / _ROOT_TWO for seen in _spreads(n) for bound in bounds]
    return fmean([0.5 * (1 + math.erf(score)) for score in scores])


@cache
def _variances() -> tuple[float, ...]:
    """A Cauchy distribution is a normal one whose variance is drawn anew: equally probable ones."""
    middles = [(number + 0.5) / _EFFECTS for number in range(_EFFECTS)]
    return tuple((SCALE / _NORMAL.inv_cdf(0.5 + middle / 2)) ** 2 for middle in middles)


@cache
def _spreads(degrees: int) -> tuple[float, ...]:
    """Equally probable standard deviations of a sample, the true one being 1 (Wilson and Hilferty's approximation)."""
    part = 2 / (9 * degrees)
    scores = [_NORMAL.inv_cdf((number + 0.5) / _SPREADS) for number in range(_SPREADS)]
    return tuple(math.sqrt(max(0.0, 1 - part + score * math.sqrt(part)) ** 3) for score in scores)
