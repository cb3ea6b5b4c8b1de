"""A comparison in several environments: each on its own, and all together by normalised scores; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.extractor_comparison.conclusion.comparison import compare_records
from extractor_flow.flows.extractor_comparison.conclusion.verdict import Scores, conclude
from extractor_flow.flows.extractor_comparison.contract import HEADLINE, NORMALISED, NORMALISED_SPEC
from extractor_flow.flows.extractor_comparison.plan import compared_name, environments_of
from extractor_flow.study.flow import Comparison, Verdict
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import Against, against, pool, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord
APART = "each-on-its-own"
_APART = "There is no overall comparison: it takes two extractors with scores in two environments that have a scale."


@dataclass(frozen=True)
class Range:
    """What counts as 0 and as 1 in one environment; ``stated`` in the config, or else observed in this very run."""

    low: float
    high: float
    stated: bool

    def normalised(self, score: float) -> float:
        """*score* on the scale."""
        return (score - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Part:
    """One environment: its settings as those of a study of its own, and its records."""

    environment: str
    settings: Mapping[str, Any]
    records: tuple[JobRecord, ...]
    range: Range | None

    def scores(self, extractor: str) -> dict[int, float]:
        """The normalised headline scores of *extractor* by seed; none where the environment has no scale."""
        if self.range is None:
            return {}
        name = compared_name(self.environment, extractor)
        done = {record.seed or 0: record.outcome for record in self.records if record.name == name}
        return {
            seed: self.range.normalised(outcome.metrics[HEADLINE])
            for seed, outcome in sorted(done.items())
            if isinstance(outcome, Completed)
        }


def compare_study(records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
    """The comparison of *records*: of one environment, or of several by each and over all."""
    if "envs" not in settings:
        return compare_records(records, settings)
    parts = [_part(name, alone, records) for name, alone in environments_of(settings) if name is not None]
    found = {part.environment: compare_records(part.records, part.settings, len(parts)) for part in parts}
    return Comparison(
        job_metrics={key: metrics for each in found.values() for key, metrics in each.job_metrics.items()},
        statistics=(
            *({**entry, "environment": name} for name, each in found.items() for entry in each.statistics),
            *_statistics(parts, settings),
        ),
        notes=tuple(dict.fromkeys((*(note for each in found.values() for note in each.notes), *_unscaled(parts)))),
        verdict=_verdict(parts, settings, {name: each.verdict for name, each in found.items() if each.verdict}),
    )


def _part(name: str, settings: Mapping[str, Any], records: Sequence[JobRecord]) -> Part:
    baseline = settings["run"]["baseline_extractor"]
    own = [compared_name(name, entry["name"]) for entry in settings["extractors"]]
    renamed = {
        **settings,
        "extractors": [{"name": each} for each in own],
        "run": {
            **settings["run"],
            "baseline_extractor": None if baseline is None else compared_name(name, baseline),
        },
    }
    met = tuple(record for record in records if record.name in own)
    return Part(name, renamed, met, _range(settings["env"], met))


def _range(environment: Mapping[str, Any], records: Sequence[JobRecord]) -> Range | None:
    """As the config says; else from the untrained policies' mean reward to the best score; ``None`` if that is none."""
    if environment["score_range"] is not None:
        low, high = environment["score_range"]
        return Range(low, high, stated=True)
    done = [record.outcome.metrics for record in records if isinstance(record.outcome, Completed)]
    if not done:
        return None
    low, high = fmean(each["untrained_mean_reward"] for each in done), max(each[HEADLINE] for each in done)
    return Range(low, high, stated=False) if high > low else None


def _statistics(parts: Sequence[Part], settings: Mapping[str, Any]) -> Iterator[dict[str, Json]]:
    """The normalised scores of each extractor, all environments that have a scale together."""
    names = [entry["name"] for entry in settings["extractors"]]
    scaled = _scaled(parts)
    scores = {name: [list(part.scores(name).values()) for part in scaled] for name in names}
    complete = {name: strata for name, strata in scores.items() if strata and all(strata)}
    taken = thresholds([value for strata in complete.values() for stratum in strata for value in stratum])
    compared = _against_baseline(scaled, settings)
    for name, strata in complete.items():
        paired = compared.others.get(name)
        gain: dict[str, Json] = (
            {}
            if paired is None
            else {
                "baseline": compared.reference,
                "probability_of_improvement": paired.probability,
                "paired": paired.to_json(),
            }
        )
        yield {
            "config_name": name,
            "metric": NORMALISED,
            "environments": [_scale(part, name) for part in scaled],
            **pool(strata, taken).to_json(),
            **gain,
        }


def _scale(part: Part, name: str) -> dict[str, Json]:
    scale = part.range
    ends: dict[str, Json] = {} if scale is None else {"low": scale.low, "high": scale.high, "stated": scale.stated}
    return {"environment": part.environment, "config_name": compared_name(part.environment, name), **ends}


def _by_seed(parts: Sequence[Part], settings: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """The mean normalised score over *parts* of each extractor and seed; no seed that lacks one of them."""
    found = {}
    for entry in settings["extractors"]:
        scores = [part.scores(entry["name"]) for part in parts]
        seeds = set.intersection(*map(set, scores)) if scores else set()
        found[entry["name"]] = {seed: fmean(each[seed] for each in scores) for seed in sorted(seeds)}
    return {name: by_seed for name, by_seed in found.items() if by_seed}


def _against_baseline(parts: Sequence[Part], settings: Mapping[str, Any]) -> Against:
    return against(settings["run"]["baseline_extractor"] or "", _by_seed(parts, settings))


def _verdict(parts: Sequence[Part], settings: Mapping[str, Any], each: Mapping[str, Verdict]) -> Verdict | None:
    """On the mean normalised score over the environments, seed by seed; that of each environment is a part of it."""
    scores = Scores(NORMALISED_SPEC, _by_seed(_scaled(parts), settings), settings["run"]["baseline_extractor"])
    jobs = [record for part in parts for record in part.records]
    unfinished = sum(not isinstance(record.outcome, Completed) for record in jobs)
    found = conclude(scores, settings, unfinished, _limits(parts)) or Verdict(APART, _APART)
    details = (*found.details, *(f"In {name}: {verdict.sentence}" for name, verdict in each.items()))
    return replace(found, details=details, parts=each) if each else None


def _scaled(parts: Sequence[Part]) -> list[Part]:
    """The environments whose scores can be normalised; none if it is a single one."""
    found = [part for part in parts if part.range is not None]
    return found if len(found) > 1 else []


def _limits(parts: Sequence[Part]) -> Iterator[str]:
    """How the scores were normalised."""
    observed = [part.environment for part in parts if part.range is not None and not part.range.stated]
    if observed:
        yield (
            f"The scores of {', '.join(observed)} are normalised by this run itself: 0 is the mean reward of its "
            "untrained policies, 1 the best score of its jobs. Another run has another scale; score_range states one."
        )


def _unscaled(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if part.range is None:
            yield f"{part.environment} is left out of what is said over all environments: no job gained reward in it"
