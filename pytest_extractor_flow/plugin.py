"""The pytest plugin: options, ini keys, markers and hooks; standard library and pytest at load, the rest on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow import shared
from pytest_extractor_flow.declared import MARKERS, pytest_addoption, required_hardware
from pytest_extractor_flow.fixtures import (
    _extractor_flow_run,
    flow_markdown,
    flow_records,
    flow_reference,
    flow_run,
    flow_summary,
    flow_verdict,
    hardware_profile,
    run_once,
)
from pytest_extractor_flow.shared import RUN_FIXTURE, STATE
from pytest_extractor_flow.state import PluginState, markers_of, mirror_markers, state_of, waits_for_command

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

__all__ = [
    "_extractor_flow_run",
    "flow_markdown",
    "flow_records",
    "flow_reference",
    "flow_run",
    "flow_summary",
    "flow_verdict",
    "hardware_profile",
    "pytest_addoption",
    "run_once",
]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Announce the hooks of this plugin."""
    pluginmanager.add_hookspecs(shared)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and accept ``-m macos-spawn``."""
    further = config.hook.pytest_extractor_flow_capabilities()
    state = config.stash[STATE] = PluginState(config, further)
    names = (name for probes in further for name in probes)
    state.registered = {**dict.fromkeys(names, "needs the capability of that name"), **MARKERS}
    theirs = state.foreign_markers()
    for name, meaning in state.registered.items():
        if name not in theirs:
            config.addinivalue_line("markers", f"{name}: {meaning}")
    config.addinivalue_line(
        "markers", "flow(config, ..., allow_failures=False, reference=None): the configs whose runs a test checks"
    )
    state.refuse_wrong_options()
    if config.getoption("evidence") is not None:
        from pytest_extractor_flow.evidence.recorder import register

        register(config, state)
    if further or "-" in config.option.markexpr:
        config.option.markexpr = state.capabilities.with_underscores(config.option.markexpr)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Announce each executed command, then remove the session's directory."""
    state = config.stash.get(STATE, None)
    if state is not None and state.lane is not None:
        state.lane.release()
    if state is None or state.own_directory is None:
        return
    try:
        for execution in state.own_directory.executions():
            config.hook.pytest_extractor_flow_before_cleanup(execution=execution)
    finally:
        state.own_directory.remove()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to start without the required hardware; open the lane's report."""
    config, state = session.config, state_of(session.config)
    if state.is_worker:
        return
    state.session = session
    required = required_hardware(config)
    if any(config.getoption(name) is not None for name in ("lane", "lane_report", "lane_key", "lane_commit")):
        from pytest_extractor_flow.lanes.report import open_report

        state.lane = open_report(config, state.capabilities, required)
        config.pluginmanager.register(state.lane, "extractor_flow_lane")
    if required:
        state.capabilities.check_required(required)
    elif config.getoption("require_hardware"):
        msg = "--require-hardware names nothing: give capabilities, such as cuda, or leave it out"
        raise pytest.UsageError(msg)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """End commands that still run, before xdist waits for its workers; close the lane's report after everybody else.

    A session whose tests changed a run, or judged none of an existing one, has failed, whatever they said.
    """
    state = state_of(session.config)
    if state.own_directory is not None:
        from pytest_extractor_flow.runs.tamper_guard import judged_by_no_test, judged_runs, touched_runs

        state.own_directory.stop()
        state.touched = tuple(touched_runs(state.own_directory.path))
        state.judged_by_none = judged_by_no_test(state.own_directory.path)
        if state.lane is not None:
            state.lane.runs(judged_runs(state.own_directory.path))
        if (state.touched or state.judged_by_none) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    result = yield
    if state.lane is not None:
        state.lane.close(int(session.exitstatus))
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist's type, and xdist may not be installed
    """Hand the session's directory over to a new xdist worker."""
    state_of(node.config).hand_over(node.workerinput)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect a config: one that was named on the command line and is nobody else's, or that the ini key names."""
    collectors = yield
    if file_path.suffix in {".yaml", ".yml"}:
        state = state_of(parent.config)
        if state.is_flow_file(file_path) or (state.was_named(file_path) and not collectors):
            from pytest_extractor_flow.collect import ConfigFile

            return [*collectors, ConfigFile.from_parent(parent, path=file_path)]
    return collectors


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the run of each test that asks for one."""
    if RUN_FIXTURE in metafunc.fixturenames:
        from pytest_extractor_flow.runs.choice import parametrize

        parametrize(metafunc, state_of(metafunc.config).options)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Remember every test before any is deselected."""
    state_of(config).seen = tuple(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Mirror the markers into ``user_properties``; record what was collected, or leave it for the controller.

    Last, keep the time that tests wait for a command out of pytest-timeout's count.
    """
    state = state_of(session.config)
    state.foresee(session.items)
    lane_asked = session.config.getoption("lane") is not None
    mirror_markers(session.items, None if lane_asked else state.markers)
    if lane_asked:
        from pytest_extractor_flow.lanes.report import catalogue

        found = catalogue(state.seen, session.items)
        if state.lane is None:
            state.leave_catalogue(found)
        else:
            state.lane.tests(found)
    waiting = [item for item in session.items if waits_for_command(item)]
    if waiting and session.config.pluginmanager.hasplugin("timeout"):
        from pytest_extractor_flow.reports import count_body_only

        count_body_only(waiting)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:  # noqa: ANN401 - see pytest_configure_node
    """Take over what a worker has made, and record what it collected."""
    state = state_of(node.config)
    state.adopt()
    if state.lane is not None:
        state.lane.tests(state.catalogue_left_by(node.gateway.id))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, before any fixture is set up, a test that needs a capability which this machine lacks."""
    state = state_of(item.config)
    if not state.markers.isdisjoint(markers_of(item)) and not getattr(item, "skips_as_recorded", False):
        state.capabilities.skip_unless_available(item, state.markers)
    if RUN_FIXTURE in getattr(item, "fixturenames", ()):
        from pytest_extractor_flow.runs.choice import refuse_unheard_marks

        refuse_unheard_marks(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the plugin's own skips and failures into words."""
    report = yield
    if call.excinfo is not None:
        from pytest_extractor_flow.reports import refine

        refine(report, call.excinfo.value, item)
    if report.when != "teardown" and state_of(item.config).has_runs:
        from pytest_extractor_flow.reports import refuse_run_of_others, tell_existing_run, tell_root

        tell_existing_run(report, item)
        tell_root(report, item)
        refuse_run_of_others(report, item)
    if report.when == "call" and report.passed and item.own_markers:
        from pytest_extractor_flow.reports import refuse_unused_mark

        refuse_unused_mark(report, item)
    return report


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which markers are the project's own, to those who use the plugin for what its markers mean."""
    state = state_of(config)
    theirs = ", ".join(sorted(state.foreign_markers()))
    if not theirs or not (state.lane or config.getoption("require_hardware") or config.getini("require_hardware")):
        return None
    return f"extractor-flow: this project's own markers, which skip nothing: {theirs} (see the ini key flow_markers)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which commands this session executed, how they ended, and what came of their runs."""
    state = state_of(config)
    executions = [] if state.own_directory is None else state.own_directory.executions()
    if executions:
        from pytest_extractor_flow.reports import run_lines, summary_line

        terminalreporter.section("executed once", sep="-")
        for execution in executions:
            terminalreporter.line(summary_line(execution))
            for line in run_lines(execution):
                terminalreporter.line(line)
    elif config.option.flow_config and not config.option.collectonly:
        terminalreporter.line("--flow-config: no test asked for a run of it, so nothing was trained")
    if state.judged_by_none:
        terminalreporter.section("judged by no test", sep="-", red=True)
        terminalreporter.line(f"--flow-run {state.options.existing}: every test that asked for a run is about another")
    if state.touched:
        terminalreporter.section("runs changed by tests: not what was judged", sep="-", red=True)
        for run, changes in state.touched:
            for change in changes:
                terminalreporter.line(f"{run}: {change}")
