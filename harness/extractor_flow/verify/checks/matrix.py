"""Checks that the run's matrix is the one its settings span, and that the journal tells of that matrix."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.clock import directory_stamp
from extractor_flow.contracts import json_path
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import component_of
from extractor_flow.study.records import Completed, Skipped
from extractor_flow.verify.checks.timeline import without_repeats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.verify.subject.context import RunSubject
    from extractor_flow.verify.subject.documents import Entry

_KIND = "inconsistent"
_REQUEST = (Requirement.REQUEST,)
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("request-once", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.RUN,), requires=_REQUEST)
def request_once(run: RunSubject) -> Iterator[Violation]:
    """What run.json says twice is the same twice: config and digest, name and time, platform, one key a job.

    Catches: an edited config, name or time. Cannot catch: an edit of both, and what is said once, such as the command.
    """
    yield from wrong_request(run.request)


def wrong_request(request: Mapping[str, Any]) -> Iterator[Violation]:
    """Where *request*, the value of ``run.json``, says something twice and not alike."""
    if request["config_sha256"] != (digest := config_digest(request["config"])):
        yield _wrong("$.config_sha256", request["config_sha256"], f"the config has {digest}")
    stamp = directory_stamp(datetime.fromisoformat(request["created_at"]))
    name = f"{stamp}-{component_of(request['run_id'])}"
    if not re.fullmatch(rf"{re.escape(name)}(-[0-9]+)?", request["run_directory"]):
        yield _wrong("$.run_directory", request["run_directory"], f"its time and name give {name}")
    hardware = request["hardware"]
    if request["python_version"] != hardware["python_version"]:
        yield _wrong("$.python_version", request["python_version"], f"$.hardware has {hardware['python_version']}")
    # The profile has the platform in short: on some systems without the processor.
    if not f"{request['platform']}-".startswith(f"{hardware['platform']}-"):
        yield _wrong("$.platform", request["platform"], f"$.hardware has {hardware['platform']}")
    for key in ("job_key", "directory"):
        values = [entry[key] for entry in request["jobs"]]
        for position in _repeated(values):
            yield _wrong(json_path(("jobs", position, key)), values[position], "another job has it too")


@check(
    "settings-span-matrix",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.RUN,),
    requires=(*_REQUEST, Requirement.FLOW),
)
def settings_span_matrix(run: RunSubject) -> Iterator[Violation]:
    """The flow, given run.json's settings again, makes the settings, notes and jobs that run.json announces.

    Catches: jobs left out or invented, defaults that were swapped. Cannot catch: a study of other settings altogether.
    """
    yield from run.restudied[1]


@check("flow-named-alike", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_REQUEST)
def flow_named_alike(run: RunSubject) -> Iterator[Violation]:
    """The journal's records name the flow that run.json names.

    Catches: a flow renamed in one of them, so that its checks are not run. Cannot catch: a flow renamed everywhere,
    which leaves the run unjudged.
    """
    flow = run.request["flow"]
    found = {entry.record.flow for entry in run.journal}
    if len(found) == 1 and found != {flow}:
        # All records agree on another flow: it is the request that is wrong.
        yield _wrong("$.flow", flow, f"{layout.JOURNAL} has {brief(found.pop())}")
        return
    for entry in run.journal:
        if entry.record.flow != flow:
            place = f"line {entry.line}: $.flow"
            yield Violation(layout.JOURNAL, place, entry.record.flow, f"{layout.RUN} has {flow}", _KIND)


@check("rehearsal-skips", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_REQUEST)
def rehearsal_skips(run: RunSubject) -> Iterator[Violation]:
    """A rehearsal's journal begins with a job that was skipped for that; it may have been resumed, to train.

    Catches: a real run called a rehearsal. Cannot catch: a rehearsal of which nobody says that it was one.
    """
    for first in run.journal[:1]:
        outcome = first.record.outcome
        rehearsed = isinstance(outcome, Skipped) and outcome.code is Code.DRY_RUN
        if run.request["dry_run"] and not rehearsed:
            yield _wrong("$.dry_run", "true", f"{layout.JOURNAL} line {first.line}: {first.record.status}")


@check("records-of-jobs", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_REQUEST)
def records_of_jobs(run: RunSubject) -> Iterator[Violation]:
    """Each record is one of an announced job, under its name, seed and directory; each announced job has one.

    Catches: records invented, left out or exchanged between jobs. Cannot catch: an earlier record of the same job that
    was taken out.
    """
    for entry in without_repeats(run.journal):
        yield from _of_a_job(entry, run)
    recorded = {entry.record.job_key for entry in run.journal}
    for key, job in run.matrix.announced.items():
        if key not in recorded:
            label = f"{job['config_name']} seed {job['seed']}" if "seed" in job else job["config_name"]
            yield Violation(layout.JOURNAL, "", f"has a record of {label}, which {layout.RUN} announces", "none", _KIND)


def _of_a_job(entry: Entry, run: RunSubject) -> Iterator[Violation]:
    record, where = entry.record, f"line {entry.line}: $"
    announced = run.matrix.announced.get(record.job_key)
    if announced is None and record.job_key in run.matrix.jobs:
        announced = run.matrix.jobs[record.job_key].announced()
    if announced is None:
        yield Violation(layout.JOURNAL, f"{where}.job_key", record.job_key, f"no job of {layout.RUN} has it", _KIND)
        return
    claims = record.to_json()
    demanded = {key: announced.get(key) for key in (*announced, "seed")}
    for key, value in demanded.items():
        if claims.get(key) != value:
            found = f"its job has {brief(value)}"
            yield Violation(layout.JOURNAL, f"{where}.{key}", brief(claims.get(key)), found, _KIND)


@check("attempts-count-up", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_REQUEST)
def attempts_count_up(run: RunSubject) -> Iterator[Violation]:
    """The attempts at a job are numbered in the order in which the journal records them.

    Catches: a success put before a failure, attempts recorded twice. Cannot catch: attempts of which no record is left.
    """
    attempts: dict[str, int] = {}
    for entry in without_repeats(run.journal):
        record, place = entry.record, f"line {entry.line}: $.attempt"
        before = attempts.setdefault(record.job_key, 0)
        if record.end_time is None:
            if record.attempt != 1:
                what = "a job that was not started is recorded with attempt 1"
                yield Violation(layout.JOURNAL, place, str(record.attempt), what, _KIND)
            continue
        attempts[record.job_key] = record.attempt
        # A process that dies before it has begun another attempt is recorded with the number of the one before.
        if record.attempt < (before + 1 if isinstance(record.outcome, Completed) else before):
            yield Violation(layout.JOURNAL, place, str(record.attempt), f"{before} came before", _KIND)


@check(
    "records-comparable",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.JOURNAL,),
    requires=(*_RECORDED, Requirement.FLOW, Requirement.STUDY),
)
def records_comparable(run: RunSubject) -> Iterator[Violation]:
    """The flow can compare the journal's records: they have the metrics and details that its comparison takes.

    Catches: records whose numbers are of the wrong kind. Cannot catch: wrong numbers of the right kind.
    """
    if isinstance(run.support, str):
        claim = f"holds records that {run.request['flow']} can compare"
        yield Violation(layout.JOURNAL, "", claim, run.support, _KIND)


def _repeated(values: list[str]) -> Iterator[int]:
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            yield position
        seen.add(value)


def _wrong(path: str, claim: str, found: str) -> Violation:
    return Violation(layout.RUN, path, claim, found, _KIND)


CHECKS = (
    request_once,
    settings_span_matrix,
    flow_named_alike,
    rehearsal_skips,
    records_of_jobs,
    attempts_count_up,
    records_comparable,
)
