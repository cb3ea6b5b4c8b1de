"""Puts the pipeline in order: config, jobs, executor, journal, summary, files."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.binding.starts import record_start
from extractor_flow.clock import timestamp, utc_now
from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.config.messages import shown
from extractor_flow.errors import CapabilityError, ConfigError, HarnessError, RequestError
from extractor_flow.executors.asking import ExecutorRequest, settings_for
from extractor_flow.executors.events import Queueing
from extractor_flow.files import printable
from extractor_flow.layout import RUN
from extractor_flow.registry import (
    DEFAULT_EXECUTOR,
    DEFAULT_FLOW,
    executor_names,
    find_executor,
    find_flow,
    flow_names,
)
from extractor_flow.run.hardware import missing_capabilities, probe, processor
from extractor_flow.run.provenance import config_digest, git_state, package_versions
from extractor_flow.run.publish import publish, withhold
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.run.session import Display, Session
from extractor_flow.study.flow import SupportsExtra
from extractor_flow.study.jobs import select
from extractor_flow.study.records import SCHEMA_VERSION, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extractor_flow.executors.events import Executor, Stop
    from extractor_flow.study.flow import Flow, ReportSpec, Study
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import RunSummary

CAPABILITIES = ("cuda", "mps", "macos_spawn", "spawn", "slurm")


@dataclass(frozen=True)
class ExecutorChoice:
    """The executor to run the jobs, with what the command line says about it; ``settings`` are ``KEY=VALUE``."""

    name: str = DEFAULT_EXECUTOR
    jobs: int | None = None
    start_method: str | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRequest:
    """What the user asked for. ``config`` may be absent when ``resume`` names a run; ``overrides`` are the flow's."""

    config: Path | None
    resume: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    dry_run: bool = False
    require: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    executor: ExecutorChoice = field(default_factory=ExecutorChoice)


@dataclass(frozen=True)
class RunReport:
    """What came of it: where the files are, what they say, and the exit code to end with."""

    run: RunDirectory
    flow: Flow
    summary: RunSummary
    exit_code: int


@dataclass(frozen=True)
class SubmitReport:
    """What was submitted: where the run is, what the queue said, and how many jobs it will run."""

    run: RunDirectory
    jobs: int
    told: str


def run_flow(request: RunRequest, make_display: Callable[[ReportSpec], Display], stop: Stop) -> RunReport:
    """Run a study, or what is missing of one, and publish its summary; every finished job is on disk before the next.

    Raises :class:`extractor_flow.errors.ConfigError` or :class:`RequestError` before anything is started, and
    :class:`RunDirectoryError` when the disk fails under it, with the finished records kept.
    """
    plan = _plan(request)
    with _sitting(request, plan, make_display, stop) as session:
        session.train(plan.executor, dry_run=request.dry_run, lacking=plan.lacking)
        summary = publish(session.run, plan.flow)
        session.run.point_latest_here()
    return RunReport(session.run, plan.flow, summary, _exit_code(summary, stop))


def submit_flow(
    request: RunRequest, make_display: Callable[[ReportSpec], Display], stop: Stop
) -> SubmitReport | RunReport:
    """Leave a study, or what is missing of one, to a queue, which publishes it in the end.

    The report of the run where nothing is missing, or where its executor keeps no queue. Raises as :func:`run_flow`.
    """
    plan = _plan(request)
    with _sitting(request, plan, make_display, stop) as session:
        if request.dry_run or not isinstance(plan.executor, Queueing):
            session.train(plan.executor, dry_run=request.dry_run, lacking=plan.lacking)
        elif submitted := session.submit(plan.executor):
            session.run.point_latest_here()
            return SubmitReport(session.run, *submitted)
        summary = publish(session.run, plan.flow)
        session.run.point_latest_here()
    return RunReport(session.run, plan.flow, summary, _exit_code(summary, stop))


