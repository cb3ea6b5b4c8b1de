"""``extractor-flow gate merge``: one verdict over the lane reports of several platforms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Fails when an expected lane is missing, torn or of another commit, and when a required marker, or any single test that
carries it, was executed on no lane; with `--require '*'`, any test at all.
Lane reports come from `pytest --lane NAME --lane-report FILE`."""

_ALLOWED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": {"type": "string", "minLength": 1, "description": "why the test need not run"},
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    gate = commands.add_parser("gate", help="judge the lanes of several platforms together")
    merge = gate.add_subparsers(metavar="merge", required=True).add_parser(
        "merge", help="merge lane reports", description=_DESCRIPTION
    )
    names: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    merge.add_argument("reports", metavar="LANE_REPORT", nargs="+", type=Path, help="what each lane wrote")
    merge.add_argument("--expect-lane", metavar="NAME", help="a lane that must have reported; name every one", **names)
    merge.add_argument(
        "--require", metavar="MARKER", help="every test with this marker must have run; '*': every test", **names
    )
    merge.add_argument(
        "--allow", metavar="FILE", type=Path, help="YAML: node ids of tests that need not run under '*', with reasons"
    )
    merge.add_argument(
        "--lane-key",
        metavar="FILE",
        type=Path,
        help="every report must be signed with the key in FILE (also: EXTRACTOR_FLOW_LANE_KEY)",
    )
    merge.add_argument("--markdown", metavar="FILE", type=Path, help="write the page there too, as for a job summary")
    merge.add_argument("--junit", metavar="FILE", type=Path, help="write a JUnit file, as for a CI system's test view")
    merge.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Merge, write what was asked for, and print the Markdown page."""
    from extractor_flow.gate import lane_key, merge, render_junit, render_markdown

    allowed = {} if options.allow is None else _allowed(options.allow)
    key = lane_key(options.lane_key)
    verdict = merge(options.reports, options.expect_lane, options.require, allowed=allowed, key=key)
    page = render_markdown(verdict)
    sys.stdout.write(page.rstrip("\n") + "\n")
    if options.markdown is not None:
        _write(options.markdown, page)
    if options.junit is not None:
        _write(options.junit, render_junit(verdict))
    return 0 if verdict.green else 1


def _allowed(path: Path) -> dict[str, str]:
    """The reason of each test that need not run, by node id."""
    from extractor_flow.config import check_schema, read_config

    document = read_config(path)
    if problems := check_schema(document, _ALLOWED):
        raise document.complain(problems)
    return {nodeid: str(reason) for nodeid, reason in document.data.items()}


def _write(path: Path, text: str) -> None:
    from extractor_flow.errors import HarnessError
    from extractor_flow.files import write_text

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise HarnessError(msg) from error
