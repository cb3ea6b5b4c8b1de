"""A user's request, and the plan it becomes: the flow, its study, and the executor that runs the jobs."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.errors import CapabilityError, ConfigError, HarnessError, RequestError
from extractor_flow.executors.asking import ExecutorRequest, settings_for
from extractor_flow.layout import RUN
from extractor_flow.registry import (
    DEFAULT_EXECUTOR,
    DEFAULT_FLOW,
    executor_names,
    find_executor,
    find_flow,
    flow_names,
)
from extractor_flow.run.hardware import missing_capabilities
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.flow import SupportsExtra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from extractor_flow.executors.events import Executor
    from extractor_flow.study.flow import Flow, Study

CAPABILITIES = ("cuda", "mps", "macos_spawn", "spawn", "slurm")


@dataclass(frozen=True)
class ExecutorChoice:
    """Which executor runs the jobs, and its options from the command line; ``settings`` are ``KEY=VALUE``."""

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
class Plan:
    """The plan that a request becomes."""

    flow: Flow
    study: Study
    executor: Executor
    settings: Mapping[str, Any]
    lacking: Mapping[str, str]


def plan(request: RunRequest) -> Plan:
    """The plan for *request*; :class:`HarnessError` if it cannot be carried out."""
    flow, study, settings = _study(request)
    if not request.dry_run:
        require_packages(flow)
    lacking = missing_capabilities()
    _require_capabilities(request.require, lacking)
    choice = request.executor
    executor_request = ExecutorRequest(flow, study, settings, choice.jobs, choice.start_method, request.dry_run)
    return Plan(flow, study, find_executor(choice.name).made_for(executor_request), settings, lacking)


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
        reasons = "; ".join(f"{name} is missing: {lacking[name]}" for name in missing)
        msg = f"--require: {reasons}; run it where that is, or leave the option out to skip the jobs that need it"
        raise CapabilityError(msg)


def _study(request: RunRequest) -> tuple[Flow, Study, Mapping[str, Any]]:
    """The flow, its study, and the settings of the executor."""
    if unknown := [name for name in request.require if name not in CAPABILITIES]:
        msg = f"--require {unknown[0]!r}: expected one of {', '.join(CAPABILITIES)}"
        raise RequestError(msg)
    prior = {} if request.resume is None else RunDirectory.open(request.resume).request()
    document = _document(request, prior)
    settings = _settings(request.executor, document, prior)
    name = document.data.get("flow", prior.get("flow", DEFAULT_FLOW))
    flow = find_flow(name if isinstance(name, str) else repr(name))
    before = {**prior["overrides"], "run_id": prior["run_id"], "output_root": prior["output_root"]} if prior else {}
    document = document.without(executor_names())
    try:
        return flow, flow.study(document, {**before, **request.overrides}), settings
    except ConfigError as error:
        if "flow" not in document.data:
            _say_whose_config_it_is(document, request, flow.name, error)
        raise


def _say_whose_config_it_is(document: ConfigDocument, request: RunRequest, tried: str, error: ConfigError) -> None:
    """Raise one complaint where *document*, which names no flow, is a config of another one than was *tried*."""
    for name in flow_names():
        if name == tried:
            continue
        try:
            find_flow(name).study(replace(document, data={**document.data, "flow": name}), request.overrides)
        except HarnessError:
            continue
        msg = f"{document.path}: names no flow, and is a config of {name}: begin it with 'flow: {name}'"
        if request.resume is not None:
            msg = f"{document.path}: is a config of {name}, and {request.resume} is a run of {tried}"
        raise ConfigError([msg]) from error


def _settings(choice: ExecutorChoice, document: ConfigDocument, earlier: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of the executor chosen; the sections of others are checked, too."""
    for name in executor_names():
        if name in document.data and name != choice.name:
            settings_for(name, find_executor(name).schema, document, {}, ())
    before = earlier.get("executor_settings", {}) if earlier.get("executor") == choice.name else {}
    return settings_for(choice.name, find_executor(choice.name).schema, document, before, choice.settings)


def _document(request: RunRequest, earlier: Mapping[str, Any]) -> ConfigDocument:
    """The config named, or the settings that the run to be resumed was made from."""
    if request.config is not None:
        return read_config(request.config)
    if request.resume is None:
        msg = "no config was named"
        raise RequestError(msg)
    return ConfigDocument(request.resume / RUN, data=earlier["config"], positions={})
