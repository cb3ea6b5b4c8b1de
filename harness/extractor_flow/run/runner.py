"""Runs the pipeline: config, jobs, executor, journal, summary, files."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.binding.starts import record_start
from extractor_flow.clock import timestamp, utc_now
from extractor_flow.config.messages import shown
from extractor_flow.errors import RequestError
from extractor_flow.executors.events import Queueing
from extractor_flow.executors.local import DEFAULT_START_METHOD, LocalExecutor
from extractor_flow.executors.serial import SerialExecutor
from extractor_flow.executors.trial import require_usable
from extractor_flow.files import printable
from extractor_flow.request import Plan, plan
from extractor_flow.run.hardware import probe, processor
from extractor_flow.run.provenance import config_digest, git_state, package_versions
from extractor_flow.run.publish import publish, withhold
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.run.session import Display, Session
from extractor_flow.study.jobs import select
from extractor_flow.study.records import SCHEMA_VERSION, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extractor_flow.executors.events import Stop
    from extractor_flow.request import RunRequest
    from extractor_flow.study.flow import Flow, ReportSpec
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import RunSummary


@dataclass(frozen=True)
class RunReport:
    """The outcome of a run: where its files are, what they say, and the exit code to use."""

    run: RunDirectory
    flow: Flow
    summary: RunSummary
    exit_code: int


@dataclass(frozen=True)
class SubmitReport:
    """What was submitted to a queue: where the run is, the queue's answer, and how many jobs were submitted."""

    run: RunDirectory
    jobs: int
    message: str


def run_flow(request: RunRequest, make_display: Callable[[ReportSpec], Display], stop: Stop) -> RunReport:
    """Run a study, or the missing part of one, and publish its summary; each finished job is on disk before the next.

    Raises :class:`extractor_flow.errors.ConfigError` or :class:`RequestError` before anything is started, and
    :class:`RunDirectoryError` when the disk fails under it, with the finished records kept.
    """
    planned = plan(request)
    with _sitting(request, planned, make_display, stop) as session:
        session.train(planned.executor, dry_run=request.dry_run, lacking=planned.lacking)
        summary = publish(session.run, planned.flow)
        session.run.point_latest_here()
    return RunReport(session.run, planned.flow, summary, _exit_code(summary, stop))


def submit_flow(
    request: RunRequest, make_display: Callable[[ReportSpec], Display], stop: Stop
) -> SubmitReport | RunReport:
    """Submit a study, or the missing part of one, to a queue, which also publishes it at the end.

    Returns the run's report if nothing is missing or the executor has no queue. Raises what :func:`run_flow` raises.
    """
    planned = plan(request)
    with _sitting(request, planned, make_display, stop) as session:
        if request.dry_run or not isinstance(planned.executor, Queueing):
            session.train(planned.executor, dry_run=request.dry_run, lacking=planned.lacking)
        elif submitted := session.submit(planned.executor):
            session.run.point_latest_here()
            return SubmitReport(session.run, *submitted)
        summary = publish(session.run, planned.flow)
        session.run.point_latest_here()
    return RunReport(session.run, planned.flow, summary, _exit_code(summary, stop))


@contextmanager
def _sitting(
    request: RunRequest, planned: Plan, make_display: Callable[[ReportSpec], Display], stop: Stop
) -> Iterator[Session]:
    """The run, new or to be resumed, held for this process and marked as unpublished."""
    run, jobs = _open(request, planned, stop)
    with run.exclusively(), run.logging():
        if request.resume is not None:
            _note_start(request, run, run.request())
        withhold(run)
        _tell_what_is_not_enforced(planned, jobs)
        yield Session(run, planned.flow, jobs, make_display(planned.flow.vocabulary), stop)


def _tell_what_is_not_enforced(planned: Plan, jobs: Sequence[Job]) -> None:
    """Warn of jobs with a memory limit, if they run here and the system takes it and does not keep it."""
    from loguru import logger

    system = platform.system()
    if system != "Linux" and not planned.executor.remote and any(job.limits.memory_mb for job in jobs):
        logger.bind(system=system).warning("{} does not enforce memory limits: no job is ended by its own", system)