@dataclass(frozen=True)
class _Plan:
    """A request, resolved."""

    flow: Flow
    study: Study
    executor: Executor
    settings: Mapping[str, Any]
    lacking: Mapping[str, str]


def _plan(request: RunRequest) -> _Plan:
    flow, study, settings = _study(request)
    if not request.dry_run:
        require_packages(flow)
    lacking = missing_capabilities()
    _require_capabilities(request.require, lacking)
    choice = request.executor
    asked = ExecutorRequest(flow, study, settings, choice.jobs, choice.start_method, request.dry_run)
    return _Plan(flow, study, find_executor(choice.name).made_for(asked), settings, lacking)


@contextmanager
def _sitting(
    request: RunRequest, plan: _Plan, make_display: Callable[[ReportSpec], Display], stop: Stop
) -> Iterator[Session]:
    """The run, new or to be resumed, held for this process and marked as unpublished."""
    run, jobs = _open(request, plan)
    with run.exclusively(), run.logging():
        if request.resume is not None:
            _note_start(request, run, run.request())
        withhold(run)
        yield Session(run, plan.flow, jobs, make_display(plan.flow.vocabulary), stop)


def require_packages(flow: Flow) -> None:
    """Raise :class:`RequestError`, which says what to install, if *flow* cannot train with what is installed."""
    if not isinstance(flow, SupportsExtra):
        return
    absent = [name for name in flow.packages if importlib.util.find_spec(name) is None]
    if absent:
        msg = (
            f"the flow {flow.name} trains with {', '.join(absent)}, not installed here; do: pip install '{flow.extra}'"
        )
        raise RequestError(msg)


def _require_capabilities(required: Sequence[str], lacking: Mapping[str, str]) -> None:
    if missing := [name for name in required if name in lacking]:
        told = "; ".join(f"{name} is missing: {lacking[name]}" for name in missing)
        msg = f"--require: {told}; run it where that is, or leave the option out to skip the jobs that need it"
        raise CapabilityError(msg)


def _study(request: RunRequest) -> tuple[Flow, Study, Mapping[str, Any]]:
    """The flow, its study, and the settings of the executor."""
    if unknown := [name for name in request.require if name not in CAPABILITIES]:
        msg = f"--require {unknown[0]!r}: expected one of {', '.join(CAPABILITIES)}"
        raise RequestError(msg)
    asked = {} if request.resume is None else RunDirectory.open(request.resume).request()
    document = _document(request, asked)
    settings = _settings(request.executor, document, asked)
    name = document.data.get("flow", asked.get("flow", DEFAULT_FLOW))
    flow = find_flow(name if isinstance(name, str) else repr(name))
    before = {**asked["overrides"], "run_id": asked["run_id"], "output_root": asked["output_root"]} if asked else {}
    try:
        study = flow.study(document.without(executor_names()), {**before, **request.overrides})
    except ConfigError as error:
        if request.resume is None and "flow" not in document.data:
            _say_whose_config_it_is(document, request, error)
        raise
    return flow, study, settings


def _say_whose_config_it_is(document: ConfigDocument, request: RunRequest, error: ConfigError) -> None:
    """Raise one complaint if *document*, which names no flow, is a config of another flow than the default."""
    for name in flow_names():
        if name == DEFAULT_FLOW:
            continue
        try:
            named = replace(document, data={**document.data, "flow": name})
            find_flow(name).study(named.without(executor_names()), request.overrides)
        except HarnessError:
            continue
        msg = f"{document.path}: names no flow, and is a config of {name}: begin it with 'flow: {name}'"
        raise ConfigError([msg]) from error


