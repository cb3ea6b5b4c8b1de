"""The plugin's texts in test reports, and how tests that wait for a command are timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_extractor_flow.capabilities import CapabilityMissing
from pytest_extractor_flow.lanes.outcomes import EXISTING_RUN, GAVE_UP, RUN_ROOT
from pytest_extractor_flow.once.replay import ExecutionFailed, NotJudged, in_short, report_text
from pytest_extractor_flow.runs.choice import (
    NoConfig,
    asked_at_run_time,
    chooses,
    late_mark,
    unused_mark,
    used_fixtures,
)
from pytest_extractor_flow.shared import RUN_FIXTURE, STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_extractor_flow.once.execution import Execution


def refine(report: pytest.TestReport, error: BaseException, item: pytest.Item) -> None:
    """Give *report* the text or mark that fits *error*; errors that are not the plugin's are left alone."""
    if isinstance(error, CapabilityMissing | NotJudged):
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, f"Skipped: {error.msg}")
    elif isinstance(error, ExecutionFailed):
        state = item.config.stash[STATE]
        report.longrepr = report_text(state.once(), error.execution, f"{item.nodeid} [{state.worker}]")
    elif isinstance(error, NoConfig) and chooses(item):
        report.longrepr = late_mark(item)  # its mark was not heard when the run was chosen
    elif isinstance(error, pytest.xfail.Exception) and hasattr(report, "wasxfail") and not _is_unittests(error):
        setattr(report, GAVE_UP, True)


def _is_unittests(error: BaseException) -> bool:
    """Whether pytest gave up in the name of ``unittest.expectedFailure``, whose body ran to its failure."""
    raised = error.__traceback__
    return raised is not None and raised.tb_frame.f_code.co_name == "addExpectedFailure"


def tell_existing_run(report: pytest.TestReport, item: pytest.Item) -> None:
    """Have *report* say, if it is so, that the run which *item* judged was there before this session."""
    existing = item.config.stash[STATE].options.existing
    used = getattr(item, "waits_for_command", False) or RUN_FIXTURE in used_fixtures(item)
    if existing is not None and used and report.when == "call":
        item.user_properties.append((EXISTING_RUN, str(existing)))
        report.user_properties.append((EXISTING_RUN, str(existing)))


def tell_root(report: pytest.TestReport, item: pytest.Item) -> None:
    """Have *report* say, for JUnit XML, which root binds the run that *item* judged."""
    run = getattr(item, "funcargs", {}).get(RUN_FIXTURE)
    if run is not None and run.root is not None and report.when == "call":
        item.user_properties.append((RUN_ROOT, run.root))
        report.user_properties.append((RUN_ROOT, run.root))


def refuse_run_of_others(report: pytest.TestReport, item: pytest.Item) -> None:
    """Fail a test that asked at run time, and was given the run that is there for tests without its marks."""
    if report.outcome != "skipped" and asked_at_run_time(item) and chooses(item):
        report.outcome, report.longrepr = "failed", late_mark(item)


def refuse_unused_mark(report: pytest.TestReport, item: pytest.Item) -> None:
    """Fail a test that passed with a config in its own mark and no run of it: it would pass in the name of that run."""
    problem = unused_mark(item)
    if problem is not None:
        report.outcome, report.longrepr = "failed", problem


def summary_line(execution: Execution) -> str:
    """One line of the terminal summary."""
    seconds = "" if execution.seconds is None else f" in {execution.seconds:.1f} s"
    left = "; it left processes behind, which were ended" if execution.left_processes else ""
    # A run in which jobs failed is a good run to judge, but nobody would call it ok.
    unclear = execution.status == "ok" and execution.returncode
    line = f"{execution.name}: {execution.reason}" if unclear else in_short(execution)
    return f"{line}{seconds}{left}"


def run_lines(execution: Execution) -> Iterator[str]:
    """What the run that the command published ended with, in the words of its ``summary.json``."""
    from extractor_flow.errors import DataError
    from extractor_flow.files import printable, read_json
    from extractor_flow.layout import SUMMARY
    from extractor_flow.render.words import failure_lines, next_lines, verdict_lines
    from pytest_extractor_flow.runs.session_runs import published_run  # where there are file locks

    run = published_run(execution.result)
    try:
        data = {} if run is None else cast("dict[str, Any]", read_json(run / SUMMARY))
        failures = [f"{status} {message}" for status, message in failure_lines(data)]
        # A run below the session's own directory goes with it: there is nothing to do with it afterwards.
        kept = run is not None and not run.is_relative_to(execution.output)
        commands = [f"next: {command}" for command in next_lines(data, str(run))] if kept else []
        for line in (*verdict_lines(data)[:1], *failures, *commands):
            yield f"  {printable(line)}"
    except (DataError, LookupError, TypeError, AttributeError):
        return


def count_body_only(items: Iterable[pytest.Item]) -> None:
    """Have pytest-timeout count only the bodies of these tests, whoever set their limit.

    A command has its own deadline; waiting for it must not kill the worker that waits.
    """
    for item in items:
        mark = item.get_closest_marker("timeout")
        args: tuple[Any, ...] = mark.args if mark else ()
        kwargs = dict(mark.kwargs) if mark else {}
        item.add_marker(pytest.mark.timeout(*args, **{"func_only": True, **kwargs}), append=False)
