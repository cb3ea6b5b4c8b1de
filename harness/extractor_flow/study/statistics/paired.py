"""The difference between two compared names, seed by seed: with the same seed both met the same episodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

from extractor_flow.study.statistics.replication import REPLICATED, replication_probability, seeds_needed
from extractor_flow.study.statistics.seeds import CONFIDENCE, FEWEST_SEEDS, Spread, median, spread
from extractor_flow.study.statistics.student import quantile, two_sided_p

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.files import Json

SIGNIFICANCE = 1 - CONFIDENCE
_HUGE = 1e300  # beyond it a sum or an interval could leave the range of a double
WILSON = "wilson"
T_TEST = "paired-t-holm"


@dataclass(frozen=True)
class Tested:
    """The paired t test of one difference, corrected by Holm for its family, and by Bonferroni for other families.

    ``low`` and ``high`` are those of the mean difference at the level at which Holm's procedure tests it, so zero lies
    outside of them exactly when ``p_adjusted`` is below 5 %.
    """

    p_value: float
    p_adjusted: float
    low: float
    high: float
    confidence: float

    def to_json(self) -> dict[str, Json]:
        """The test's members of a ``paired`` object."""
        return {
            "test": T_TEST,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "mean_low": self.low,
            "mean_high": self.high,
            "mean_confidence": self.confidence,
        }


@dataclass(frozen=True)
class Paired:
    """Differences to a reference, by seed: the values of the one less those of the reference.

    ``wins`` are the seeds on which the one is better. ``tested`` is ``None`` with fewer than five seeds.
    """

    differences: Mapping[int, float]
    wins: int
    ties: int
    mean: float
    tested: Tested | None = None

    @property
    def n(self) -> int:
        """How many seeds both have."""
        return len(self.differences)

    @property
    def median(self) -> float:
        """The median difference."""
        return median(list(self.differences.values()))

    @property
    def spread(self) -> Spread | None:
        """The interval of the median difference, or the range."""
        return spread(list(self.differences.values()))

    @property
    def probability(self) -> float:
        """The share of seeds on which the one is better; a tie counts one half."""
        return (self.wins + self.ties / 2) / self.n

    @property
    def replication_probability(self) -> float | None:
        """The probability that a repeat with as many fresh seeds tells the two apart again.

        ``None`` where these seeds do not: the corrected test has to reject, and the interval of the median to be clear
        of 0, which asks that most seeds agree; a mean alone can be moved by one of them.
        """
        ends, tested = self.spread, self.tested
        if tested is None or ends is None or tested.p_adjusted >= SIGNIFICANCE or ends.low <= 0 <= ends.high:
            return None
        mean, error, _ = _standard_error(self)
        return replication_probability(mean / error if error else math.inf, self.n, 1 - tested.confidence)

    @property
    def distinct(self) -> bool:
        """Whether the two can be told apart, and are likely to be told apart again."""
        chance = self.replication_probability
        return chance is not None and chance >= REPLICATED

    @property
    def seeds_needed(self) -> int | None:
        """With so many, a difference of this size is told apart in about 80 % of studies; ``None`` above 1,000."""
        if self.tested is None:
            return None
        mean, error, _ = _standard_error(self)
        if not error:
            return None
        return seeds_needed(mean / (error * math.sqrt(self.n)), 1 - self.tested.confidence, FEWEST_SEEDS)

    def to_json(self) -> dict[str, Json]:
        """The ``paired`` object of a summary's statistics."""
        ends, again, needed = self.spread, self.replication_probability, self.seeds_needed
        low, high = wilson(self.probability, self.n)
        return {
            "differences": {str(seed): difference for seed, difference in sorted(self.differences.items())},
            "n": self.n,
            "wins": self.wins,
            "ties": self.ties,
            "median": self.median,
            "mean": self.mean,
            "improvement": {"low": low, "high": high, "interval": WILSON, "coverage": CONFIDENCE},
            "distinct": self.distinct,
            **({} if again is None else {"replication_probability": again}),
            **({} if ends is None else ends.to_json()),
            **({} if self.tested is None else self.tested.to_json()),
            **({} if needed is None else {"seeds_needed": needed}),
        }


