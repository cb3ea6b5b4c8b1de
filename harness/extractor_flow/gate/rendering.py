"""Shows a gate's verdict: as Markdown for a CI job's summary, and as JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from extractor_flow.files import printable
from extractor_flow.gate.verdict import EVERY, said
from extractor_flow.render.escaping import cell, escape_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor_flow.gate.verdict import GateVerdict, LaneRow, Subject, TestRow

_LANE_HEADINGS = ("lane", "platform", "Python", "pytest", "has", "executed", "skipped", "deselected", "exit status")


def render_markdown(verdict: GateVerdict) -> str:
    """*verdict* as Markdown: what was found, a table of the lanes, and for each required marker one of its tests."""
    blocks = [
        f"# Lanes: {'green' if verdict.green else 'red'}",
        f"Commit: {cell(verdict.commit)}",
        *_bullets("Findings", (str(finding) for finding in verdict.findings)),
        "## Lanes",
        _table(_LANE_HEADINGS, map(_lane_cells, verdict.lanes)),
        *_bullets("Skipped before anything in them was collected", _unseen(verdict)),
        *_bullets("Allowed not to run", (f"{nodeid}: {reason}" for nodeid, reason in verdict.allowed.items())),
    ]
    names = [lane.name for lane in verdict.lanes]
    for marker in (name for name in verdict.required if name != EVERY):
        rows = (_test_cells(row, names) for row in verdict.tests if marker in row.markers)
        blocks += [f"## Tests that carry {escape_cell(marker)}", _table(("test", *names), rows)]
    return "\n\n".join(blocks) + "\n"


def render_junit(verdict: GateVerdict) -> str:
    """*verdict* as JUnit XML: a test case per lane, required marker, test that carries one, and bad report."""
    checks: list[tuple[Subject, str]] = [
        *(("lane", lane.name) for lane in verdict.lanes),
        *(("marker", marker) for marker in verdict.required),
        *(("test", row.nodeid) for row in verdict.tests),
    ]
    found = ((finding.subject, finding.name) for finding in verdict.findings)
    checks = list(dict.fromkeys([*checks, *found]))
    suite = ET.Element("testsuite", name="gate", tests=str(len(checks)), errors="0", skipped="0")
    for subject, name in checks:
        case = ET.SubElement(suite, "testcase", classname=f"gate.{subject}", name=printable(name))
        about = [finding.message for finding in verdict.findings if (finding.subject, finding.name) == (subject, name)]
        if about:
            ET.SubElement(case, "failure", message=printable(about[0])).text = printable("\n".join(about))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _bullets(heading: str, texts: Iterable[str]) -> list[str]:
    lines = [f"- {escape_cell(text)}" for text in texts]
    return [f"## {heading}", "\n".join(lines)] if lines else []


def _unseen(verdict: GateVerdict) -> Iterator[str]:
    for lane in verdict.lanes:
        for nodeid, found in (lane.report.uncollected if lane.report else {}).items():
            if found.outcome == "skipped":
                yield f"{nodeid} on {lane.name}: {found.reason}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    lines = [map(escape_cell, headings), ["---"] * len(headings), *(map(cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _lane_cells(lane: LaneRow) -> list[str | None]:
    name = lane.name if lane.expected else f"{lane.name} (not expected)"
    report = lane.report
    if report is None:
        return [name, *[None] * (len(_LANE_HEADINGS) - 1)]
    executed = sum(test.executed for test in report.tests.values())
    return [
        name,
        report.machine,
        report.python,
        report.pytest,
        ", ".join(capability for capability, available in sorted(report.capabilities.items()) if available) or None,
        str(executed),
        str(lane.fates.get("skipped", 0)),
        str(lane.fates.get("deselected", 0)),
        str(report.exit_status),
    ]


def _test_cells(row: TestRow, lanes: Iterable[str]) -> list[str | None]:
    return [row.nodeid, *(said(row.lanes[lane]) if lane in row.lanes else None for lane in lanes)]
