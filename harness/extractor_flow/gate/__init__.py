"""Merges the lane reports of several platforms into one verdict: whether every test that matters really ran somewhere.

A lane is named in advance and its report read from its file; what the report says is data, whoever wrote it. A skipped
job in a CI system reads as green, so a lane that nobody reports is a finding, and so is a required marker whose tests
were skipped everywhere.
"""

from __future__ import annotations

from extractor_flow.gate.merging import merge
from extractor_flow.gate.reading import LaneReport, TestOnLane, read_report
from extractor_flow.gate.rendering import render_junit, render_markdown
from extractor_flow.gate.signing import lane_key
from extractor_flow.gate.verdict import Finding, GateVerdict, LaneRow, TestRow

__all__ = [
    "Finding",
    "GateVerdict",
    "LaneReport",
    "LaneRow",
    "TestOnLane",
    "TestRow",
    "lane_key",
    "merge",
    "read_report",
    "render_junit",
    "render_markdown",
]
