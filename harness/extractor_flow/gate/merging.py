"""Judges all lanes together: complete, of one commit, and between them every required test really run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError
from extractor_flow.gate.findings import Case, findings
from extractor_flow.gate.reading import LaneReport, read_all
from extractor_flow.gate.verdict import EVERY, Finding, GateVerdict, LaneRow, TestRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.gate.reading import TestOnLane


def merge(
    paths: Sequence[Path],
    expected_lanes: Collection[str],
    required_markers: Collection[str],
    *,
    allowed: Mapping[str, str] | None = None,
    key: bytes | None = None,
) -> GateVerdict:
    """Read the lane reports in *paths* and judge them.

    An unreadable report is a finding, not an error, and so is one that is not signed with *key*.
    :class:`RequestError` if no lane is expected: such a gate would check nothing. A marker may be spelled with hyphens,
    and several with commas between them; ``*`` requires every test but those that *allowed* names with a reason.
    """
    if not expected_lanes:
        msg = "no lane is expected; name each lane that must report, as in --expect-lane linux"
        raise RequestError(msg)
    expected = tuple(dict.fromkeys(expected_lanes))
    required, excused = _spelled(required_markers), dict(allowed or {})
    if excused and EVERY not in required:
        msg = f"tests are allowed not to run, and no other has to; require every test as well, --require '{EVERY}'"
        raise RequestError(msg)
    read = list(read_all(paths, key))
    reports = [report for report in read if isinstance(report, LaneReport)]
    tests = _rows(reports, required, excused)
    unusable = [
        Finding("report", str(path), str(result))
        for path, result in zip(paths, read, strict=True)
        if result not in reports
    ]
    commits = {report.commit for report in reports}
    return GateVerdict(
        commit=commits.pop() if len(commits) == 1 else None,
        required=required,
        lanes=_lane_rows(reports, expected),
        tests=tests,
        findings=(*unusable, *findings(Case(reports, tests, expected, required, excused))),
        allowed=excused,
    )


def _spelled(markers: Collection[str]) -> tuple[str, ...]:
    """The markers' names: commas may stand between them, and hyphens in them."""
    return tuple(dict.fromkeys(",".join(markers).replace("-", "_").replace(",", " ").split()))


def _rows(reports: Iterable[LaneReport], required: Collection[str], allowed: Mapping[str, str]) -> tuple[TestRow, ...]:
    """Every test that carries a required marker on any lane, by node id; all but the allowed carry ``*``."""
    lanes: dict[str, dict[str, TestOnLane]] = {}
    for report in reports:
        for nodeid, test in report.tests.items():
            lanes.setdefault(nodeid, {})[report.lane] = test
    rows = []
    for nodeid, known in sorted(lanes.items()):
        everybody = frozenset[str]() if nodeid in allowed else frozenset({EVERY})
        markers = frozenset(required) & everybody.union(*(test.markers for test in known.values()))
        rows.append(TestRow(nodeid, markers, known))
    return tuple(row for row in rows if row.markers)


def _lane_rows(reports: Sequence[LaneReport], expected: Sequence[str]) -> tuple[LaneRow, ...]:
    by_name = {report.lane: report for report in reports}
    names = dict.fromkeys([*expected, *by_name])
    fates = {name: Counter(test.fate for test in report.tests.values()) for name, report in by_name.items()}
    return tuple(LaneRow(name, name in expected, by_name.get(name), fates.get(name, {})) for name in names)