def _settings(choice: ExecutorChoice, document: ConfigDocument, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of the executor chosen; the sections of others are checked, too."""
    for name in executor_names():
        if name in document.data and name != choice.name:
            settings_for(name, find_executor(name).schema, document, {}, ())
    before = asked.get("executor_settings", {}) if asked.get("executor") == choice.name else {}
    return settings_for(choice.name, find_executor(choice.name).schema, document, before, choice.settings)


def _document(request: RunRequest, asked: Mapping[str, Any]) -> ConfigDocument:
    """The config named, or the settings that the run to be resumed was made from."""
    if request.config is not None:
        return read_config(request.config)
    if request.resume is None:
        msg = "no config was named"
        raise RequestError(msg)
    return ConfigDocument(request.resume / RUN, data=asked["config"], positions={})


def _open(request: RunRequest, plan: _Plan) -> tuple[RunDirectory, list[Job]]:
    """A new run or the one to be resumed, and its jobs."""
    study = plan.study
    if request.resume is None:
        jobs = select(study.jobs, request.only)
        return _new_run(request, plan, jobs), jobs
    run = RunDirectory.open(request.resume)
    asked = run.request()
    if asked["config_sha256"] != (digest := config_digest(study.settings)):
        differing = "; ".join(_differences(asked["config"], study.settings)) or f"config_sha256 {digest}"
        msg = f"{run.path}: was made from other settings: {differing}; resume with the same ones, or start a new run"
        raise RequestError(msg)
    return run, select(study.jobs, request.only or asked["selection"])


def _differences(made_from: object, asked: object, key: str = "") -> Iterator[str]:
    """The settings that differ: what the run has, and what was asked for."""
    if isinstance(made_from, Mapping) and isinstance(asked, Mapping):
        for name in sorted({*made_from, *asked}):
            yield from _differences(made_from.get(name), asked.get(name), f"{key}.{name}" if key else str(name))
    elif made_from != asked:
        yield f"{key} is {shown(made_from)} there and {shown(asked)} here"


def _new_run(request: RunRequest, plan: _Plan, jobs: Sequence[Job]) -> RunDirectory:
    moment, flow, study = utc_now(), plan.flow, plan.study
    if {"/", "\\"} & set(study.run_id):
        msg = f"the run id {study.run_id!r} names a place; leave out / and \\, and name the place with --output-root"
        raise RequestError(msg)
    run = RunDirectory.create(Path(study.output_root), study.run_id, moment)
    asked = {
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
        "jobs": [_announcement(job) for job in jobs],
        "notes": list(study.notes),
        **_environment(),
        "executor": plan.executor.name,
        **({"executor_settings": dict(plan.settings)} if plan.settings else {}),
        "results_key": flow.vocabulary.results_key,
        "job_contract": flow.contract.to_json(),
    }
    noted = _note_start(request, run, asked)
    run.begin(asked if noted is None else {**asked, "start_sha256": noted})
    return run


def _note_start(request: RunRequest, run: RunDirectory, asked: Mapping[str, Any]) -> str | None:
    """Note this start beside the run, before anything is trained; the digest of the note."""
    state = git_state(Path.cwd())
    start = {
        "schema_version": SCHEMA_VERSION,
        "time": timestamp(utc_now()),
        "run_directory": asked["run_directory"],
        "flow": asked["flow"],
        "config_sha256": asked["config_sha256"],
        "command": [printable(word) for word in request.command],
        "dry_run": request.dry_run,
        "resumed": request.resume is not None,
        **({} if state is None else {"commit": state["commit"]}),
    }
    return record_start(run.path.resolve().parent, start)


def _environment() -> dict[str, Any]:
    """What a result may depend on; what is not known here has no member."""
    facts = {
        "packages": package_versions(),
        "python_version": platform.python_version(),
        "platform": platform.platform(),
        "hardware": probe().to_json(),
        "git": git_state(Path.cwd()),
        "processor": processor(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _announcement(job: Job) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "config_name": job.name,
        "directory": job.directory,
        "job_key": job.key,
        "worker_mode": job.worker_mode,
    }
    return facts if job.seed is None else {**facts, "seed": job.seed}


def _exit_code(summary: RunSummary, stop: Stop) -> int:
    if stop.signum is not None:
        return 128 + stop.signum
    failed = any(isinstance(record.outcome, Failed) for record in summary.records)
    return 1 if failed else 0
