"""The lane report: what one session collected, deselected, skipped and really ran, as JSON lines.

Written by the controller, line by line as things happen, under the report's name with ``.partial`` after it: a killed
session leaves what it knew there, and no report. ``contracts/lane_report.schema.json`` describes the lines;
``extractor_flow.gate`` reads them.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow.lanes.journal import Journal
from pytest_extractor_flow.lanes.outcomes import Attempts, reason_of
from pytest_extractor_flow.rootdir_trap import refuse_stray_root
from pytest_extractor_flow.state import markers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_extractor_flow.capabilities import Capabilities
    from pytest_extractor_flow.runs.tamper_guard import Judged

    Catalogue = Mapping[str, Mapping[str, list[str]]]

SCHEMA_VERSION = 1
_GIT_TIMEOUT = 20
_LANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_WORD = re.compile(r"\w+")
_LARGEST_TEST_FILE = 1_000_000
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _lane_asked_for(config: pytest.Config) -> tuple[str, Path]:
    """The lane's name and its report's file, from options that are only valid together."""
    name, report = config.getoption("lane"), config.getoption("lane_report")
    if name is None and report is None:
        msg = "--lane-key and --lane-commit are for a lane's report: give --lane NAME and --lane-report FILE as well"
        raise pytest.UsageError(msg)
    if name is None or report is None:
        msg = "--lane NAME and --lane-report FILE belong together; give both or neither"
        raise pytest.UsageError(msg)
    if not _LANE.fullmatch(name):
        msg = f"--lane is {name!r}; expected up to 64 letters, digits and . _ + - with a letter or digit first"
        raise pytest.UsageError(msg)
    path = config.invocation_params.dir / report
    refuse_stray_root(config, "--lane-report", path)
    return name, path


def open_report(config: pytest.Config, capabilities: Capabilities, required: Iterable[str]) -> LaneReport:
    """The report of the lane that the options name, with its header written."""
    lane, path = _lane_asked_for(config)
    report = LaneReport(path, config.rootpath, capabilities.names, _key(config))
    report.header(lane, config, capabilities, required)
    return report


def _key(config: pytest.Config) -> bytes | None:
    from extractor_flow.errors import RequestError
    from extractor_flow.gate.signing import lane_key

    given = config.getoption("lane_key")
    try:
        return lane_key(None if given is None else config.invocation_params.dir / given)
    except RequestError as error:
        raise pytest.UsageError(str(error)) from None


def catalogue(seen: Iterable[pytest.Item], selected: Iterable[pytest.Item]) -> Catalogue:
    """The markers of every test by node id: those that will run, and those that were seen and will not."""
    chosen = {item.nodeid: sorted(markers_of(item)) for item in selected}
    others = {item.nodeid: sorted(markers_of(item)) for item in seen if item.nodeid not in chosen}
    return {"collected": chosen, "deselected": others}


class LaneReport:
    """One open report; each method writes its record at once, into a file beside the report's.

    That file becomes the report when the session has ended. An earlier session's report is removed at once.
    """

    def __init__(self, path: Path, root: Path, capabilities: Iterable[str], key: bytes | None) -> None:
        self._journal = Journal(path)
        self._session = secrets.token_hex(16)
        self._markers: dict[str, list[str]] = {}
        self._attempts = Attempts()
        self._root = root
        self._key = key
        self._capabilities = frozenset(capabilities)

    def header(self, lane: str, config: pytest.Config, capabilities: Capabilities, required: Iterable[str]) -> None:
        """Say where this session runs and what it tests."""
        from extractor_flow.clock import timestamp, utc_now

        self._journal.write(
            {
                "record": "header",
                "schema_version": SCHEMA_VERSION,
                "lane": lane,
                "session": self._session,
                "started": timestamp(utc_now()),
                **machine(),
                "packages": versions_of_plugins(config),
                "capabilities": {
                    name: {"available": capabilities[name].available, "reason": capabilities[name].reason}
                    for name in capabilities.names
                },
                "required": list(required),
                **commit_under_test(config),
            }
        )

    def tests(self, found: Catalogue) -> None:
        """Record each test once, however many workers collected it."""
        for record, tests in found.items():
            for nodeid, markers in tests.items():
                if nodeid not in self._markers:
                    self._markers[nodeid] = markers
                    self._journal.write({"record": record, "nodeid": nodeid, "markers": markers})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file or class that was not collected: nobody knows which tests are in it."""
        if not report.passed:
            self._journal.write(
                {
                    "record": "uncollected",
                    "nodeid": report.nodeid,
                    "outcome": report.outcome,
                    "reason": reason_of(report),
                    **self._mentions(report.nodeid),
                }
            )

    def _mentions(self, nodeid: str) -> dict[str, list[str]]:
        """The capabilities of which a file speaks that was not collected: its tests may carry their markers."""
        try:
            with (self._root / nodeid).open(encoding="utf-8", errors="replace") as stream:
                words = set(_WORD.findall(stream.read(_LARGEST_TEST_FILE)))
        except OSError:
            return {}
        return {"mentions": sorted(words & self._capabilities)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test; its outcome is recorded after the last one."""
        attempt = self._attempts.add(report)
        if attempt is not None:
            markers = self._markers.get(report.nodeid, [])
            self._journal.write({"record": "outcome", "nodeid": report.nodeid, "markers": markers, **attempt})

    def runs(self, judged: Iterable[Judged]) -> None:
        """Record the runs that tests were given, with the roots that bind their files: a witness of what was judged."""
        for run, root, trained in judged:
            self._journal.write({"record": "run", "run_directory": run.name, "root": root, "trained": trained})

    def close(self, exit_status: int) -> None:
        """Write the closing record, which vouches for the lines before it, and give the report its name."""
        from extractor_flow.clock import timestamp, utc_now
        from extractor_flow.gate.signing import signed

        closing = {
            "record": "closing",
            "session": self._session,
            "ended": timestamp(utc_now()),
            "exit_status": exit_status,
            "records": self._journal.lines,
            "sha256": self._journal.sha256,
        }
        self._journal.write(signed(closing, self._key))
        self._journal.close()

    def release(self) -> None:
        """Free the file; harmless when repeated. Without :meth:`close` before it there is no report."""
        self._journal.release()


def machine() -> dict[str, dict[str, str]]:
    """The platform and the Python that the session runs on."""
    return {
        "platform": {"system": platform.system(), "release": platform.release(), "machine": platform.machine()},
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
    }


def versions_of_plugins(config: pytest.Config) -> dict[str, str]:
    """The version of pytest and that of every installed plugin."""
    plugins = {dist.metadata["Name"]: dist.version for _, dist in config.pluginmanager.list_plugin_distinfo()}
    return {"pytest": pytest.__version__, **plugins}


def commit_under_test(config: pytest.Config) -> dict[str, Any]:
    """The commit of the root directory's checkout, or the one given by the user; empty if neither is there."""
    given = config.getoption("lane_commit") or os.environ.get("EXTRACTOR_FLOW_LANE_COMMIT")
    if given:
        if not _HASH.fullmatch(given):
            msg = f"the lane's commit is {given!r}; expected a full hash of 40 or 64 lower-case hexadecimal digits"
            raise pytest.UsageError(msg)
        return {"git": {"commit": given, "source": "given"}}
    commit = _git(config.rootpath, "rev-parse", "HEAD")
    # Files that git does not know are no part of the commit, and reports and logs are among them.
    changes = _git(config.rootpath, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return {}
    return {"git": {"commit": commit, "dirty": bool(changes), "source": "checkout"}}


def _git(directory: Path, *arguments: str) -> str | None:
    import subprocess

    command = ["git", "--no-optional-locks", "-C", str(directory), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
