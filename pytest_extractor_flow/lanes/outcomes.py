"""From the reports of a test's phases to one outcome, and to what matters most: whether its body really ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pytest

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "rerun", "crashed"]

# Set on a phase's report, in the process that ran it: the body was left by pytest.xfail(), which is a kind of skip.
GAVE_UP = "extractor_flow_gave_up"
# A test's user property: the run that it judged was there before the session.
EXISTING_RUN = "existing_run"
# Another: the root that binds the run that it judged.
RUN_ROOT = "run_root"
_REASON_LIMIT = 500


class Attempts:
    """Collects phases until an attempt at a test is over."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[pytest.TestReport]] = {}
        self._failed_subtests: dict[tuple[str, str], pytest.TestReport] = {}

    def add(self, report: pytest.TestReport) -> dict[str, Any] | None:
        """The finished attempt if *report* was its last phase: worker, outcome, executed, seconds and reason."""
        worker = worker_of(report)
        key = (worker, report.nodeid)
        if getattr(report, "context", None) is not None:
            if report.failed:  # one subtest; a unittest.TestCase that holds it passes even so
                self._failed_subtests.setdefault(key, report)
            return None
        if report.when == "teardown" and key not in self._open:
            return None  # the end of an attempt that was over when it was given up for a rerun
        phases = [*self._open.pop(key, []), report]
        if not _is_rerun(report) and report.when in {"setup", "call"}:
            self._open[key] = phases
            return None
        outcome, executed, decisive = _judge(phases)
        if outcome == "passed" and (subtest := self._failed_subtests.pop(key, None)) is not None:
            outcome, decisive = "failed", subtest
        return {
            "worker": worker,
            "outcome": outcome,
            "executed": executed,
            "seconds": sum(phase.duration for phase in phases),
            **({"existing_run": True} if _judged_existing_run(phases) else {}),
            **({} if outcome in {"passed", "xpassed"} else {"reason": reason_of(decisive)}),
        }


def worker_of(report: pytest.TestReport) -> str:
    """The xdist worker that a report came from, or ``main``."""
    node = getattr(report, "node", None)
    return str(node.gateway.id) if node is not None else "main"


def _judged_existing_run(phases: list[pytest.TestReport]) -> bool:
    return any(name == EXISTING_RUN for phase in phases for name, _ in phase.user_properties)


def _is_rerun(report: pytest.TestReport) -> bool:
    return str(report.outcome) == "rerun"  # pytest-rerunfailures' own word, unknown to pytest's types


def _judge(phases: list[pytest.TestReport]) -> tuple[Outcome, bool, pytest.TestReport]:
    """The attempt's outcome, whether the test's body ran, and the phase that decided it."""
    last = phases[-1]
    body = next((phase for phase in phases if phase.when == "call"), None)
    executed = body is not None and (not body.skipped or (hasattr(body, "wasxfail") and not hasattr(body, GAVE_UP)))
    if _is_rerun(last):
        return "rerun", executed or last.when == "call", last
    if last.when not in {"setup", "call", "teardown"}:
        return "crashed", executed, last
    for phase in phases:
        if phase.failed:
            return ("failed" if phase.when == "call" else "error"), executed, phase
    for phase in phases:
        if phase.skipped:
            return ("xfailed" if hasattr(phase, "wasxfail") else "skipped"), executed, phase
    if body is None:
        return "error", False, last
    return ("xpassed" if hasattr(body, "wasxfail") else "passed"), executed, body


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why, in one line: a skip's reason, an expected failure's, or the first line of the error."""
    expected: str = getattr(report, "wasxfail", "")
    crash = getattr(report.longrepr, "reprcrash", None)
    if expected:
        text = expected.removeprefix("reason: ")
    elif isinstance(report.longrepr, tuple):
        text = report.longrepr[2].removeprefix("Skipped: ")
    else:
        # Not longreprtext, which xdist begins with a line about the worker.
        text = crash.message if crash is not None else str(report.longrepr or "")
    return next((line.strip()[:_REASON_LIMIT] for line in text.splitlines() if line.strip()), "no reason given")
