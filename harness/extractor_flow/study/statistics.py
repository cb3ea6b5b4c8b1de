"""Statistics over seeds: a centre, its percentile bootstrap interval, and the probability of improvement.

The unit is the seed. Nothing here depends on the order of the values, and the same values give the same numbers.
numpy is imported where it computes: most commands compute no statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from extractor_flow.files import Json

CONFIDENCE = 0.95
RESAMPLES = 5_000
BOOTSTRAP_SEED = 20_240_229
_TRIM = 0.25
_HUGE = 1e300  # beyond it a sum could leave the range of a double


@dataclass(frozen=True)
class SeedStatistics:
    """One metric of one compared name over its seeds; ``low`` and ``high`` are ``None`` for a single value.

    ``centre_name`` says what ``centre`` is: the plain ``mean`` where trimming removes nothing, else ``IQM``.
    """

    n: int
    centre: float
    centre_name: str
    low: float | None
    high: float | None
    values: tuple[float, ...]

    def to_json(self) -> dict[str, Json]:
        """The members a summary's ``statistics`` entry has; an undefined interval has no key."""
        interval: dict[str, Json] = {} if self.low is None else {"low": self.low, "high": self.high}
        return {
            "n": self.n,
            "centre": self.centre,
            "centre_name": self.centre_name,
            "values": list(self.values),
            **interval,
        }


def describe(values: Sequence[float]) -> SeedStatistics:
    """The statistics of *values*, one a seed, in their order; ``ValueError`` if there is none or one is not finite."""
    interval = bootstrap_interval(values)
    return SeedStatistics(
        n=len(values),
        centre=interquartile_mean(values),
        centre_name="IQM" if int(len(values) * _TRIM) else "mean",
        low=None if interval is None else interval[0],
        high=None if interval is None else interval[1],
        values=tuple(float(value) for value in values),
    )


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of what is left after a quarter of *values*, rounded down, is cut off at each end.

    Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice". Three values or fewer
    lose nothing. ``ValueError`` if there is no value or one is not finite.
    """
    return float(_trimmed_means(_checked(values)))


def bootstrap_interval(
    values: Sequence[float],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | None = None,
) -> tuple[float, float] | None:
    """The percentile bootstrap interval of the interquartile mean of *values*; ``None`` for a single value.

    Without *rng* a generator with a fixed seed is used. Constant values give an interval of no width.
    """
    import numpy as np

    scores = _checked(values)
    if scores.size == 1:
        return None
    scale = 2.0**-64 if np.abs(scores).max() > _HUGE else 1.0
    generator = np.random.default_rng(BOOTSTRAP_SEED) if rng is None else rng
    drawn = np.sort((scores * scale)[generator.integers(0, scores.size, (resamples, scores.size))], axis=1)
    tail = (1 - confidence) / 2 * 100
    limits = np.percentile(_trimmed_means(drawn), [tail, 100 - tail]) / scale
    low, high = np.clip(limits, scores[0], scores[-1])
    return float(low), float(high)


def probability_of_improvement(x: Sequence[float], y: Sequence[float]) -> float:
    """How often a value of *x* is larger than one of *y*, over all pairs; a tie counts one half.

    It is the Mann-Whitney statistic U divided by the number of pairs. ``ValueError`` as :func:`interquartile_mean`.
    """
    import numpy as np

    ours, theirs = _checked(x), _checked(y)
    below = np.searchsorted(theirs, ours, side="left")
    not_above = np.searchsorted(theirs, ours, side="right")
    return float(np.sum(below + not_above) / (2 * ours.size * theirs.size))


def _checked(values: Sequence[float]) -> NDArray[np.float64]:
    import numpy as np

    scores = np.sort(np.asarray(values, dtype=np.float64))
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        msg = f"expected one or more finite numbers; found {values!r}"
        raise ValueError(msg)
    return scores


def _trimmed_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The interquartile means along the last axis, which is sorted."""
    import numpy as np

    cut = int(rows.shape[-1] * _TRIM)
    kept = rows[..., cut : rows.shape[-1] - cut]
    scale = 2.0**-64 if np.abs(kept).max() > _HUGE else 1.0
    scaled = kept * scale
    # Rounding can push the mean of equal values past them: a mean lies between the smallest and the largest.
    means: NDArray[np.float64] = np.clip(np.mean(scaled, axis=-1), scaled[..., 0], scaled[..., -1]) / scale
    return means
