"""Simulate what the statistics promise and write the tables in docs/statistics.md.

Studies are drawn from known distributions and judged by the code that judges real ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from extractor_flow.flows.extractor_comparison.conclusion.verdict import BETTER, UNDECIDED, WINNER, Scores, conclude
from extractor_flow.flows.extractor_comparison.contract import CONTRACT, HEADLINE
from extractor_flow.study.statistics import (
    against,
    describe,
    interquartile_mean,
    mean_difference,
    pair,
    pool,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"
DISTRIBUTIONS = ("normal", "lognormal", "bimodal")
SEEDS = (5, 6, 8, 10, 20)
CORRELATION = 0.85  # of two extractors' scores over the seeds, as measured in robot_nav_study
STUDIES = 2_000
_LARGE = 400_000
_SEED = 20_261_128
_RESAMPLES = 200  # of each simulated study: a real one has 2,000, and a little smoother ends
_SETTINGS = {"env": {"id": "simulated"}, "run": {"total_timesteps": 1}}

Rows = NDArray[np.float64]


def draw(kind: str, shape: tuple[int, ...], generator: np.random.Generator) -> Rows:
    """Scores: normal; lognormal; or 70 % around 0 and 30 % around 10, as where some seeds learn and others do not."""
    if kind == "lognormal":
        return generator.lognormal(size=shape)
    scores = generator.standard_normal(shape)
    return scores + 10 * (generator.random(shape) < 0.3) if kind == "bimodal" else scores  # noqa: PLR2004 - as said above


def studies(kind: str, shape: tuple[int, int, int], generator: np.random.Generator, *, spread: float = 1.0) -> Rows:
    """Studies x extractors x seeds; the scores of a seed share an effect, the first extractor varies by *spread*."""
    count, extractors, seeds = shape
    own = draw(kind, (count, extractors, seeds), generator)
    own[:, 0] *= spread
    return np.sqrt(CORRELATION) * draw(kind, (count, 1, seeds), generator) + np.sqrt(1 - CORRELATION) * own


def coverage_of_a_median(kind: str, seeds: int, count: int, generator: np.random.Generator) -> float:
    """How often the interval of one extractor's median contains the true one."""
    truth = float(np.median(draw(kind, (_LARGE,), generator)))
    found = [describe(row).spread for row in draw(kind, (count, seeds), generator).tolist()]
    return sum(each is not None and each.low <= truth <= each.high for each in found) / count


def coverage_of_a_difference(
    kind: str, seeds: int, count: int, generator: np.random.Generator, *, spread: float = 1.0
) -> tuple[float, float]:
    """How often the intervals of a paired difference contain the true one: that of the median, that of the mean."""
    sample = studies(kind, (1, 2, _LARGE), generator, spread=spread)[0]
    truth = sample[0] - sample[1]
    median, mean = float(np.median(truth)), float(np.mean(truth))
    hits = Counter[str]()
    for ours, theirs in studies(kind, (count, 2, seeds), generator, spread=spread).tolist():
        found = against("b", {"a": dict(enumerate(ours)), "b": dict(enumerate(theirs))}).others["a"]
        ends, tested = found.spread, found.tested
        hits["median"] += ends is not None and ends.low <= median <= ends.high
        hits["mean"] += tested is not None and tested.low <= mean <= tested.high
    return hits["median"] / count, hits["mean"] / count


def verdicts(
    kind: str, seeds: int, count: int, generator: np.random.Generator, gains: tuple[float, ...]
) -> Counter[str]:
    """The codes of the verdicts on studies whose extractors differ by *gains*, in standard deviations of a score."""
    scores = studies(kind, (count, len(gains), seeds), generator)
    scores += np.std(scores) * np.asarray(gains)[:, None]
    return Counter(code_of(study) for study in scores.tolist())


def code_of(study: list[list[float]], families: int = 1) -> str:
    """The code of the verdict on one *study*, one of so many *families*: a list of scores for each extractor."""
    by_name = {str(name): dict(enumerate(values)) for name, values in enumerate(study)}
    verdict = conclude(Scores(CONTRACT.metrics[HEADLINE], by_name, "0", families), _SETTINGS, 0)
    return UNDECIDED if verdict is None else verdict.code


def claims_in_environments(environments: int, seeds: int, families: int, generator: np.random.Generator) -> float:
    """The share of studies of equal extractors that claim something in one or more of their *environments*."""
    count = STUDIES // 4
    drawn = studies("normal", (count * environments, 4, seeds), generator).tolist()
    found = [code_of(study, families) != UNDECIDED for study in drawn]
    return sum(any(found[each * environments : (each + 1) * environments]) for each in range(count)) / count


