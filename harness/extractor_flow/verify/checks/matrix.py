"""Whether the run's matrix is the one its settings span, and whether the journal tells of that matrix."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.clock import directory_stamp
from extractor_flow.config import ConfigDocument
from extractor_flow.contracts import json_path
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.run import rundir
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.codes import Code
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.jobs import component_of, select
from extractor_flow.study.records import Completed, Failed, Skipped
from extractor_flow.verify.json_diff import violations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.flow import Flow, Study
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.checks.documents import Entry

CLOCK_STEP = 2.0
"""Seconds by which a wall clock may be set back while a job runs, or two clocks may differ."""

_KIND = "inconsistent"


@dataclass(frozen=True)
class Matrix:
    """What the run was to do: the announced jobs by key, in order, and the flow's own jobs where it is installed."""

    announced: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Job] = field(default_factory=dict)

    @property
    def directories(self) -> frozenset[str]:
        """The directories of all its jobs."""
        return frozenset(
            {entry["directory"] for entry in self.announced.values()} | {job.directory for job in self.jobs.values()}
        )


def matrix_of(request: Mapping[str, Any], study: Study | None) -> Matrix:
    """The matrix that *request* announces and *study* spans."""
    announced = {entry["job_key"]: entry for entry in request["jobs"]}
    return Matrix(announced, {} if study is None else {job.key: job for job in study.jobs})


def restudy(request: Mapping[str, Any], flow: Flow, found: list[Violation]) -> Study | None:
    """The study that the settings in *request* make; *found* gets where it is not the one that was run."""
    document = ConfigDocument(Path(rundir.RUN), data=request["config"], positions={})
    overrides = {**request.get("overrides", {}), "run_id": request["run_id"], "output_root": request["output_root"]}
    try:
        study = flow.study(document, overrides)
        jobs = select(study.jobs, request["selection"])
    except FLOW_ERRORS as error:
        found.append(
            Violation(rundir.RUN, "$.config", f"is a config of {flow.name}", brief(str(error)), "inconsistent")
        )
        return None
    again: dict[str, Json] = {
        "config": dict(study.settings),
        "run_id": study.run_id,
        "output_root": study.output_root,
        "jobs": [announcement(job) for job in jobs],
        "notes": list(study.notes),
        "results_key": flow.vocabulary.results_key,
    }
    there = {key: request[key] for key in again}
    found.extend(violations(rundir.RUN, again, there, "the flow makes of this config"))
    return study


def announcement(job: Job) -> dict[str, Json]:
    """*job* as ``run.json`` announces it."""
    facts: dict[str, Json] = {
        "config_name": job.name,
        "directory": job.directory,
        "job_key": job.key,
        "worker_mode": job.worker_mode,
    }
    return facts if job.seed is None else {**facts, "seed": job.seed}


def check_request(request: Mapping[str, Any]) -> Iterator[Violation]:
    """What ``run.json`` says twice must be the same twice."""
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


def check_journal(entries: Sequence[Entry], request: Mapping[str, Any], matrix: Matrix) -> Iterator[Violation]:
    """Each record is one of a job of the matrix, with times in order; and each announced job has one."""
    attempts: dict[str, int] = {}
    yield from _of_the_flow(entries, request["flow"])
    yield from _rehearsed(entries, request)
    for entry in without_repeats(entries):
        record, where = entry.record, f"line {entry.line}: $"
        yield from _of_a_job(record, where, matrix)
        yield from _in_time(record, where, request["created_at"])
        before = attempts.setdefault(record.job_key, 0)
        if record.end_time is not None:  # it was started
            attempts[record.job_key] = record.attempt
        if record.end_time is None and record.attempt != 1:
            what = "a job that was not started is recorded with attempt 1"
            yield Violation(rundir.JOURNAL, f"{where}.attempt", str(record.attempt), what, _KIND)
        # A process that dies before it has begun another attempt is recorded with the number of the one before.
        least = before + 1 if isinstance(record.outcome, Completed) else before
        if record.end_time is not None and record.attempt < least:
            yield Violation(rundir.JOURNAL, f"{where}.attempt", str(record.attempt), f"{before} came before", _KIND)
    for key, job in matrix.announced.items():
        if key not in attempts:
            label = f"{job['config_name']} seed {job['seed']}" if "seed" in job else job["config_name"]
            yield Violation(rundir.JOURNAL, "", f"has a record of {label}, which {rundir.RUN} announces", "none", _KIND)


