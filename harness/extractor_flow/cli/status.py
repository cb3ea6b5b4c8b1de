"""``extractor-flow status``: how far a run is, by its jobs' directories, and what a queue says beside it."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.files import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.records import JobRecord

_INTERVAL = 2.0
_SHOWN = 30
"""Lines; of ten thousand jobs nobody reads each."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "status",
        help="how far a run is",
        description="Counts the run's jobs by what their directories tell, and shows those that are under way.",
    )
    command.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    command.add_argument("--watch", action="store_true", help="again and again, until the run is published")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Print; 0 however far the run is."""
    from rich.console import Console

    from extractor_flow.run.rundir import RunDirectory

    run = RunDirectory.open(options.run_directory)
    console = Console()
    said: list[str] = []
    while True:
        published = run.is_published()
        if (lines := list(_lines(run))) != said:
            for line in lines:
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            said = lines
        if published or not options.watch:
            return 0
        threading.Event().wait(_INTERVAL)


def _lines(run: RunDirectory) -> Iterator[str]:
    from extractor_flow.run.jobdir import JobDirectory

    jobs = run.request()["jobs"]
    recorded = {record.job_key: record for record in run.records()}
    queued = _queue_of(run)
    counts: Counter[str] = Counter()
    told = []
    for job in jobs:
        place = run.path / job["directory"]
        directory = JobDirectory.open(place) if place.is_dir() else None
        state = _state(directory, recorded.get(job["job_key"]))
        counts[state] += 1
        word = queued.get(job["directory"])
        if state == _UNDER_WAY and directory is not None:
            told.append(f"{_progress(directory)}{f'; the queue says {word}' if word else ''}")
        elif state == _WAITING and word:
            counts[f"{_WAITING}, the queue says {word}"] += 1
            counts[_WAITING] -= 1
    yield f"{run.path}: {'published' if run.is_published() else 'not published yet'}"
    yield f"{len(jobs)} jobs: {', '.join(f'{count} {state}' for state, count in sorted(counts.items()) if count)}"
    yield from told[:_SHOWN]
    if len(told) > _SHOWN:
        yield f"and {len(told) - _SHOWN} more under way"


_UNDER_WAY = "under way"
_WAITING = "waiting"


def _state(directory: JobDirectory | None, record: JobRecord | None) -> str:
    """The status of the job's last attempt, or that there is none yet."""
    from extractor_flow.executors.lost_process import result_of

    result = record if directory is None else result_of(directory)
    if result is not None:
        return result.status
    if directory is None or not directory.was_used():
        return _WAITING
    return _UNDER_WAY


def _progress(directory: JobDirectory) -> str:
    number = directory.attempts()
    began = directory.note(number)
    where = f" on {began['node']}" if "node" in began else ""
    note = directory.read_progress() or {}
    steps = f", {note['done']} of {note['total']} steps" if {"done", "total"} <= note.keys() else ""
    told = f"{directory.job.label}: attempt {number} began {began.get('started_at', 'at some time')}{where}{steps}"
    return " ".join(printable(told).split())


def _queue_of(run: RunDirectory) -> Mapping[str, str]:
    """By a job's directory, the word of the queue that it was left to, if there is one."""
    from extractor_flow.registry import executor_names, find_executor

    for name in executor_names():
        kind = find_executor(name)
        queue = kind.queue_of(run.path) if hasattr(kind, "queue_of") else None
        if queue is not None:
            return queue.states() or {}
    return {}
