"""Conformance of what a flow concludes from records: pure, whatever their order, and nothing that nobody measured."""

from __future__ import annotations

import copy
import json
import math
import random
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import summary_schema, violations
from extractor_flow.files import dumps, parse_json
from extractor_flow.layout import HISTORICAL, MANIFEST, SKIPS, SUMMARY
from extractor_flow.render.legacy_results import complete_results
from extractor_flow.render.manifest import skip_summary, training_manifest
from extractor_flow.render.markdown import render
from extractor_flow.render.summary_json import to_json
from extractor_flow.run.hardware import probe
from extractor_flow.study.codes import Code
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Completed, Failed, JobRecord, Outcome, Skipped
from extractor_flow.study.summary import RunIdentity, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.flow import Flow, Study
    from extractor_flow.study.jobs import Job
    from extractor_flow.testing.findings import Findings

_MOST_JOBS = 12
_SHUFFLES = 4
_STEP = 1 / 8
_FAILED = Failed(Code.RAISED, "failed for the conformance check", ("the last line",))
_SKIPPED = Skipped(Code.MISSING_DATA, "skipped for the conformance check")


def check_comparison(flow: Flow, study: Study, trained: Sequence[JobRecord], found: Findings) -> None:
    """compare() on records like *trained*, one for each job, all completed and some not; and what is published then."""
    completed = like(study.jobs[:_MOST_JOBS], trained)
    mixed = [*completed[:-2], *(replace(record, outcome=_FAILED) for record in completed[-2:-1])]
    mixed += [_unstarted(record, _SKIPPED) for record in completed[-1:]]
    for records in (completed, mixed):
        comparison = _check_order(flow, study, records, found)
        if comparison is not None:
            _check_values(comparison, records, found)
            _check_views(flow, study, records, comparison, found)
    for records in ([], [replace(record, outcome=_FAILED) for record in completed]):
        _check_nothing_is_invented(flow, study, records, found)


def like(jobs: Sequence[Job], trained: Sequence[JobRecord]) -> list[JobRecord]:
    """A completed record for each of *jobs*: its own, or another's with other numbers; for checks only."""
    own = {record.job_key: record for record in trained}
    return [own.get(job.key) or _imitation(job, trained[0], 1 + n * _STEP) for n, job in enumerate(jobs)]


def _imitation(job: Job, record: JobRecord, factor: float) -> JobRecord:
    outcome = record.outcome
    if isinstance(outcome, Completed):
        metrics = {key: value * factor if isinstance(value, float) else value for key, value in outcome.metrics.items()}
        artifacts = {
            name: replace(artifact, path=job.directory + artifact.path.removeprefix(record.directory))
            for name, artifact in outcome.artifacts.items()
        }
        outcome = replace(outcome, metrics=metrics, artifacts=artifacts)
    identity: dict[str, Any] = {"name": job.name, "seed": job.seed, "job_key": job.key, "directory": job.directory}
    return replace(record, outcome=outcome, worker_mode=job.worker_mode, **identity)


def _unstarted(record: JobRecord, outcome: Outcome) -> JobRecord:
    return replace(record, outcome=outcome, end_time=None, duration_seconds=None, hardware=None)


def _check_order(flow: Flow, study: Study, records: list[JobRecord], found: Findings) -> Comparison | None:
    before = copy.deepcopy((records, study.settings))
    comparison = found.attempt("compare", "compare()", partial(flow.compare, records, study.settings))
    if not isinstance(comparison, Comparison):
        found.require(comparison is None, "compare", f"compare() returned {comparison!r}")
        return None
    for order in _orders(records):
        other = found.attempt("compare", "compare()", partial(flow.compare, order, study.settings))
        names = [] if other is None else _differing(comparison, other)
        if names:
            what = "called again" if order == records else "with the records in another order"
            found.add("compare", f"compare() {what} gives other {', '.join(names)}")
            break
    found.require((records, study.settings) == before, "compare", "compare() changed the records or the settings")
    return comparison


def _differing(one: Comparison, other: Comparison) -> list[str]:
    """The members that differ; NaN, of which something else is said, is equal to itself here."""
    views = [
        {
            each.name: json.dumps(getattr(comparison, each.name), sort_keys=True, default=repr)
            for each in fields(Comparison)
        }
        for comparison in (one, other)
    ]
    return [name for name in views[0] if views[0][name] != views[1][name]]


def _orders(records: list[JobRecord]) -> Iterator[list[JobRecord]]:
    yield list(records)
    yield records[::-1]
    generator = random.Random(0)  # noqa: S311 - any order will do
    for _ in range(_SHUFFLES):
        yield generator.sample(records, len(records))


def _check_values(comparison: Comparison, records: Sequence[JobRecord], found: Findings) -> None:
    keys = {record.job_key for record in records if isinstance(record.outcome, Completed)}
    strangers = comparison.job_metrics.keys() - keys
    found.require(not strangers, "compare", f"job_metrics for jobs that did not complete: {', '.join(strangers)}")
    groups: list[tuple[str, Mapping[str, float]]] = [("aggregate_metrics", comparison.aggregate_metrics)]
    groups += [(f"job_metrics[{key[:8]}]", metrics) for key, metrics in comparison.job_metrics.items()]
    for where, metrics in groups:
        for name, value in metrics.items():
            fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            found.require(fits, "compare", f"{where}: {name} is {value!r}; what is undefined must be absent")


def _check_nothing_is_invented(flow: Flow, study: Study, records: list[JobRecord], found: Findings) -> None:
    what = f"compare() of {len(records)} records without a success"
    comparison = found.attempt("compare", what, partial(flow.compare, records, study.settings))
    if comparison is None:
        return
    numbers = dict(comparison.aggregate_metrics)
    found.require(not numbers, "compare", f"{what} gives {numbers}, which nothing measured")
    found.require(not comparison.job_metrics, "compare", f"{what} gives job_metrics")
    found.require(not comparison.statistics, "compare", f"{what} gives statistics")


def _check_views(flow: Flow, study: Study, records: list[JobRecord], comparison: Comparison, found: Findings) -> None:
    moment, place = "2000-01-01T00:00:00.000Z", "20000101-000000-conformance"
    identity = RunIdentity(study.run_id, flow.name, moment, study.output_root, place, study.notes)
    summary = summarize(identity, records, comparison, probe())
    views: dict[str, tuple[Any, Any]] = {
        SUMMARY: (to_json(summary, flow.vocabulary), summary_schema(flow.vocabulary.results_key)),
        MANIFEST: (training_manifest(summary, selection=(), dry_run=False), "training_manifest"),
        SKIPS: (skip_summary(summary), "skip_summary"),
        HISTORICAL: (complete_results(summary, study.settings), "complete_results"),
    }
    for name, (view, contract) in views.items():
        data = found.attempt("summary", f"writing {name}", partial(_as_published, view, name))
        for violation in [] if data is None else violations(data, contract):
            found.add("summary", f"{name} breaks its contract: {violation}")
    found.attempt("summary", "writing summary.md", partial(render, summary, flow.vocabulary))


def _as_published(view: Mapping[str, Any], name: str) -> Json:
    return parse_json(dumps(view), where=name)
