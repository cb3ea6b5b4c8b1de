"""The plugin under test, run as users run it: a project in a directory of its own, pytest in a process of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from support.plugin.command_project import Project
from support.plugin.flow_project import FlowProject
from support.plugin.warm_sessions import WarmSessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def warm_sessions() -> Iterator[WarmSessions]:
    with WarmSessions() as sessions:
        yield sessions


@pytest.fixture(autouse=True)
def _inner_sessions(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm_sessions: WarmSessions) -> None:
    """No settings of the outer session's (pytester sees to some), and no time to load what plays no part."""
    monkeypatch.setattr(pytester, "runpytest_subprocess", partial(warm_sessions.run, pytester))
    # Under CI pytest says every failure twice in full: where it stands, and in the summary.
    for name in ("EXTRACTOR_FLOW_REQUIRE_HARDWARE", "EXTRACTOR_FLOW_LANE_COMMIT", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:syrupy")


@pytest.fixture
def cold_session(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs a session in a process that nothing was loaded for, to tell what it loads itself."""
    return partial(pytest.Pytester.runpytest_subprocess, pytester)


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[..., None],
    warm_sessions: WarmSessions,
) -> Iterator[Project]:
    """A project whose sessions put their temporary files where they can be counted."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    project = Project(pytester, temporary, record_property, warm_sessions)
    yield project
    project.close()


@pytest.fixture
def flow_project(pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowProject:
    """A project with configs, whose sessions put their temporary files where they can be seen."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    return FlowProject(pytester, temporary)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With -v: the table of what each situation came to."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    rows = [(count, report.nodeid) for report in reports for name, count in report.user_properties if name == "census"]
    if rows and terminalreporter.config.option.verbose > 0:
        terminalreporter.section("runs / clean-ups / leftovers")
        for count, nodeid in rows:
            terminalreporter.line(f"{count}  {nodeid.rpartition('::')[2]}")
