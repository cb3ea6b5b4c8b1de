"""Statistics with the seed as the unit; which method is used where was chosen by its simulated coverage.

Everything is pure Python: most commands must not wait for numpy. Nothing depends on the order of the values.
"""

from extractor_flow.study.statistics.means import MeanDifference, mean_difference
from extractor_flow.study.statistics.paired import SIGNIFICANCE, Against, Paired, against, corrected, pair
from extractor_flow.study.statistics.pooled import IQM, Pooled, interquartile_mean, pool, thresholds
from extractor_flow.study.statistics.replication import REPLICATED
from extractor_flow.study.statistics.seeds import (
    CONFIDENCE,
    FEWEST_SEEDS,
    RANGE,
    SeedStatistics,
    describe,
    median,
    restricted_mean,
)

__all__ = [
    "CONFIDENCE",
    "FEWEST_SEEDS",
    "IQM",
    "RANGE",
    "REPLICATED",
    "SIGNIFICANCE",
    "Against",
    "MeanDifference",
    "Paired",
    "Pooled",
    "SeedStatistics",
    "against",
    "corrected",
    "describe",
    "interquartile_mean",
    "mean_difference",
    "median",
    "pair",
    "pool",
    "restricted_mean",
    "thresholds",
]
