"""Hypothesis strategies for the harness's values: anything a run may hold, the hostile included.

Every value satisfies its contract. Needs hypothesis (``pip install 'pytest-extractor-flow[test]'``)::

    @given(summaries())
    def test_my_report_shows_every_reason(summary): ...
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from extractor_flow.clock import directory_stamp, timestamp
from extractor_flow.study.codes import SIGNALLED, SKIPS, Code
from extractor_flow.study.flow import Comparison
from extractor_flow.study.jobs import Job, Limits, component_of
from extractor_flow.study.records import (
    Artifact,
    Completed,
    Failed,
    HardwareProfile,
    JobRecord,
    Outcome,
    RunSummary,
    Skipped,
)
from extractor_flow.study.statistics import describe
from extractor_flow.study.summary import RunIdentity, core_aggregates, summarize
from extractor_flow.study.verdict import Verdict
from support.generated.hostile import HOSTILE_SAMPLES, hostile_text, json_objects, json_values, notes, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from extractor_flow.files import Json

__all__ = [
    "HOSTILE_SAMPLES",
    "completed",
    "failed",
    "hardware_profiles",
    "hostile_text",
    "jobs",
    "json_values",
    "outcomes",
    "records",
    "skipped",
    "summaries",
]

_PLACE = "jobs/job"
_CORE_AGGREGATES = frozenset({*core_aggregates(()), "total_wall_time"})
_FIRST, _LAST = datetime(2000, 1, 1), datetime(2099, 1, 1)  # noqa: DTZ001 - the strategy takes naive bounds


@cache
def hardware_profiles() -> SearchStrategy[HardwareProfile]:
    """Machines with a GPU and without."""
    text = hostile_text()
    return st.builds(_profile, text, text, text, st.integers(1, 512), st.none() | st.tuples(text, text))


@cache
def outcomes() -> SearchStrategy[Outcome]:
    """All three kinds of outcome; a success's artifacts lie in ``jobs/job``, relative to the run."""
    return st.one_of(completed(), skipped(), failed())


@cache
def completed() -> SearchStrategy[Completed]:
    """Successes: at least one finite metric, one artifact in ``jobs/job`` and one training step."""
    return st.builds(
        Completed,
        metrics=st.dictionaries(_metric_names(), numbers(), min_size=1, max_size=3),
        artifacts=st.dictionaries(hostile_text(), _artifacts(), min_size=1, max_size=2),
        training_steps=st.integers(1, 2**53),
        details=json_objects(),
    )


@cache
def skipped() -> SearchStrategy[Skipped]:
    """Skips for a stated reason."""
    return st.builds(Skipped, st.sampled_from(sorted(SKIPS)), hostile_text())


@cache
def failed() -> SearchStrategy[Failed]:
    """Failures and interruptions, with the end of a log and without."""
    tails = st.lists(hostile_text(blank=True), max_size=2).map(tuple)
    codes = st.sampled_from(sorted(set(Code) - SKIPS))
    return codes.flatmap(
        lambda code: st.builds(
            Failed, st.just(code), hostile_text(), tails, st.just("SIGTERM" if code in SIGNALLED else None)
        )
    )


@cache
def jobs() -> SearchStrategy[Job]:
    """Jobs with any name, any parameters, with a seed and without."""
    return st.builds(_job, _flow_names(), hostile_text(), st.none() | _seeds(), _orders())


@cache
def records() -> SearchStrategy[JobRecord]:
    """Records with any outcome; what was never started has no end, no duration and no hardware."""
    return st.builds(_record, jobs(), outcomes(), _courses())


@st.composite
def summaries(draw: DrawFn) -> RunSummary:
    """Runs of up to three names with up to three seeds each: any mixture of outcomes, notes, statistics, machines.

    Counts and times are those of the records; no two jobs share a directory.
    """
    identity = draw(_identities())
    names, seeds = draw(_studied_names()), draw(_studied_seeds())
    told = [
        _record(_job(identity.flow, name, seed, draw(_orders())), draw(outcomes()), draw(_courses()))
        for name in names
        for seed in seeds
    ]
    comparison = _comparison(names, told, draw(_conclusions()))
    return summarize(identity, told, comparison, draw(hardware_profiles()))


def _profile(platform: str, arch: str, python: str, workers: int, gpu: tuple[str, str] | None) -> HardwareProfile:
    return HardwareProfile(platform, arch, python, workers, *(gpu or ()))


def _job(flow: str, name: str, seed: int | None, order: Mapping[str, Any]) -> Job:
    place = f"jobs/{component_of(name)}"
    return Job(flow, name, place if seed is None else f"{place}/seed-{seed}", seed=seed, **order)


@cache
def _orders() -> SearchStrategy[dict[str, Any]]:
    """A job's other members."""
    seconds, megabytes = st.none() | st.floats(0.001, 1e6), st.none() | st.integers(1, 2**20)
    return st.fixed_dictionaries(
        {
            "parameters": json_objects(),
            "worker_mode": st.sampled_from(("single-thread", "vectorized")),
            "requires": st.lists(hostile_text(), max_size=1).map(tuple),
            "weight": st.floats(0, 1e9),
            "limits": st.builds(Limits, seconds, megabytes),
        }
    )


@cache
def _courses() -> SearchStrategy[tuple[datetime, float, bool, dict[str, Any]]]:
    """When a job began, how long it took, whether it began at all, and what else is told of one that did."""
    facts = st.fixed_dictionaries({"hardware": hardware_profiles(), "attempt": st.integers(1, 20)})
    return st.tuples(_moments(), st.floats(0, 1e6), st.booleans(), facts)


