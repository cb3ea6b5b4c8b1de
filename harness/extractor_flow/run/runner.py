"""Puts the pipeline in order: config, jobs, executor, journal, summary, files."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.binding.starts import record_start
from extractor_flow.clock import timestamp, utc_now
from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.config.messages import shown
from extractor_flow.errors import CapabilityError, ConfigError, HarnessError, RequestError
from extractor_flow.files import printable
from extractor_flow.layout import RUN
from extractor_flow.registry import DEFAULT_FLOW, find_flow, flow_names
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
class RunRequest:
    """What the user asked for. ``config`` may be absent when ``resume`` names a run; ``overrides`` are the flow's."""

    config: Path | None
    resume: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    dry_run: bool = False
    require: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunReport:
    """What came of it: where the files are, what they say, and the exit code to end with."""

    run: RunDirectory
    flow: Flow
    summary: RunSummary
    exit_code: int


def run_flow(
    request: RunRequest,
    make_executor: Callable[[Flow, Study], Executor],
    make_display: Callable[[ReportSpec], Display],
    stop: Stop,
) -> RunReport:
    """Run a study, or what is missing of one, and publish its summary; every finished job is on disk before the next.

    Raises :class:`extractor_flow.errors.ConfigError` or :class:`RequestError` before anything is started, and
    :class:`RunDirectoryError` when the disk fails under it, with the finished records kept.
    """
    flow, study = _study(request)
    if not request.dry_run:
        require_packages(flow)
    lacking = missing_capabilities()
    _require_capabilities(request.require, lacking)
    executor = make_executor(flow, study)
    run, jobs = _open(request, flow, study, executor.name)
    with run.exclusively(), run.logging():
        if request.resume is not None:
            _note_start(request, run, run.request())
        withhold(run)
        session = Session(run, flow, jobs, make_display(flow.vocabulary), stop)
        session.train(executor, dry_run=request.dry_run, lacking=lacking)
        summary = publish(run, flow)
        run.point_latest_here()
    return RunReport(run, flow, summary, _exit_code(summary, stop))


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


def _study(request: RunRequest) -> tuple[Flow, Study]:
    if unknown := [name for name in request.require if name not in CAPABILITIES]:
        msg = f"--require {unknown[0]!r}: expected one of {', '.join(CAPABILITIES)}"
        raise RequestError(msg)
    asked = {} if request.resume is None else RunDirectory.open(request.resume).request()
    document = _document(request, asked)
    name = document.data.get("flow", asked.get("flow", DEFAULT_FLOW))
    flow = find_flow(name if isinstance(name, str) else repr(name))
    before = {**asked["overrides"], "run_id": asked["run_id"], "output_root": asked["output_root"]} if asked else {}
    try:
        study = flow.study(document, {**before, **request.overrides})
    except ConfigError as error:
        if request.resume is None and "flow" not in document.data:
            _say_whose_config_it_is(document, request, error)
        raise
    return flow, study


def _say_whose_config_it_is(document: ConfigDocument, request: RunRequest, error: ConfigError) -> None:
    """Raise one complaint where *document*, which names no flow, is a config of another one than the default."""
    for name in flow_names():
        if name == DEFAULT_FLOW:
            continue
        try:
            find_flow(name).study(replace(document, data={**document.data, "flow": name}), request.overrides)
        except HarnessError:
            continue
        msg = f"{document.path}: names no flow, and is a config of {name}: begin it with 'flow: {name}'"
        raise ConfigError([msg]) from error


def _document(request: RunRequest, asked: Mapping[str, Any]) -> ConfigDocument:
    """The config named, or the settings that the run to be resumed was made from."""
    if request.config is not None:
        return read_config(request.config)
    if request.resume is None:
        msg = "no config was named"
        raise RequestError(msg)
    return ConfigDocument(request.resume / RUN, data=asked["config"], positions={})


def _open(request: RunRequest, flow: Flow, study: Study, executor_name: str) -> tuple[RunDirectory, list[Job]]:
    """A new run or the one to be resumed, and its jobs."""
    if request.resume is None:
        jobs = select(study.jobs, request.only)
        return _new_run(request, flow, study, jobs, executor_name), jobs
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


def _new_run(request: RunRequest, flow: Flow, study: Study, jobs: Sequence[Job], executor_name: str) -> RunDirectory:
    if {"/", "\\"} & set(study.run_id):
        msg = f"the run id {study.run_id!r} names a place; leave out / and \\, and name the place with --output-root"
        raise RequestError(msg)
    moment = utc_now()
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
        "executor": executor_name,
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
    """What a result may depend on; what cannot be told here has no member."""
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
