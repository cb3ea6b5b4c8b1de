"""``--evidence DIR``: what a reviewer asks for about a session, in one folder with an index.

The controller alone writes it, as things happen: an interrupted session leaves whole files, and an index that says that
it is not complete and why. Workers only leave what they collected.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow.evidence import folder as names
from pytest_extractor_flow.evidence.folder import EvidenceFolder, clear, refuse_foreign
from pytest_extractor_flow.evidence.runs import Runs, noted_runs, runs_below
from pytest_extractor_flow.lanes.journal import Journal
from pytest_extractor_flow.lanes.outcomes import Attempts, reason_of
from pytest_extractor_flow.lanes.report import catalogue, commit_under_test, machine, versions_of_plugins
from pytest_extractor_flow.rootdir_trap import refuse_stray_root

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_extractor_flow.lanes.report import Catalogue
    from pytest_extractor_flow.once.execution import Execution
    from pytest_extractor_flow.state import PluginState

_TO_THE_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def register(config: pytest.Config, state: PluginState) -> None:
    """Have the session's evidence written, by this process or for its controller."""
    part = _InWorker(state) if state.is_worker else Evidence(config, state)
    config.pluginmanager.register(part, "extractor_flow_evidence")


class _InWorker:
    """Leaves what this worker collected for the controller."""

    def __init__(self, state: PluginState) -> None:
        self._state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Before xdist tells the controller that it may look."""
        self._state.leave_catalogue(catalogue(self._state.seen, session.items))


class Evidence:
    """The evidence of one session, in its controller."""

    def __init__(self, config: pytest.Config, state: PluginState) -> None:
        self._config = config
        self._state = state
        self._attempts = Attempts()
        self._tests: dict[str, dict[str, list[str]]] = {"collected": {}, "deselected": {}}
        self._uncollected: dict[str, dict[str, str]] = {}
        self._outcomes: dict[tuple[str, str], str] = {}
        self._finished = False
        self._exit_status: int | None = None
        self._ended: str | None = None
        self._session: pytest.Session | None = None
        self._old_handler: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Take the folder, or refuse to; from here on it has an index."""
        from extractor_flow.clock import timestamp, utc_now

        path = self._config.invocation_params.dir / self._config.getoption("evidence")
        refuse_stray_root(self._config, "--evidence", path)
        refuse_foreign(path)
        self._journal = Journal(path / names.OUTCOMES)
        clear(path)
        self._folder = EvidenceFolder(path)
        self._runs = Runs(self._folder)
        self._started = timestamp(utc_now())
        self._facts = _facts(self._config)
        self._session = session
        self._guard_sigterm()
        self._write_index()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write down what was collected, in a session without workers."""
        self._take(catalogue(self._state.seen, session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:  # noqa: ANN401 - xdist may not be installed
        """Write down what a worker collected."""
        self._take(self._state.catalogue_left_by(node.gateway.id))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file or class that was not collected."""
        if not report.passed:
            self._uncollected[report.nodeid] = {"outcome": str(report.outcome), "reason": reason_of(report)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down what became of a test, at each attempt's end."""
        attempt = self._attempts.add(report)
        if attempt is not None:
            self._outcomes[attempt["worker"], report.nodeid] = attempt["outcome"]
            markers = self._tests["collected"].get(report.nodeid, [])
            self._journal.write({"record": "outcome", "nodeid": report.nodeid, "markers": markers, **attempt})

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Archive what lies in the session's directory, before that is removed."""
        try:
            result = yield
        finally:
            self._write_collected()
            if self._state.own_directory is not None:
                for run, verdict in noted_runs(self._state.own_directory.path):
                    self._runs.archive(run, verdict)
        self._finished = True
        return result

    def pytest_extractor_flow_before_cleanup(self, execution: Execution) -> None:
        """Archive what a command printed, and the runs in its output."""
        name = execution.log.parent.name
        self._folder.add_copy("command_log", f"{names.LOGS}/{name}.log", execution.log)
        for run in runs_below(execution.output):
            self._runs.archive(run, None)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Close the files, copy what others wrote, and write the last index."""
        if self._session is None:
            return
        from extractor_flow.clock import timestamp, utc_now

        self._ended = timestamp(utc_now())
        self._journal.close()
        self._folder.add("outcomes", names.OUTCOMES)
        if self._finished:
            self._exit_status = int(self._session.exitstatus)
            self._copy_reports()
        self._write_index()
        if self._old_handler is not None and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, self._old_handler)

    def _take(self, found: Catalogue) -> None:
        for kind, tests in found.items():
            self._tests[kind].update(tests)
        self._write_collected()
        self._write_index()

    def _write_collected(self) -> None:
        from extractor_flow.files import dumps

        value = {**self._tests, "uncollected": self._uncollected}
        self._folder.add_text("collected", names.COLLECTED, dumps(value))

    def _copy_reports(self) -> None:
        here = self._config.invocation_params.dir
        for kind, name, option in (("lane", names.LANE, "lane_report"), ("junit", names.JUNIT, "xmlpath")):
            path = self._config.getoption(option, None)
            if path is not None:
                self._folder.add_copy(kind, name, here / Path(os.path.expandvars(path)).expanduser())

    def _write_index(self) -> None:
        reasons = list(self._why_not_complete())
        because = {"incomplete_because": reasons} if reasons else {}
        ended = {} if self._ended is None else {"ended": self._ended}
        status = {} if self._exit_status is None else {"exit_status": self._exit_status}
        self._folder.write_index(
            {
                "complete": not reasons,
                **because,
                "started": self._started,
                **ended,
                **status,
                **self._facts,
                "tests": self._counts(),
                "runs": self._runs.rows(),
            }
        )

    def _counts(self) -> dict[str, Any]:
        return {
            "collected": len(self._tests["collected"]),
            "deselected": len(self._tests["deselected"].keys() - self._tests["collected"].keys()),
            "uncollected": len(self._uncollected),
            "outcomes": dict(Counter(self._outcomes.values())),
        }

    def _why_not_complete(self) -> Iterator[str]:
        if self._exit_status is None:
            yield "the session did not end in good order"
        elif self._exit_status not in _TO_THE_END:
            yield f"the session ended with exit status {self._exit_status}"
        reported = {nodeid for (_, nodeid), outcome in self._outcomes.items() if outcome != "rerun"}
        if missing := self._tests["collected"].keys() - reported:
            yield f"tests without an outcome: {len(missing)}"

    def _guard_sigterm(self) -> None:
        """End in good order on SIGTERM, if nobody else sees to it; a second one is not held back."""
        on_main_thread = threading.current_thread() is threading.main_thread()
        if on_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._old_handler = signal.signal(signal.SIGTERM, _end)


def _end(_signum: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    msg = "ended by SIGTERM"
    raise pytest.exit.Exception(msg, returncode=128 + signal.SIGTERM)


def _facts(config: pytest.Config) -> dict[str, Any]:
    """Where the session runs and what it tests; the versions of every installed package."""
    from importlib.metadata import distributions

    packages = {str(found.metadata["Name"]): found.version for found in distributions()}
    return {
        "arguments": [str(word) for word in config.invocation_params.args],
        **machine(),
        "packages": {**packages, **versions_of_plugins(config)},
        **commit_under_test(config),
    }
