"""The display during a run: one live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

from extractor_flow.cli.terminal.plain import say
from extractor_flow.executors.events import Event, Finished, Progressed, Started
from extractor_flow.files import printable
from extractor_flow.render.formats import duration, metric_of, quantity
from extractor_flow.study.records import Completed, JobRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.jobs import Job

MARKS = {"success": "[green]ok[/]", "skipped": "[yellow]skipped[/]", "failed": "[red]failed[/]"}
_PLAIN_STEP = 0.25
_SHORTEST_LABEL, _END_OF_LABEL = 16, 12
_ROWS_ELSEWHERE = 4  # the line of the whole run, and room for the prompt and what is printed above


def display_for(console: Console, vocabulary: ReportSpec) -> TerminalDisplay | PlainDisplay:
    """The display that fits *console*: a live one needs a terminal that can move its cursor, not only colours."""
    live = console.is_terminal and console.file.isatty() and not console.is_dumb_terminal
    return TerminalDisplay(console, vocabulary) if live else PlainDisplay(console, vocabulary)


class SilentDisplay:
    """Shows nothing."""

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Nothing."""

    def happened(self, event: Event) -> None:
        """Nothing."""

    def closed(self) -> None:
        """Nothing."""


class PlainDisplay:
    """One line per event, for log files: starts, quarters, ends."""

    def __init__(self, console: Console, vocabulary: ReportSpec) -> None:
        self._console = console
        self._vocabulary = vocabulary
        self._numbers: dict[str, str] = {}
        self._quarters: dict[str, int] = {}

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Name the run directory and count the jobs."""
        self._numbers = {job.key: f"[{number}/{len(jobs)}]" for number, job in enumerate(jobs, 1)}
        say(f"run directory: {run.path}", self._console)
        already = f", {len(kept)} finished earlier" if kept else ""
        say(f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}{already}", self._console)

    def happened(self, event: Event) -> None:
        """Print a start, a quarter of the way, or an end."""
        number = self._numbers.get(event.job.key, "")
        match event:
            case Started(job=job):
                say(f"{number} {job.label}: started", self._console)
            case Progressed(job=job, note=note):
                quarter = int(note["done"] / max(note["total"], 1) / _PLAIN_STEP)
                if quarter > self._quarters.get(job.key, 0):
                    self._quarters[job.key] = quarter
                    facts = facts_of(note, self._vocabulary)
                    steps = f"{note['done']}/{note['total']} steps"
                    say(f"{number} {job.label}: {steps}{', ' + facts if facts else ''}", self._console)
            case Finished(job=job, record=record):
                say(f"{number} {job.label}: {one_line(record, self._vocabulary)}", self._console)

    def closed(self) -> None:
        """Nothing to take down."""


class TerminalDisplay:
    """The whole run in one bar with the time left, and a bar a running job; what has finished is a line above them."""

    def __init__(self, console: Console, vocabulary: ReportSpec) -> None:
        self._console = console
        self._vocabulary = vocabulary
        self._running: dict[str, TaskID] = {}
        self._ways: dict[str, float] = {}
        self._jobs = self._kept = 0
        self._began = time.monotonic()
        self._room = max(console.width // 4, _SHORTEST_LABEL)
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[label]}", table_column=_column(ratio=2, width=self._room)),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[steps]}", justify="right", table_column=_column()),
            TextColumn("{task.fields[facts]}", style="cyan", table_column=_column(ratio=3)),
            console=console,
            expand=True,
            transient=True,
        )
        self._whole = self._progress.add_task("", total=1, label="[bold]all jobs[/]", steps="", facts="")

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Name the run directory and start the clock."""
        say(f"run directory: {run.path}", self._console)
        self._jobs, self._kept, self._began = len(jobs), len(kept), time.monotonic()
        if kept:
            say(f"{len(kept)} of {len(jobs)} jobs finished earlier", self._console)
        self._update()
        self._progress.start()

    def happened(self, event: Event) -> None:
        """Add, move or take away the job's bar."""
        match event:
            case Started(job=job):
                self._ways[job.key] = 0.0
                self._running[job.key] = self._progress.add_task(
                    "",
                    total=1,
                    label=escape(shortened(printable(job.label), self._console.width // 4)),
                    steps="",
                    facts="starting",
                )
            case Progressed(job=job, note=note) if job.key in self._running:
                total = max(note["total"], 1)
                self._ways[job.key] = min(note["done"] / total, 1.0)
                self._progress.update(
                    self._running[job.key],
                    completed=self._ways[job.key],
                    steps=f"{note['done']}/{note['total']}",
                    facts=escape(facts_of(note, self._vocabulary)),
                )
            case Finished(job=job, record=record):
                self._finish(job, record)
        self._update()

    def closed(self) -> None:
        """Take the bars away: the closing report follows."""
        self._progress.stop()

    def _finish(self, job: Job, record: JobRecord) -> None:
        self._ways[job.key] = 1.0
        task = self._running.pop(job.key, None)
        if task is not None:
            self._progress.remove_task(task)
        label = escape(shortened(printable(job.label), self._console.width // 2))
        outcome = escape(one_line(record, self._vocabulary).removeprefix(record.status).lstrip(": "))
        self._console.print(
            f"{MARKS[record.status]} {label}: {outcome}", highlight=False, no_wrap=True, overflow="ellipsis"
        )

    def _update(self) -> None:
        """Say how far the run is; of more running jobs than fit on the screen, show the first."""
        room = max(self._console.height - _ROWS_ELSEWHERE, 1)
        for place, task in enumerate(self._running.values()):
            self._progress.update(task, visible=place < room)
        hidden = f", {len(self._running) - room} more running" if len(self._running) > room else ""
        todo = max(self._jobs - self._kept, 1)
        way = min(sum(self._ways.values()) / todo, 1.0)
        finished = sum(way == 1.0 for key, way in self._ways.items() if key not in self._running)
        self._progress.update(
            self._whole,
            completed=way,
            steps=f"{self._kept + finished}/{self._jobs}",
            facts=f"{time_left(time.monotonic() - self._began, way)}{hidden}",
        )


def _column(ratio: int | None = None, width: int | None = None) -> Column:
    return Column(no_wrap=True, overflow="ellipsis", ratio=ratio, min_width=width)


def shortened(label: str, room: int) -> str:
    """*label* in about *room* characters, cut in the middle: its end, with the seed, tells jobs apart."""
    room = max(room, _SHORTEST_LABEL)
    end = min(_END_OF_LABEL, room // 2)
    return label if len(label) <= room else f"{label[: room - end - 1]}…{label[-end:]}"


def time_left(elapsed: float, way: float) -> str:
    """The estimated time left at the pace so far; empty while too little is done to tell."""
    enough = 0.02  # before that, starting up counts for more than the work
    return f"about {duration(elapsed * (1 - way) / way)} left" if enough < way < 1 else ""


def facts_of(note: Mapping[str, Any], vocabulary: ReportSpec) -> str:
    """What a job's note tells of itself; a fact ``evaluating`` is a state, ``reward_step`` the step of ``reward``."""
    facts = note.get("facts", {})
    if not isinstance(facts, dict):
        return ""
    shown = ["evaluating"] if facts.get("evaluating") else []
    for name, value in facts.items():
        if name == "evaluating" or name.removesuffix("_step") in facts.keys() - {name}:
            continue
        step = f" at {facts[f'{name}_step']}" if f"{name}_step" in facts else ""
        shown.append(f"{_fact(name, value, vocabulary)}{step}")
    return printable(", ".join(shown))


def _fact(name: str, value: object, vocabulary: ReportSpec) -> str:
    metric = vocabulary.metrics.get(name)
    decimals = metric.decimals if metric else 2
    return f"{name.replace('_', ' ')} {value:.{decimals}f}" if isinstance(value, float) else f"{name} {value}"


def one_line(record: JobRecord, vocabulary: ReportSpec) -> str:
    """One line about a job's outcome."""
    match record.outcome:
        case Completed(training_steps=steps):
            headline = _headline(record.outcome, vocabulary)
            return f"success after {record.duration_seconds:.1f} s, {steps} steps{', ' + headline if headline else ''}"
        case _:
            return f"{record.status}: {' '.join(printable(record.outcome.reason).split())}"


def _headline(outcome: Completed, vocabulary: ReportSpec) -> str:
    if vocabulary.headline not in outcome.metrics:
        return ""
    metric = metric_of(vocabulary.headline, vocabulary)
    return f"{metric.title.lower()} {quantity(outcome.metrics[vocabulary.headline], metric)}"