def repeated_claims(
    effects: Callable[[np.random.Generator, int], Rows], seeds: int, generator: np.random.Generator
) -> tuple[float, float, float]:
    """Three extractors against a fourth: the share told apart, found again by fresh seeds, and said to be found again.

    *effects* draws the true differences, in standard deviations of a difference.
    """
    count = STUDIES // 4
    true = effects(generator, 3 * count).reshape(count, 3, 1)
    width = math.sqrt(2 * (1 - CORRELATION))
    first, second = (
        np.concatenate([drawn[:, :1], drawn[:, 1:] + width * true], axis=1).tolist()
        for drawn in (studies("normal", (count, 4, seeds), generator) for _ in range(2))
    )
    said, again = [], []
    for one, other in zip(first, second, strict=True):
        found, fresh = (
            against("0", {str(k): dict(enumerate(row)) for k, row in enumerate(each)}) for each in (one, other)
        )
        told = {name: paired for name, paired in found.others.items() if paired.distinct}
        said += [paired.replication_probability or 0.0 for paired in told.values()]
        repeated = {name: fresh.others[name] for name in told}
        again += [
            each.replication_probability is not None and each.mean * told[name].mean > 0
            for name, each in repeated.items()
        ]
    return len(said) / (3 * count), float(np.mean(again)), float(np.mean(said))


def coverage_of_two_samples(kind: str, seeds: int, count: int, generator: np.random.Generator) -> float:
    """How often the interval of the difference of two means, of other seeds each, contains the true one: 0."""
    samples = draw(kind, (count, 2, seeds), generator).tolist()
    found = [
        mean_difference(dict(enumerate(ours)), {-1 - seed: value for seed, value in enumerate(theirs)})
        for ours, theirs in samples
    ]
    return sum(each is not None and each.low <= 0 <= each.high for each in found) / count


def two_samples(seeds: int) -> list[float]:
    """The column of the means of other seeds, from random numbers of its own."""
    generator = np.random.default_rng((_SEED, 1, seeds))
    return [coverage_of_two_samples(kind, seeds, 2 * STUDIES, generator) for kind in DISTRIBUTIONS]


