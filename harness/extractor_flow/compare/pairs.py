"""Two runs job by job: what is equal bit for bit, what differs in distribution, and how long the jobs took."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

from extractor_flow.compare.settings import require_comparable
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import corrected, pair
from extractor_flow.verify.environment import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.compare.reading import ComparedRun
    from extractor_flow.files import Json
    from extractor_flow.study.flow import Flow
    from extractor_flow.study.records import JobRecord
    from extractor_flow.study.statistics import Paired


class Match(StrEnum):
    """How a job's two results compare."""

    EQUAL = "equal"  # every metric, and every file that its flow declares reproducible
    DIFFERENT = "different"
    INCOMPLETE = "incomplete"  # it did not complete in one of the runs
    MISSING = "missing"  # one of the runs has no record of it


@dataclass(frozen=True)
class JobPair:
    """One job of two runs; ``differing`` names the metrics and files that are not equal."""

    label: str
    match: Match
    differing: tuple[str, ...] = ()
    speed: float | None = None


@dataclass(frozen=True)
class RunPair:
    """*other* against *one*; values are by key or name, those of *one* first."""

    one: ComparedRun
    other: ComparedRun
    settings: Mapping[str, tuple[Json, Json]]
    environment: Mapping[str, tuple[str | None, str | None]]
    jobs: tuple[JobPair, ...]
    differences: Mapping[str, Paired]

    @property
    def metric(self) -> str:
        """The headline metric, in which they are compared."""
        return self.one.flow.vocabulary.headline

    @property
    def speeds(self) -> list[float]:
        """How many times as long each job took in *other*, in order of size."""
        return sorted(job.speed for job in self.jobs if job.speed is not None)

    def count(self, match: Match) -> int:
        """How many jobs have *match*."""
        return sum(job.match is match for job in self.jobs)

    def to_json(self) -> dict[str, Json]:
        """One of the ``comparisons`` of the contract ``run_comparison``."""
        speeds = self.speeds
        return {
            "against": self.one.place,
            "run": self.other.place,
            "settings": _both(self.settings),
            "environment": _both(self.environment),
            "jobs": [
                {"job": job.label, "match": job.match.value, "differing": list(job.differing)} for job in self.jobs
            ],
            "differences": [
                {"config_name": name, "metric": self.metric, "paired": paired.to_json()}
                for name, paired in self.differences.items()
            ],
            **({"times_as_long": [speeds[0], median(speeds), speeds[-1]]} if speeds else {}),
        }


def compare_runs(one: ComparedRun, other: ComparedRun, ablated: Sequence[str] = ()) -> RunPair:
    """*other* against *one*; :class:`RequestError` unless they have one config, up to the keys of *ablated*."""
    settings = require_comparable(one, other, ablated)
    metric = one.flow.vocabulary.headline
    return RunPair(
        one=one,
        other=other,
        settings=settings,
        environment=_environment(one, other),
        jobs=tuple(job_pairs(one, other, by_key=not settings)),
        differences=differences_between(one, other, metric),
    )


def differences_between(one: ComparedRun, other: ComparedRun, metric: str) -> dict[str, Paired]:
    """By compared name, how *other* differs from *one* in *metric*, seed by seed; tested together."""
    ours, theirs = other.scores(metric), one.scores(metric)
    spec = one.flow.contract.metrics.get(metric)
    larger = spec is None or spec.larger_is_better
    found = {name: pair(ours[name], theirs.get(name, {}), larger_is_better=larger) for name in ours}
    return corrected({name: paired for name, paired in found.items() if paired is not None})


def unequal(one: Completed, other: Completed, flow: Flow) -> tuple[str, ...]:
    """The metrics and the reproducible files that are not equal, bit for bit."""
    metrics = sorted(one.metrics.keys() | other.metrics.keys())
    roles = sorted(set(flow.contract.reproducible({**one.artifacts, **other.artifacts})))
    differing = [name for name in metrics if one.metrics.get(name) != other.metrics.get(name)]
    digests = [{role: artifact.sha256 for role, artifact in each.artifacts.items()} for each in (one, other)]
    return (*differing, *(role for role in roles if digests[0].get(role) != digests[1].get(role)))


def job_pairs(one: ComparedRun, other: ComparedRun, *, by_key: bool) -> list[JobPair]:
    """Every job of either run; *by_key* pairs equal jobs, else those of the same name and seed."""

    def named(run: ComparedRun) -> dict[str, JobRecord]:
        return {record.job_key if by_key else record.label: record for record in run.records}

    ours, theirs = named(one), named(other)
    return [_job_pair(ours.get(key), theirs.get(key), one.flow) for key in dict.fromkeys((*ours, *theirs))]


def _job_pair(ours: JobRecord | None, theirs: JobRecord | None, flow: Flow) -> JobPair:
    if ours is None or theirs is None:
        return JobPair((ours or theirs).label, Match.MISSING)  # type: ignore[union-attr]
    if not isinstance(ours.outcome, Completed) or not isinstance(theirs.outcome, Completed):
        return JobPair(ours.label, Match.INCOMPLETE)
    differing = unequal(ours.outcome, theirs.outcome, flow)
    match = Match.DIFFERENT if differing else Match.EQUAL
    return JobPair(ours.label, match, differing, _times_as_long(ours.duration_seconds, theirs.duration_seconds))


def _times_as_long(ours: float | None, theirs: float | None) -> float | None:
    ratio = theirs / ours if ours and theirs else math.inf
    return ratio if math.isfinite(ratio) else None


def _environment(one: ComparedRun, other: ComparedRun) -> dict[str, tuple[str | None, str | None]]:
    ours, theirs = facts_of(one.request), facts_of(other.request)
    both = {name: (ours.get(name), theirs.get(name)) for name in sorted(ours.keys() | theirs.keys())}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _both(found: Mapping[str, tuple[Json, Json]]) -> list[Json]:
    """Both values by name; one that is not there has no key."""
    return [
        {
            "name": name,
            **{side: value for side, value in zip(("against", "run"), pair, strict=True) if _is_json(value)},
        }
        for name, pair in found.items()
    ]


def _is_json(value: object) -> bool:
    return isinstance(value, str | int | float | bool | list | dict)