def _open(request: RunRequest, planned: Plan, stop: Stop) -> tuple[RunDirectory, list[Job]]:
    """A new run or the one to be resumed, and its jobs; what a new one names has been made once."""
    study = planned.study
    if request.resume is None:
        _require_name(study.run_id)
        jobs = select(study.jobs, request.only)
        # In serial order, for debugging, the first job meets what is wrong in this process, where one can look at it.
        # This machine, perhaps a cluster's login node, cannot tell what another one can make.
        executor = planned.executor
        if not (request.dry_run or executor.remote or isinstance(executor, SerialExecutor)):
            _try(request, planned, jobs, stop)
        return _new_run(request, planned, jobs), jobs
    run = RunDirectory.open(request.resume)
    recorded = run.request()
    if recorded["config_sha256"] != (digest := config_digest(study.settings)):
        differing = "; ".join(_differences(recorded["config"], study.settings)) or f"config_sha256 {digest}"
        msg = f"{run.path}: was made from other settings: {differing}; resume with the same ones, or start a new run"
        raise RequestError(msg)
    return run, select(study.jobs, request.only or recorded["selection"])


def _try(request: RunRequest, planned: Plan, jobs: Sequence[Job], stop: Stop) -> None:
    """Raise :class:`ConfigError` if what the jobs that can run here name cannot be made."""
    flow, study, hardware = planned.flow, planned.study, probe()
    able = [job for job in jobs if flow.missing_requirement(job, hardware, planned.lacking) is None]
    method = request.executor.start_method or study.start_method or DEFAULT_START_METHOD
    require_usable(flow, able, LocalExecutor(1, flow.preload, method), stop, where=str(request.config))


def _differences(made_from: object, wanted: object, key: str = "") -> Iterator[str]:
    """The settings that differ, with the run's value and the requested one."""
    if isinstance(made_from, Mapping) and isinstance(wanted, Mapping):
        for name in sorted({*made_from, *wanted}):
            yield from _differences(made_from.get(name), wanted.get(name), f"{key}.{name}" if key else str(name))
    elif made_from != wanted:
        yield f"{key} is {shown(made_from)} there and {shown(wanted)} here"


def _require_name(run_id: str) -> None:
    """Refuse what would have to be changed to name a directory."""
    if {"/", "\\"} & set(run_id):
        msg = f"the run id {run_id!r} names a place; leave out / and \\, and name the place with --output-root"
        raise RequestError(msg)
    if not any(letter.isalnum() for letter in run_id):
        msg = f"the run id {run_id!r} has no letter and no digit; a directory needs one in its name"
        raise RequestError(msg)


def _new_run(request: RunRequest, planned: Plan, jobs: Sequence[Job]) -> RunDirectory:
    moment, flow, study = utc_now(), planned.flow, planned.study
    run = RunDirectory.create(Path(study.output_root), study.run_id, moment)
    document = {
        "schema_version": SCHEMA_VERSION,
        "flow": flow.name,
        "run_id": study.run_id,
        "created_at": timestamp(moment),
        "run_directory": run.path.name,
        "output_root": study.output_root,
        "command": [printable(word) for word in request.command],
        "config_path": printable(str(request.config)),
        "config": dict(study.settings),
        "config_sha256": config_digest(study.settings),
        "overrides": dict(request.overrides),
        "selection": list(request.only),
        "dry_run": request.dry_run,
        "jobs": [job.announced() for job in jobs],
        "notes": list(study.notes),
        **_environment(),
        "executor": planned.executor.name,
        **({"executor_settings": dict(planned.settings)} if planned.settings else {}),
        "results_key": flow.vocabulary.results_key,
        "job_contract": flow.contract.to_json(),
    }
    noted = _note_start(request, run, document)
    run.begin(document if noted is None else {**document, "start_sha256": noted})
    return run


def _note_start(request: RunRequest, run: RunDirectory, document: Mapping[str, Any]) -> str | None:
    """Record this start beside the run, before anything is trained; returns the digest of the entry."""
    state = git_state(Path.cwd())
    start = {
        "schema_version": SCHEMA_VERSION,
        "time": timestamp(utc_now()),
        "run_directory": document["run_directory"],
        "flow": document["flow"],
        "config_sha256": document["config_sha256"],
        "command": [printable(word) for word in request.command],
        "dry_run": request.dry_run,
        "resumed": request.resume is not None,
        **({} if state is None else {"commit": state["commit"]}),
    }
    return record_start(run.path.resolve().parent, start)


def _environment() -> dict[str, Any]:
    """What a result may depend on; what is unknown here has no member."""
    facts = {
        "packages": package_versions(),
        "python_version": platform.python_version(),
        "platform": platform.platform(),
        "hardware": probe().to_json(),
        "git": git_state(Path.cwd()),
        "processor": processor(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _exit_code(summary: RunSummary, stop: Stop) -> int:
    if stop.signum is not None:
        return 128 + stop.signum
    failed = any(isinstance(record.outcome, Failed) for record in summary.records)
    return 1 if failed else 0
