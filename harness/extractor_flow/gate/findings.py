"""What makes the gate red: each function looks at one subject, over all lanes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow.gate.verdict import EVERY, Finding, TestRow, said

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from extractor_flow.gate.reading import LaneReport, Uncollected


@dataclass(frozen=True)
class Case:
    """All that the gate judges: the usable reports, the tests in question, and what was asked for."""

    reports: Sequence[LaneReport]
    tests: Sequence[TestRow]
    expected: Sequence[str]
    required: Sequence[str]
    allowed: Mapping[str, str]


def findings(case: Case) -> Iterator[Finding]:
    """Every reason why *case* is not green."""
    for about in _SUBJECTS:
        yield from about(case)


def _about_lanes(case: Case) -> Iterator[Finding]:
    given = Counter(report.lane for report in case.reports)
    for name in case.expected:
        if not given[name]:
            yield Finding("lane", name, "no usable report; the lane did not run, or its report was not handed on")
    for name, count in given.items():
        if count > 1:
            paths = ", ".join(str(report.path) for report in case.reports if report.lane == name)
            yield Finding("lane", name, f"given {count} times: {paths}")


def _about_sessions(case: Case) -> Iterator[Finding]:
    for report in case.reports:
        if report.exit_status:
            yield Finding("lane", report.lane, f"its session ended with exit status {report.exit_status}")
        elif report.tests and {test.fate for test in report.tests.values()} <= {"not run", "deselected"}:
            yield Finding("lane", report.lane, f"its session began none of its {len(report.tests)} tests")
        elif left := [nodeid for nodeid, test in report.tests.items() if test.fate == "not run"]:
            what = f"{len(left)} of its {len(report.tests)} tests"
            yield Finding("lane", report.lane, f"its session ended without an outcome of {what}, such as {left[0]}")
        for nodeid, found in report.uncollected.items():
            if found.outcome == "failed":
                yield Finding("lane", report.lane, f"{nodeid or 'the session'} could not be collected: {found.reason}")


def _about_commits(case: Case) -> Iterator[Finding]:
    for report in case.reports:
        if report.commit is None:
            yield Finding("lane", report.lane, "does not say which commit it tested")
        if report.dirty:
            yield Finding("lane", report.lane, f"files were changed on top of commit {report.commit}")
    known = [report for report in case.reports if report.commit is not None]
    if len({report.commit for report in known}) > 1:
        for report in known:
            others = ", ".join(f"{other.lane}: {other.commit}" for other in known if other.commit != report.commit)
            yield Finding("lane", report.lane, f"is of commit {report.commit}, but {others}")


def _about_markers(case: Case) -> Iterator[Finding]:
    for marker in (name for name in case.required if name != EVERY or not case.tests):
        carriers = [row for row in case.tests if marker in row.markers]
        if not carriers:
            yield Finding("marker", marker, "no lane knows a test that carries it")
        elif not any(_executed_on(row, case.expected) for row in carriers):
            carried = "1 test carries it" if len(carriers) == 1 else f"{len(carriers)} tests carry it"
            yield Finding("marker", marker, f"executed on no expected lane; {carried}")


def _about_tests(case: Case) -> Iterator[Finding]:
    for row in case.tests:
        markers = ", ".join(sorted(row.markers - {EVERY}))
        carries = f"carries {markers} and " if markers else ""
        if not _executed_on(row, case.expected):
            fates = "; ".join(f"{lane}: {said(test)}" for lane, test in row.lanes.items())
            yield Finding("test", row.nodeid, f"{carries}was executed on no expected lane: {fates}")
        for lane, test in row.lanes.items():
            if test.failed:
                yield Finding("test", row.nodeid, f"{carries}failed on {lane}: {said(test)}")


def _about_unseen(case: Case) -> Iterator[Finding]:
    """A file that was skipped as a whole wherever it was met, and that speaks of a required marker, may hide a test."""
    seen = {nodeid for report in case.reports if report.lane in case.expected for nodeid in report.tests}
    skipped: dict[str, dict[str, Uncollected]] = {}
    for report in case.reports:
        for place, found in report.uncollected.items():
            if found.outcome == "skipped" and not any(nodeid.startswith(f"{place}::") for nodeid in seen):
                skipped.setdefault(place, {})[report.lane] = found
    for place, lanes in skipped.items():
        mentioned = {name for found in lanes.values() for name in found.mentions}
        spoken_of = ", ".join(name for name in case.required if name in mentioned)
        if spoken_of or (EVERY in case.required and place not in case.allowed):
            why = "; ".join(f"{lane}: {found.reason}" for lane, found in lanes.items())
            mentions = f"mentions {spoken_of}, and " if spoken_of else ""
            yield Finding("test", place, f"{mentions}no expected lane collected what is in it: {why}")


def _about_probes(case: Case) -> Iterator[Finding]:
    """A test cannot have run for real on a lane whose own probe says that what it needs is missing."""
    for report in case.reports:
        lacks = {name for name, available in report.capabilities.items() if not available}
        for row in case.tests:
            if (impossible := lacks & row.markers) and report.lane in row.lanes and row.lanes[report.lane].executed:
                what = ", ".join(sorted(impossible))
                yield Finding("test", row.nodeid, f"executed on {report.lane}, whose probe says it lacks {what}")


def _about_allowed(case: Case) -> Iterator[Finding]:
    """Every allowed test must be known: a renamed test is a different test."""
    known = {nodeid for report in case.reports for nodeid in (*report.tests, *report.uncollected)}
    for nodeid in sorted(case.allowed.keys() - known):
        yield Finding("test", nodeid, "is allowed not to run, and no lane knows it")


def _about_runs(case: Case) -> Iterator[Finding]:
    """All lanes that trained or judged a run must report the same root for it."""
    for name in sorted({run.name for report in case.reports for run in report.runs}):
        seen = [(report.lane, run) for report in case.reports for run in report.runs if run.name == name]
        trained = {run.root for _, run in seen if run.trained}
        judged = [(lane, run.root) for lane, run in seen if not run.trained]
        known = trained or {root for _, root in judged[:1]}
        for lane, root in judged:
            if root not in known:
                lanes = ", ".join(sorted({other for other, run in seen if run.root in known}))
                yield Finding(
                    "run", name, f"has the root {root} on {lane}, and {' or '.join(sorted(known))} on {lanes}"
                )


def _executed_on(row: TestRow, lanes: Collection[str]) -> bool:
    """Whether the test really ran on one of *lanes*."""
    return any(test.executed for lane, test in row.lanes.items() if lane in lanes)


_SUBJECTS = (
    _about_lanes,
    _about_sessions,
    _about_commits,
    _about_markers,
    _about_tests,
    _about_unseen,
    _about_probes,
    _about_allowed,
    _about_runs,
)
