"""Turns the stored outcome of a command into the outcome of each test that needs it; the log is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.outcomes import Failed, Skipped

    from pytest_extractor_flow.once.execution import Execution, Once
else:
    Failed = pytest.fail.Exception
    Skipped = pytest.skip.Exception

_LOG_LINES = 40


class ExecutionFailed(Failed):
    """A test needs a command that failed, crashed or ran out of time."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        super().__init__(in_short(execution), pytrace=False)


class NotJudged(Skipped):
    """A test had nothing to judge; reported at the test, not at the plugin."""


def require_ok(execution: Execution) -> Execution:
    """*execution* if it ended well; otherwise the test that asks fails, or is skipped if the command was."""
    if execution.status == "skipped":
        raise NotJudged(in_short(execution))
    if execution.status != "ok":
        raise ExecutionFailed(execution)
    return execution


def in_short(execution: Execution) -> str:
    """One line: what ran, how it ended, why."""
    return f"{execution.name}: {execution.status}: {execution.reason}"


def report_text(once: Once, execution: Execution, reader: str) -> str:
    """What *reader*, a test in a worker, says about a bad outcome: the log's end too if it is the first to speak."""
    if not once.claim_report(execution.name, reader):
        return f"{in_short(execution)} (its log is shown where it was first needed)"
    log = execution.log_tail(_LOG_LINES) or "(nothing)"
    return f"{in_short(execution)}\n--- the end of what it printed ---\n{log}"
