"""The pytest plugin: options, ini keys, markers and hooks; standard library and pytest at load, the rest on demand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow import RUN_FIXTURE, STATE
from pytest_extractor_flow.fixtures import (
    _extractor_flow_run,
    flow_markdown,
    flow_records,
    flow_run,
    flow_summary,
    flow_verdict,
    hardware_profile,
    run_once,
)
from pytest_extractor_flow.state import PluginState, markers_of, mirror_markers, waits_for_command

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

__all__ = [
    "_extractor_flow_run",
    "flow_markdown",
    "flow_records",
    "flow_run",
    "flow_summary",
    "flow_verdict",
    "hardware_profile",
    "run_once",
]

_MARKERS = {
    "cuda": "needs an NVIDIA GPU that CUDA can use",
    "macos_spawn": "needs macOS and its spawn start method; spawn elsewhere never counts (also: -m macos-spawn)",
    "spawn": "runs the flow under the spawn start method, on any platform",
    "slurm": "needs a Slurm cluster's sbatch",
}


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Announce the hooks of this plugin."""
    from pytest_extractor_flow import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("extractor-flow", "verifying real runs")
    group.addoption(
        "--require-hardware",
        action="append",
        default=[],
        metavar="NAME,...",
        help="refuse to start unless this machine has these capabilities, such as cuda,macos_spawn "
        "(also: EXTRACTOR_FLOW_REQUIRE_HARDWARE)",
    )
    group.addoption("--lane", metavar="NAME", help="the name of this lane in its report")
    group.addoption("--lane-report", metavar="FILE", help="write what ran on this lane to FILE, as JSON lines")
    group.addoption(
        "--lane-commit",
        metavar="SHA",
        help="the commit under test, where the tests run without its git checkout",
    )
    group.addoption("--evidence", metavar="DIR", help="archive what this session ran, with an index, in DIR")
    parser.addini("require_hardware", "capabilities without which nothing is run", type="args", default=[])
    _add_flow_options(parser, group)


def _add_flow_options(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """The options and ini keys about runs, which :mod:`pytest_extractor_flow.options` reads."""
    group.addoption(
        "--flow-config",
        action="append",
        default=[],
        metavar="FILE",
        help="the config whose run the flow fixtures give to tests that name none themselves (may be repeated)",
    )
    group.addoption("--flow-run", metavar="DIR", help="check this existing run; nothing is trained")
    group.addoption(
        "--flow-archived",
        action="store_true",
        help="accept that --flow-run is a slim copy, of which some files were left out",
    )
    group.addoption("--flow-output", metavar="DIR", help="keep the run directories there (default: removed at the end)")
    group.addoption(
        "--flow-timeout",
        type=float,
        metavar="SECONDS",
        help="how long a run may train (default: the ini key, or one hour)",
    )
    parser.addini("flow_config", "the configs that --flow-config stands in for", type="args", default=[])
    parser.addini("flow_files", "configs that are test files, as patterns below the root directory", type="args")
    parser.addini("flow_timeout", "how long a run may train, in seconds", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and accept ``-m macos-spawn``."""
    further = config.hook.pytest_extractor_flow_capabilities()
    state = config.stash[STATE] = PluginState(config, further)
    markers = {**_MARKERS, **{name: "needs the capability of that name" for probes in further for name in probes}}
    for name, meaning in markers.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.addinivalue_line("markers", "flow(config, ...): the configs whose runs this test checks")
    state.markers = frozenset({*markers, "flow"})
    state.refuse_wrong_options()
    if config.getoption("evidence") is not None:
        from pytest_extractor_flow.evidence.recorder import register

        register(config, state)
    if further or "-" in config.option.markexpr:
        config.option.markexpr = state.capabilities.with_underscores(config.option.markexpr)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Tell of each executed command, then remove the session's directory."""
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
    config, state = session.config, session.config.stash[STATE]
    if state.is_worker:
        return
    state.session = session
    required = _required_hardware(config)
    if config.getoption("lane") is not None or config.getoption("lane_report") is not None:
        from pytest_extractor_flow.lanes.report import open_report

        state.lane = open_report(config, state.capabilities, required)
        config.pluginmanager.register(state.lane, "extractor_flow_lane")
    if required:
        state.capabilities.check_required(required)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """End commands that still run, before xdist waits for its workers; close the lane's report after everybody else.

    A session whose tests changed a run, or judged none of an existing one, has failed, whatever they said.
    """
    state = session.config.stash[STATE]
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
    node.config.stash[STATE].hand_over(node.workerinput)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect a config: one that was named on the command line and is nobody else's, or that the ini key names."""
    collectors = yield
    if file_path.suffix in {".yaml", ".yml"}:
        state = parent.config.stash[STATE]
        if state.is_flow_file(file_path) or (state.was_named(file_path) and not collectors):
            from pytest_extractor_flow.collect import ConfigFile

            return [*collectors, ConfigFile.from_parent(parent, path=file_path)]
    return collectors


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the run of each test that asks for one."""
    if RUN_FIXTURE in metafunc.fixturenames:
        from pytest_extractor_flow.runs.choice import parametrize

        parametrize(metafunc, metafunc.config.stash[STATE].options)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Remember every test before any is deselected."""
    config.stash[STATE].seen = tuple(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Mirror the markers into ``user_properties``; record what was collected, or leave it for the controller.

    Last, keep the time that tests wait for a command out of pytest-timeout's count.
    """
    state = session.config.stash[STATE]
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
    """Record what a worker collected."""
    state = node.config.stash[STATE]
    if state.lane is not None:
        state.lane.tests(state.catalogue_left_by(node.gateway.id))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, before any fixture is set up, a test that needs a capability which this machine lacks."""
    state = item.config.stash[STATE]
    if not state.markers.isdisjoint(markers_of(item)) and not getattr(item, "skips_as_recorded", False):
        state.capabilities.skip_unless_available(item)
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
    if report.when != "teardown" and item.config.stash[STATE].has_runs:
        from pytest_extractor_flow.reports import refuse_run_of_others, tell_existing_run, tell_root

        tell_existing_run(report, item)
        tell_root(report, item)
        refuse_run_of_others(report, item)
    return report


def _required_hardware(config: pytest.Config) -> tuple[str, ...]:
    """Everything that the option, the ini key and the environment name between them: a promise made once holds."""
    places = (
        *config.getoption("require_hardware"),
        *config.getini("require_hardware"),
        os.environ.get("EXTRACTOR_FLOW_REQUIRE_HARDWARE", ""),
    )
    words = ",".join(places).replace("-", "_").replace(",", " ").split()
    return tuple(dict.fromkeys(words))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which commands this session executed, and how they ended."""
    state = config.stash[STATE]
    executions = [] if state.own_directory is None else state.own_directory.executions()
    if executions:
        from pytest_extractor_flow.reports import summary_line

        terminalreporter.section("executed once", sep="-")
        for execution in executions:
            terminalreporter.line(summary_line(execution))
    if state.judged_by_none:
        terminalreporter.section("judged by no test", sep="-", red=True)
        terminalreporter.line(f"--flow-run {state.options.existing}: every test that asked for a run is about another")
    if state.touched:
        terminalreporter.section("runs changed by tests: not what was judged", sep="-", red=True)
        for run, changes in state.touched:
            for change in changes:
                terminalreporter.line(f"{run}: {change}")
