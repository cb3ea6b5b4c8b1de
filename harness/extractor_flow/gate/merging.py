"""Judges all lanes together: complete, of one commit, and between them every required test really run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from extractor_flow.errors import RequestError
from extractor_flow.gate.reading import LaneReport, read_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.gate.reading import TestOnLane, Uncollected

Subject = Literal["report", "lane", "marker", "test"]


@dataclass(frozen=True)
class Finding:
    """One reason why the gate is red: about a report's file, a lane, a marker or a test, which ``name`` names."""

    subject: Subject
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject} {self.name}: {self.message}"


@dataclass(frozen=True)
class LaneRow:
    """One lane: its report if there is a usable one, how often each fate befell a test, and whether it was expected.

    A lane that was not expected proves nothing; what failed there still counts.
    """

    name: str
    expected: bool
    report: LaneReport | None
    fates: Mapping[str, int]


@dataclass(frozen=True)
class TestRow:
    """A test that carries required markers, and what became of it on each lane that knows it."""

    __test__ = False

    nodeid: str
    markers: frozenset[str]
    lanes: Mapping[str, TestOnLane]


@dataclass(frozen=True)
class GateVerdict:
    """The verdict over all lanes; green only without findings. ``commit`` is ``None`` unless all lanes agree on one."""

    commit: str | None
    required: tuple[str, ...]
    lanes: tuple[LaneRow, ...]
    tests: tuple[TestRow, ...]
    findings: tuple[Finding, ...]

    @property
    def green(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def merge(paths: Sequence[Path], expected_lanes: Collection[str], required_markers: Collection[str]) -> GateVerdict:
    """Read the lane reports in *paths* and judge them.

    An unreadable report is a finding, not an error. :class:`RequestError` if no lane is expected: such a gate would
    check nothing. A marker may be spelled with hyphens, and several with commas between them.
    """
    if not expected_lanes:
        msg = "no lane is expected; name each lane that must report, as in --expect-lane linux"
        raise RequestError(msg)
    expected = tuple(dict.fromkeys(expected_lanes))
    words = ",".join(required_markers).replace("-", "_").replace(",", " ").split()
    required = tuple(dict.fromkeys(words))
    read = list(read_all(paths))
    reports = [report for report in read if isinstance(report, LaneReport)]
    tests = _rows(reports, required)
    findings = [
        *(
            Finding("report", str(path), str(result))
            for path, result in zip(paths, read, strict=True)
            if result not in reports
        ),
        *_about_lanes(reports, expected),
        *_about_commits(reports),
        *_about_markers(tests, required, expected),
        *_about_tests(tests, expected),
        *_about_unseen(reports, required, expected),
        *_about_probes(tests, reports),
    ]
    commits = {report.commit for report in reports}
    return GateVerdict(
        commit=commits.pop() if len(commits) == 1 else None,
        required=required,
        lanes=_lane_rows(reports, expected),
        tests=tests,
        findings=tuple(findings),
    )


def _rows(reports: Iterable[LaneReport], required: Collection[str]) -> tuple[TestRow, ...]:
    """Every test that carries a required marker on any lane, by node id."""
    lanes: dict[str, dict[str, TestOnLane]] = {}
    for report in reports:
        for nodeid, test in report.tests.items():
            lanes.setdefault(nodeid, {})[report.lane] = test
    rows = (
        TestRow(nodeid, frozenset(required) & frozenset().union(*(test.markers for test in known.values())), known)
        for nodeid, known in sorted(lanes.items())
    )
    return tuple(row for row in rows if row.markers)


def _lane_rows(reports: Sequence[LaneReport], expected: Sequence[str]) -> tuple[LaneRow, ...]:
    by_name = {report.lane: report for report in reports}
    names = dict.fromkeys([*expected, *by_name])
    return tuple(_lane_row(name, by_name.get(name), expected=name in expected) for name in names)


def _lane_row(name: str, report: LaneReport | None, *, expected: bool) -> LaneRow:
    tests = report.tests.values() if report else ()
    return LaneRow(name, expected, report, Counter(test.fate for test in tests))


def _about_lanes(reports: Sequence[LaneReport], expected: Sequence[str]) -> Iterator[Finding]:
    given = Counter(report.lane for report in reports)
    for name in expected:
        if not given[name]:
            yield Finding("lane", name, "no usable report; the lane did not run, or its report was not handed on")
    for name, count in given.items():
        if count > 1:
            paths = ", ".join(str(report.path) for report in reports if report.lane == name)
            yield Finding("lane", name, f"given {count} times: {paths}")
    for report in reports:
        if report.exit_status:
            yield Finding("lane", report.lane, f"its session ended with exit status {report.exit_status}")
        elif report.tests and {test.fate for test in report.tests.values()} <= {"not run", "deselected"}:
            yield Finding("lane", report.lane, f"its session began none of its {len(report.tests)} tests")
        for nodeid, found in report.uncollected.items():
            if found.outcome == "failed":
                yield Finding("lane", report.lane, f"{nodeid or 'the session'} could not be collected: {found.reason}")


def _about_commits(reports: Sequence[LaneReport]) -> Iterator[Finding]:
    for report in reports:
        if report.commit is None:
            yield Finding("lane", report.lane, "does not say which commit it tested")
        if report.dirty:
            yield Finding("lane", report.lane, f"files were changed on top of commit {report.commit}")
    known = [report for report in reports if report.commit is not None]
    if len({report.commit for report in known}) > 1:
        for report in known:
            others = ", ".join(f"{other.lane}: {other.commit}" for other in known if other.commit != report.commit)
            yield Finding("lane", report.lane, f"is of commit {report.commit}, but {others}")


def _about_markers(tests: Sequence[TestRow], required: Sequence[str], proving: Collection[str]) -> Iterator[Finding]:
    for marker in required:
        carriers = [row for row in tests if marker in row.markers]
        if not carriers:
            yield Finding("marker", marker, "no lane knows a test that carries it")
        elif not any(_executed_on(row, proving) for row in carriers):
            carried = "1 test carries it" if len(carriers) == 1 else f"{len(carriers)} tests carry it"
            yield Finding("marker", marker, f"executed on no expected lane; {carried}")


def _about_tests(tests: Sequence[TestRow], proving: Collection[str]) -> Iterator[Finding]:
    for row in tests:
        markers = ", ".join(sorted(row.markers))
        if not _executed_on(row, proving):
            yield Finding("test", row.nodeid, f"carries {markers} and was executed on no expected lane: {_fates(row)}")
        for lane, test in row.lanes.items():
            if test.failed:
                yield Finding("test", row.nodeid, f"carries {markers} and failed on {lane}: {said(test)}")


def _about_unseen(
    reports: Sequence[LaneReport], required: Collection[str], proving: Collection[str]
) -> Iterator[Finding]:
    """A file that was skipped as a whole wherever it was met, and that speaks of a required marker, may hide a test."""
    seen = {nodeid for report in reports if report.lane in proving for nodeid in report.tests}
    skipped: dict[str, dict[str, Uncollected]] = {}
    for report in reports:
        for place, found in report.uncollected.items():
            if found.outcome == "skipped" and not any(nodeid.startswith(f"{place}::") for nodeid in seen):
                skipped.setdefault(place, {})[report.lane] = found
    for place, lanes in skipped.items():
        mentioned = {name for found in lanes.values() for name in found.mentions}
        if spoken_of := ", ".join(name for name in required if name in mentioned):
            why = "; ".join(f"{lane}: {found.reason}" for lane, found in lanes.items())
            yield Finding("test", place, f"mentions {spoken_of}, and no expected lane collected what is in it: {why}")


def _about_probes(tests: Sequence[TestRow], reports: Sequence[LaneReport]) -> Iterator[Finding]:
    """A test cannot have run for real where its lane's own probe says that what it needs is missing."""
    for report in reports:
        lacks = {name for name, available in report.capabilities.items() if not available}
        for row in tests:
            if (impossible := lacks & row.markers) and report.lane in row.lanes and row.lanes[report.lane].executed:
                what = ", ".join(sorted(impossible))
                yield Finding("test", row.nodeid, f"executed on {report.lane}, whose probe says it lacks {what}")


def _executed_on(row: TestRow, lanes: Collection[str]) -> bool:
    """Whether the test really ran on one of *lanes*."""
    return any(test.executed for lane, test in row.lanes.items() if lane in lanes)


def _fates(row: TestRow) -> str:
    return "; ".join(f"{lane}: {said(test)}" for lane, test in row.lanes.items())


def said(test: TestOnLane) -> str:
    """A test's fate on a lane, with the reason if there is one."""
    return test.fate if test.reason is None else f"{test.fate}: {test.reason}"
