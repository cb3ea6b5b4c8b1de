"""``extractor-flow list`` and ``extractor-flow status``: the runs there are, and the progress of a run's jobs."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.cli.terminal.plain import say, say_shortened

if TYPE_CHECKING:
    import argparse

    from extractor_flow.run.rundir import RunDirectory

_DAY = 86_400
_INTERVAL = 2.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    listed = commands.add_parser("list", help="the runs in a directory: state, age, verdict")
    where = "default: this directory, and those in tmp/, where runs go unless told otherwise"
    listed.add_argument("root", metavar="ROOT", nargs="?", type=Path, help=where)
    listed.set_defaults(handler=show_runs)
    status = commands.add_parser("status", help="how far a run's jobs are")
    status.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    status.set_defaults(handler=show_jobs)
    status.add_argument("--watch", action="store_true", help="again and again, until the run is published")
    for command in (listed, status):
        command.add_argument("--json", action="store_true", help="for programs")


def show_runs(options: argparse.Namespace) -> int:
    """Print one line per run."""
    from extractor_flow.clock import utc_now
    from extractor_flow.files import dumps
    from extractor_flow.status import runs_in

    runs = [
        run if options.root else replace(run, directory=str(root / run.directory))
        for root in _roots(options.root)
        for run in runs_in(root, utc_now())
    ]
    if options.json:
        sys.stdout.write(dumps({"runs": [run.to_json() for run in runs]}))
        return 0
    for run in runs:
        age = "" if run.age_seconds is None else f"  {_age(run.age_seconds)} old"
        jobs = f"  {run.recorded}/{run.jobs} jobs" if run.jobs else ""
        say(f"{run.directory}  {run.state}{jobs}{age}")
        if run.verdict is not None:
            say_shortened(f"    {run.verdict}")
    if not runs:
        say(f"{options.root or 'here and in tmp/'}: no runs; name the directory that holds them")
    return 0


def _roots(named: Path | None) -> list[Path]:
    """The directories to look in: the one that was *named*, else the usual ones."""
    if named is not None:
        return [named]
    return [Path(), *sorted(each for each in Path("tmp").glob("*") if each.is_dir() and not each.is_symlink())]


def show_jobs(options: argparse.Namespace) -> int:
    """Print one line per job; with --watch again at each change, until the run is published."""
    from extractor_flow.run.rundir import RunDirectory

    run = RunDirectory.open(options.run_directory)
    printed = ""
    while True:
        ended = run.is_published() or not options.watch
        if (text := _as_json(run) if options.json else _as_text(run)) != printed:
            sys.stdout.write(text)
            sys.stdout.flush()
            printed = text
        if ended:
            return 0
        threading.Event().wait(_INTERVAL)


def _as_json(run: RunDirectory) -> str:
    from extractor_flow.clock import utc_now
    from extractor_flow.files import dumps
    from extractor_flow.status import status_of

    whole, jobs = status_of(run, utc_now())
    return dumps({**whole.to_json(), "job_states": [job.to_json() for job in jobs]})


def _as_text(run: RunDirectory) -> str:
    from extractor_flow.clock import utc_now
    from extractor_flow.files import printable
    from extractor_flow.status import status_of

    whole, jobs = status_of(run, utc_now())
    lines = [f"{run.path}: {whole.state}, {whole.recorded} of {whole.jobs} jobs recorded"]
    for job in jobs:
        far = f" {job.done}/{job.total} steps" if job.done is not None else ""
        queue = "" if job.queue is None else f" (queue: {job.queue})"
        why = "" if job.reason is None else f": {' '.join(printable(job.reason).split())}"
        lines.append(f"{job.job}: {job.state}{far}{queue}{why}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _age(seconds: int) -> str:
    from extractor_flow.render.formats import duration

    return f"{seconds // _DAY} d" if seconds >= _DAY else duration(seconds)
