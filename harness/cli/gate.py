"""``extractor-flow gate merge``: one verdict over the lane reports of several platforms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Fails when an expected lane is missing, torn or of another commit, and when a required marker, or any single test that
carries it, was executed on no lane. Lane reports come from `pytest --lane NAME --lane-report FILE`."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    gate = commands.add_parser("gate", help="judge the lanes of several platforms together")
    merge = gate.add_subparsers(metavar="merge", required=True).add_parser(
        "merge", help="merge lane reports", description=_DESCRIPTION
    )
    merge.add_argument("reports", metavar="LANE_REPORT", nargs="+", type=Path)
    merge.add_argument("--expect-lane", metavar="NAME", nargs="+", action="extend", default=[], help="must be there")
    merge.add_argument("--require", metavar="MARKER", nargs="+", action="extend", default=[], help="must have been run")
    merge.add_argument("--markdown", metavar="FILE", type=Path, help="write the table there too, as for a job summary")
    merge.add_argument("--junit", metavar="FILE", type=Path, help="write a JUnit file")
    merge.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Merge, write what was asked for, and print the Markdown table."""
    from harness.files import write_text
    from harness.gate import merge, render_junit, render_markdown

    verdict = merge(options.reports, options.expect_lane, options.require)
    table = render_markdown(verdict)
    if options.markdown is not None:
        write_text(options.markdown, table)
    if options.junit is not None:
        write_text(options.junit, render_junit(verdict))
    sys.stdout.write(table.rstrip("\n") + "\n")
    return 0 if verdict.green else 1