def coverage_over_environments(
    kind: str, environments: int, seeds: int, count: int, generator: np.random.Generator
) -> float:
    """How often the interval of the interquartile mean over *environments*, which differ in level and spread, holds."""
    level, spread = np.linspace(0, 3, environments)[:, None], np.linspace(0.5, 1.5, environments)[:, None]
    truth = interquartile_mean(
        (level + spread * draw(kind, (environments, _LARGE // environments), generator)).ravel().tolist()
    )
    found = [
        pool(study, (), resamples=_RESAMPLES).spread
        for study in (level + spread * draw(kind, (count, environments, seeds), generator)).tolist()
    ]
    return sum(each is not None and each.low <= truth <= each.high for each in found) / count


def improvement_coverage(seeds: int, generator: np.random.Generator, count: int) -> float:
    """How often Wilson's interval contains the true probability of improvement, which is any from 0 to 1."""
    hits = 0
    for truth in generator.random(count).tolist():
        won = dict(enumerate(np.where(generator.random(seeds) < truth, 1.0, -1.0).tolist()))
        found = pair(won, dict.fromkeys(won, 0.0))
        ends = {} if found is None else found.to_json()["improvement"]
        hits += isinstance(ends, dict) and ends["low"] <= truth <= ends["high"]
    return hits / count


def tables() -> Iterator[str]:
    """The tables, with the same random numbers each time."""
    generator = np.random.default_rng(_SEED)
    yield from _coverage(generator)
    yield from _claims(np.random.default_rng((_SEED, 4)))
    yield from over_environments()
    yield from again()


def _coverage(generator: np.random.Generator) -> Iterator[str]:
    count = 2 * STUDIES
    heads = " / ".join(DISTRIBUTIONS)
    yield f"Share of {count:,} simulated studies in which the interval contains the true value ({heads}):\n"
    yield (
        "| seeds | median of one extractor | median difference, equal spreads | the same, one twice as wide | mean "
        "difference (t), equal spreads | the same, one twice as wide | means of other seeds "
        "(Welch) | probability of improvement |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for seeds in SEEDS:
        single = [coverage_of_a_median(kind, seeds, count, generator) for kind in DISTRIBUTIONS]
        even, wide = (
            [coverage_of_a_difference(kind, seeds, count, generator, spread=spread) for kind in DISTRIBUTIONS]
            for spread in (1.0, 2.0)
        )
        apart = two_samples(seeds)
        columns = [single, *([each[k] for each in cell] for k in (0, 1) for cell in (even, wide)), apart]
        cells = [" / ".join(f"{share:.3f}" for share in column) for column in columns]
        improved = f"{improvement_coverage(seeds, generator, count):.3f}"
        yield f"| {' | '.join([str(seeds), *cells, improved])} |"
    yield ""


def _claims(generator: np.random.Generator) -> Iterator[str]:
    cases = {
        "all equal": (0.0, 0.0, 0.0, 0.0),
        "two equal leaders, two far behind": (0.0, 0.0, -3.0, -3.0),
        "one better by one standard deviation": (0.0, 0.0, 0.0, 1.0),
    }
    heads = " / ".join(DISTRIBUTIONS)
    yield f"What is claimed in {STUDIES // 4:,} simulated studies of four extractors, in percent ({heads}):\n"
    yield "| four extractors | seeds | a winner | no winner, but better than the baseline |"
    yield "| --- | --- | --- | --- |"
    for name, gains in cases.items():
        for seeds in (5, 10):
            found = [verdicts(kind, seeds, STUDIES // 4, generator, gains) for kind in DISTRIBUTIONS]
            winner, better = (
                " / ".join(f"{100 * each[code] / (STUDIES // 4):.1f}" for each in found) for code in (WINNER, BETTER)
            )
            yield f"| {name} | {seeds} | {winner} | {better} |"


def over_environments() -> Iterator[str]:
    """The table of what is said over several environments, from random numbers of its own."""
    generator, count = np.random.default_rng((_SEED, 2)), STUDIES // 4
    heads = " / ".join(DISTRIBUTIONS)
    yield (
        f"\nShare of {count:,} simulated studies in which the interval of the interquartile mean over environments of "
        f"different level and spread contains the true one ({heads}):\n"
    )
    yield "| environments | 5 seeds | 10 seeds |"
    yield "| --- | --- | --- |"
    for environments in (2, 3, 5, 10):
        cells = [
            [coverage_over_environments(kind, environments, seeds, count, generator) for kind in DISTRIBUTIONS]
            for seeds in (5, 10)
        ]
        shown = [" / ".join(f"{share:.3f}" for share in cell) for cell in cells]
        yield f"| {' | '.join([str(environments), *shown])} |"


def again() -> Iterator[str]:
    """The tables of claims that fresh seeds make again, and of claims in one of several environments."""
    generator = np.random.default_rng((_SEED, 3))
    cases: dict[str, Callable[[np.random.Generator, int], Rows]] = {
        "uniform, up to 3": lambda random, count: random.uniform(-3, 3, count),
        "normal, of 1": lambda random, count: random.standard_normal(count),
        "as assumed: every second none, Cauchy of 0.71": lambda random, count: (
            np.sqrt(0.5) * random.standard_cauchy(count) * (random.random(count) < 0.5)  # noqa: PLR2004 - every second
        ),
        "normal, of 0.5": lambda random, count: random.standard_normal(count) / 2,
    }
    yield (
        f"\nDifferences told apart in {STUDIES // 4:,} simulated studies of four extractors, in percent; of these, how "
        "many as many fresh seeds find again, with a corrected p below 5 % (and how many that was said to be):\n"
    )
    yield "| true differences, in standard deviations | 5 seeds | 10 seeds | 20 seeds |"
    yield "| --- | --- | --- | --- |"
    for name, effects in cases.items():
        cells = [repeated_claims(effects, seeds, generator) for seeds in (5, 10, 20)]
        shown = [f"{100 * told:.0f}; {100 * repeated:.0f} ({100 * said:.0f})" for told, repeated, said in cells]
        yield f"| {name} | {' | '.join(shown)} |"
    yield "\nStudies of equal extractors with a claim in one or more of their environments, in percent (uncorrected):\n"
    yield "| environments | 5 seeds | 10 seeds |"
    yield "| --- | --- | --- |"
    for environments in (2, 5, 10):
        cells = [
            [claims_in_environments(environments, seeds, each, generator) for each in (environments, 1)]
            for seeds in (5, 10)
        ]
        yield f"| {environments} | {' | '.join(f'{100 * ours:.1f} ({100 * plain:.1f})' for ours, plain in cells)} |"


def with_tables(text: str) -> str:
    """*text* with the tables between their marks."""
    made = "\n".join(tables())
    return re.sub(
        r"(<!-- simulated by scripts/measure_statistics.py -->\n).*?(<!-- end of the tables -->)",
        lambda found: f"{found[1]}{made}\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