@dataclass(frozen=True)
class Against:
    """Every other name, paired with *reference*."""

    reference: str
    others: Mapping[str, Paired]

    @property
    def beaten_by_none(self) -> bool:
        """Whether the reference is told apart from all others, and better than each."""
        return bool(self.others) and all(each.distinct and each.probability < 1 / 2 for each in self.others.values())


def pair(ours: Mapping[int, float], theirs: Mapping[int, float], *, larger_is_better: bool = True) -> Paired | None:
    """The differences on the seeds that both have; ``None`` if there is none, or one is beyond 1e300."""
    differences = {seed: ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())}
    if not differences or not all(abs(difference) < _HUGE for difference in differences.values()):
        return None
    ahead = sum(difference > 0 for difference in differences.values())
    ties = sum(difference == 0 for difference in differences.values())
    wins = ahead if larger_is_better else len(differences) - ties - ahead
    return Paired(differences, wins, ties, fmean(differences.values()))


def against(
    reference: str, scores: Mapping[str, Mapping[int, float]], *, larger_is_better: bool = True, families: int = 1
) -> Against:
    """Each name of *scores* paired with *reference*, and tested, by :func:`corrected`, where there are seeds enough."""
    found = {
        name: paired
        for name, values in scores.items()
        if name != reference
        and (paired := pair(values, scores.get(reference, {}), larger_is_better=larger_is_better)) is not None
    }
    return Against(reference, corrected(found, families))


def corrected(found: Mapping[str, Paired], families: int = 1) -> dict[str, Paired]:
    """*found* with those tested, together, that have seeds enough; Holm's correction is over them.

    With so many *families* of tests beside each other, each has its share of the 5 % (Bonferroni).
    """
    enough = [name for name, paired in found.items() if paired.n >= FEWEST_SEEDS]
    tests = _holm([found[name] for name in enough], families)
    tested = {name: replace(found[name], tested=test) for name, test in zip(enough, tests, strict=True)}
    return {**found, **tested}


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a probability of which *share* was seen in *n* cases."""
    z = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2)
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    shrink = 1 + z * z / n
    return max(0.0, (middle - half) / shrink), min(1.0, (middle + half) / shrink)


def _holm(family: Sequence[Paired], families: int) -> list[Tested]:
    """The tests of *family*, one of so many *families*, each at its level of Holm's step-down procedure."""
    raw = [_p_value(paired) for paired in family]
    tests: dict[int, Tested] = {}
    adjusted, divisor = 0.0, 0
    for rank, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        if adjusted < SIGNIFICANCE:  # once one is not told apart, the levels of the others rise no further
            divisor = (len(raw) - rank) * families
        adjusted = max(adjusted, min(1.0, raw[index] * divisor))
        tests[index] = _tested(family[index], raw[index], adjusted, divisor)
    return [tests[index] for index in range(len(raw))]


def _tested(paired: Paired, p_value: float, adjusted: float, divisor: int) -> Tested:
    mean, error, scale = _standard_error(paired)
    half = quantile(SIGNIFICANCE / divisor, paired.n - 1) * error
    return Tested(p_value, adjusted, (mean - half) * scale, (mean + half) * scale, 1 - SIGNIFICANCE / divisor)


def _p_value(paired: Paired) -> float:
    """The paired t test's; differences without any spread are no evidence if they are all zero, and full else."""
    mean, error, _ = _standard_error(paired)
    if not error:
        return float(not mean)
    return two_sided_p(mean / error, paired.n - 1)


def _standard_error(paired: Paired) -> tuple[float, float, float]:
    """The mean difference and its standard error, both divided by the third number: no square may overflow."""
    values = list(paired.differences.values())
    scale = 2.0 ** (math.frexp(max(map(abs, values)))[1] - 1)
    scaled = [value / scale for value in values]
    mean = fmean(scaled)
    variance = math.fsum((value - mean) ** 2 for value in scaled) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values)), scale
