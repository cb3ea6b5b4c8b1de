"""``extractor-flow verify``: whether a run's published files say what the evidence on disk says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from extractor_flow.verify import Verdict

_DESCRIPTION = """\
Checks every claim of RUN_DIR's published files: contracts, the Markdown against the JSON, recomputed aggregates, and
the evidence on disk. Nothing there is executed or unpickled. Exit code 0: clean, 1: violations, 2: not a run."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("verify", help="check every claim of a run", description=_DESCRIPTION)
    command.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    command.add_argument("--deep", action="store_true", help="also load the models with torch, and play them again")
    command.add_argument(
        "--trust",
        metavar="MODULE:NAME",
        action="append",
        default=[],
        help="with --deep: run this class or environment that the run's config names (may be repeated)",
    )
    command.add_argument(
        "--archived", action="store_true", help="accept a slim copy, of which some files were left out"
    )
    command.add_argument(
        "--replay",
        metavar="NAME",
        help="also train the job NAME (or 'NAME seed N') again and compare bit for bit; this runs what the run names",
    )
    command.add_argument("--format", choices=("text", "json", "junit"), default="text", help="how to say it")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Verify, and say what was found."""
    from extractor_flow.verify import FORMATS, verify

    verdict = verify(options.run_directory, deep=options.deep, archived=options.archived, trust=options.trust)
    if options.replay is not None:
        verdict += _replayed(options.run_directory, options.replay)
    sys.stdout.write(FORMATS[options.format](verdict, str(options.run_directory)).rstrip("\n") + "\n")
    return 0 if verdict.ok else 1


def _replayed(run_directory: Path, name: str) -> Verdict:
    """The verdict of training a job again; the display goes to standard error, to keep the output a document."""
    from functools import partial

    from rich.console import Console

    from extractor_flow.cli.console import display_for
    from extractor_flow.executors.events import Stop
    from extractor_flow.verify.replay import replay

    stop = Stop()
    with stop.listening():
        return replay(run_directory, name, partial(display_for, Console(stderr=True)), stop)