def _of_the_flow(entries: Sequence[Entry], flow: str) -> Iterator[Violation]:
    """Where all records agree on another flow it is the request that is wrong, else the record that stands alone."""
    found = {entry.record.flow for entry in entries}
    if len(found) == 1 and found != {flow}:
        yield _wrong("$.flow", flow, f"{rundir.JOURNAL} has {brief(found.pop())}")
        return
    for entry in entries:
        if entry.record.flow != flow:
            place = f"line {entry.line}: $.flow"
            yield Violation(rundir.JOURNAL, place, entry.record.flow, f"{rundir.RUN} has {flow}", _KIND)


def _rehearsed(entries: Sequence[Entry], request: Mapping[str, Any]) -> Iterator[Violation]:
    """A rehearsal begins with a job that was skipped for that; it may have been resumed, to train."""
    if request["dry_run"] and entries and not _is_rehearsed(entries[0].record):
        yield _wrong("$.dry_run", "true", f"{rundir.JOURNAL} line {entries[0].line}: {entries[0].record.status}")


def _is_rehearsed(record: JobRecord) -> bool:
    return isinstance(record.outcome, Skipped) and record.outcome.code is Code.DRY_RUN


def without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    """*entries* but for failures that are the same as an earlier one.

    A job whose process died before its first attempt leaves a result, which a resumed run finds and records once more.
    """
    before: dict[str, list[JobRecord]] = {}
    fresh = []
    for entry in entries:
        earlier = before.setdefault(entry.record.job_key, [])
        if entry.record not in earlier or not isinstance(entry.record.outcome, Failed):
            earlier.append(entry.record)
            fresh.append(entry)
    return fresh


def _of_a_job(record: JobRecord, where: str, matrix: Matrix) -> Iterator[Violation]:
    announced = matrix.announced.get(record.job_key)
    if announced is None and record.job_key in matrix.jobs:
        announced = announcement(matrix.jobs[record.job_key])
    if announced is None:
        yield Violation(rundir.JOURNAL, f"{where}.job_key", record.job_key, f"no job of {rundir.RUN} has it", _KIND)
        return
    told = record.to_json()
    demanded = {key: announced.get(key) for key in (*announced, "seed")}
    for key, value in demanded.items():
        if told.get(key) != value:
            yield Violation(
                rundir.JOURNAL, f"{where}.{key}", brief(told.get(key)), f"its job has {brief(value)}", _KIND
            )


def _in_time(record: JobRecord, where: str, created_at: str) -> Iterator[Violation]:
    created, started = datetime.fromisoformat(created_at), datetime.fromisoformat(record.start_time)
    if (created - started).total_seconds() > CLOCK_STEP:
        yield Violation(rundir.JOURNAL, f"{where}.start_time", record.start_time, f"the run began {created_at}", _KIND)
    if record.end_time is None or isinstance(record.outcome, Skipped):
        return
    elapsed = (datetime.fromisoformat(record.end_time) - started).total_seconds()
    if elapsed < -CLOCK_STEP:
        yield Violation(rundir.JOURNAL, f"{where}.end_time", record.end_time, f"began {record.start_time}", _KIND)
    if record.duration_seconds == 0:
        yield Violation(rundir.JOURNAL, f"{where}.duration_seconds", "0", "every job takes some time", _KIND)
    # The other way round is possible: a machine that sleeps stops the clock that durations are measured with.
    if record.duration_seconds is not None and record.duration_seconds > elapsed + CLOCK_STEP:
        what = f"from start to end {elapsed:.3f} s passed"
        yield Violation(rundir.JOURNAL, f"{where}.duration_seconds", str(record.duration_seconds), what, _KIND)


def _repeated(values: list[str]) -> Iterator[int]:
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            yield position
        seen.add(value)


def _wrong(path: str, claim: str, found: str) -> Violation:
    return Violation(rundir.RUN, path, claim, found, _KIND)