def _record(job: Job, outcome: Outcome, course: tuple[datetime, float, bool, dict[str, Any]]) -> JobRecord:
    begin, seconds, begun, facts = course
    record = JobRecord(
        flow=job.flow,
        name=job.name,
        seed=job.seed,
        job_key=job.key,
        directory=job.directory,
        outcome=_placed(outcome, job.directory),
        start_time=timestamp(begin),
        worker_mode=job.worker_mode,
    )
    if isinstance(outcome, Skipped) or (isinstance(outcome, Failed) and not begun):
        return record
    end = timestamp(begin + timedelta(seconds=seconds))
    return replace(record, end_time=end, duration_seconds=round(seconds, 6), **facts)


def _placed(outcome: Outcome, directory: str) -> Outcome:
    if not isinstance(outcome, Completed):
        return outcome
    artifacts = {
        name: replace(artifact, path=artifact.path.replace(_PLACE, directory, 1))
        for name, artifact in outcome.artifacts.items()
    }
    return replace(outcome, artifacts=artifacts)


@cache
def _identities() -> SearchStrategy[RunIdentity]:
    roots = st.sampled_from(("tmp", "/data/runs")) | hostile_text()
    told = st.builds(_identity, hostile_text(), _flow_names(), _moments(), roots, notes())
    return st.builds(lambda identity, known: replace(identity, provenance=known), told, provenances())


@cache
def provenances() -> SearchStrategy[dict[str, Any]]:
    """Where a run may have come from."""
    commits = st.fixed_dictionaries({"commit": st.just("a" * 40), "dirty": st.booleans()})
    known = {"command": st.lists(hostile_text(), max_size=3), "config_path": hostile_text()}
    return st.just({}) | st.fixed_dictionaries(
        {**known, "config_sha256": st.just("0" * 64), "packages": st.just({"torch": "2.6.0"})},
        optional={"git": commits, "processor": hostile_text()},
    )


def _identity(run_id: str, flow: str, moment: datetime, output_root: str, notes: tuple[str, ...]) -> RunIdentity:
    directory = f"{directory_stamp(moment)}-{component_of(run_id)}"
    return RunIdentity(run_id, flow, timestamp(moment), output_root, directory, notes)


@cache
def verdicts() -> SearchStrategy[Verdict]:
    """What a flow may conclude, in any words."""
    return st.builds(Verdict, hostile_text(), hostile_text(), st.none() | hostile_text(), notes(), notes())


@cache
def _conclusions() -> SearchStrategy[dict[str, Any]]:
    """A comparison whose jobs and names are still positions."""
    metric = st.dictionaries(_metric_names(), numbers(), min_size=1, max_size=1)
    entry = st.fixed_dictionaries(
        {
            "name": _positions(),
            "metric": _metric_names(),
            "values": st.lists(numbers(), min_size=1, max_size=5),
            "compared": st.none() | st.tuples(_positions(), st.floats(0, 1)),
        }
    )
    aggregates = st.dictionaries(_metric_names().filter(_is_no_core_aggregate), numbers(), max_size=3)
    return st.fixed_dictionaries(
        {
            "aggregate_metrics": aggregates,
            "job_metrics": st.dictionaries(_positions(), metric, max_size=2),
            "statistics": st.lists(entry, max_size=2),
            "notes": notes(),
            "verdict": st.none() | verdicts(),
        }
    )


def _comparison(names: Sequence[str], told: Sequence[JobRecord], conclusions: Mapping[str, Any]) -> Comparison:
    keys = [record.job_key for record in told if isinstance(record.outcome, Completed)]
    added = {keys[n % len(keys)]: metrics for n, metrics in conclusions["job_metrics"].items() if keys}
    return Comparison(
        aggregate_metrics=conclusions["aggregate_metrics"],
        job_metrics=added,
        statistics=tuple(_statistics(names, entry) for entry in conclusions["statistics"]),
        notes=conclusions["notes"],
        verdict=conclusions["verdict"],
    )


def _statistics(names: Sequence[str], entry: Mapping[str, Any]) -> dict[str, Json]:
    told = {
        "config_name": names[entry["name"] % len(names)],
        "metric": entry["metric"],
        **describe(entry["values"]).to_json(),
    }
    if entry["compared"] is None:
        return told
    baseline, probability = entry["compared"]
    return {**told, "baseline": names[baseline % len(names)], "probability_of_improvement": probability}


def _is_no_core_aggregate(key: str) -> bool:
    return key not in _CORE_AGGREGATES


@cache
def _studied_names() -> SearchStrategy[list[str]]:
    return st.lists(hostile_text(), min_size=1, max_size=3, unique_by=lambda name: component_of(name).casefold())


@cache
def _studied_seeds() -> SearchStrategy[tuple[int | None, ...]]:
    return st.just((None,)) | st.lists(_seeds(), min_size=1, max_size=3, unique=True).map(tuple)


@cache
def _artifacts() -> SearchStrategy[Artifact]:
    return st.builds(_artifact, hostile_text(), st.integers(0, 2**16), st.integers(1, 2**53))


def _artifact(name: str, content: int, size: int) -> Artifact:
    return Artifact(f"{_PLACE}/{component_of(name)}", hashlib.sha256(str(content).encode()).hexdigest(), size)


@cache
def _moments() -> SearchStrategy[datetime]:
    return st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))


@cache
def _flow_names() -> SearchStrategy[str]:
    return st.sampled_from(("line_fit", "extractor_comparison")) | hostile_text()


@cache
def _metric_names() -> SearchStrategy[str]:
    return st.sampled_from(("best_score", "best_mean_reward", "final_loss")) | hostile_text()


@cache
def _seeds() -> SearchStrategy[int]:
    return st.integers(0, 4) | st.integers(0, 2**63 - 1)


@cache
def _positions() -> SearchStrategy[int]:
    return st.integers(0, 8)
