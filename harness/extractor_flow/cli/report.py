"""``extractor-flow report``: write a run's published files again from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError
from extractor_flow.layout import PAGE

if TYPE_CHECKING:
    import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "report",
        help="draw a run's summary, figures and page again",
        description="Writes the summary, the manifests, the figures and report.html again from what is on disk.",
    )
    command.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    command.add_argument("--open", action="store_true", help="open report.html in a browser")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Publish again."""
    from extractor_flow.cli.terminal.plain import say
    from extractor_flow.registry import find_flow
    from extractor_flow.run.outgoing import Outgoing
    from extractor_flow.run.publish import publish
    from extractor_flow.run.resume import settle_earlier_work
    from extractor_flow.run.rundir import RunDirectory

    run = RunDirectory.open(options.run_directory)
    request = run.request()
    flow = find_flow(request["flow"])
    with run.exclusively():
        settle_earlier_work(run, {job["job_key"]: job["directory"] for job in request["jobs"]})
        publish(run, flow)
    known = Outgoing.of_this_machine()
    for name in run.published():
        revealed = ", ".join(dict.fromkeys(known.revealed_in((run.path / name).read_text(encoding="utf-8"))))
        say(f"{run.path / name}{f' (tells outsiders {revealed})' if revealed else ''}")
    say(f"root: {run.root()}")
    if not run.is_published():
        say(f"some jobs have no record yet; train them: extractor-flow run --resume {run.path}")
    if options.open:
        _open(run.path / PAGE)
    return 0


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        msg = f"{page}: no browser could be opened; open the file yourself"
        raise RequestError(msg)
