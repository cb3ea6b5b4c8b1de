"""The gate's verdict: what was found, lane by lane and test by test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.gate.reading import LaneReport, TestOnLane

Subject = Literal["report", "lane", "marker", "test", "run"]
EVERY = "*"
"""In place of a marker: every test that any lane knows is required."""


@dataclass(frozen=True)
class Finding:
    """One reason why the gate is red: about a report's file, a lane, a marker, a test or a run, named by ``name``."""

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
    """A test that carries required markers, and what happened to it on each lane that knows it."""

    __test__ = False

    nodeid: str
    markers: frozenset[str]
    lanes: Mapping[str, TestOnLane]


@dataclass(frozen=True)
class GateVerdict:
    """The verdict over all lanes; green only without findings. ``commit`` is ``None`` unless all lanes agree on one.

    ``allowed`` has the reason of each test that need not run although every one is required.
    """

    commit: str | None
    required: tuple[str, ...]
    lanes: tuple[LaneRow, ...]
    tests: tuple[TestRow, ...]
    findings: tuple[Finding, ...]
    allowed: Mapping[str, str] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def said(test: TestOnLane) -> str:
    """A test's fate on a lane, with the reason if there is one."""
    return test.fate if test.reason is None else f"{test.fate}: {test.reason}"
