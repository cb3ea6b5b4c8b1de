"""What a person sees of a run: one progress display on a terminal, plain lines elsewhere, and a closing report."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from extractor_flow.executors.events import Event, Finished, Progressed, Started
from extractor_flow.files import printable
from extractor_flow.layout import JOB_LOG, MARKDOWN, PAGE, SUMMARY
from extractor_flow.study.records import Completed, Failed, JobRecord, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.run.runner import RunReport, SubmitReport
    from extractor_flow.study.codes import Code
    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.jobs import Job

_MARKS = {"success": "[green]ok[/]", "skipped": "[yellow]skipped[/]", "failed": "[red]failed[/]"}
_PLAIN_STEP = 0.25


def display_for(console: Console, vocabulary: ReportSpec) -> TerminalDisplay | PlainDisplay:
    """The display that fits *console*."""
    return TerminalDisplay(console, vocabulary) if console.is_terminal else PlainDisplay(console, vocabulary)


def _facts(note: Mapping[str, Any], vocabulary: ReportSpec) -> str:
    shown = []
    for name, value in note.get("facts", {}).items():
        metric = vocabulary.metrics.get(name)
        decimals = metric.decimals if metric else 2
        shown.append(
            f"{name.replace('_', ' ')} {value:.{decimals}f}" if isinstance(value, float) else f"{name} {value}"
        )
    return ", ".join(shown)


class PlainDisplay:
    """One line per happening, fit for a log file: starts, quarters of the way, ends."""

    def __init__(self, console: Console, vocabulary: ReportSpec) -> None:
        self._console = console
        self._vocabulary = vocabulary
        self._numbers: dict[str, str] = {}
        self._told: dict[str, int] = {}

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Name the run directory and count the jobs."""
        self._numbers = {job.key: f"[{number}/{len(jobs)}]" for number, job in enumerate(jobs, 1)}
        self._line(f"run directory: {run.path}")
        already = f", {len(kept)} finished earlier" if kept else ""
        self._line(f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}{already}")

    def happened(self, event: Event) -> None:
        """Print a start, a quarter of the way, or an end."""
        number = self._numbers.get(event.job.key, "")
        match event:
            case Started(job=job):
                self._line(f"{number} {job.label}: started")
            case Progressed(job=job, note=note):
                quarter = int(note["done"] / max(note["total"], 1) / _PLAIN_STEP)
                if quarter > self._told.get(job.key, 0):
                    self._told[job.key] = quarter
                    facts = _facts(note, self._vocabulary)
                    self._line(
                        f"{number} {job.label}: {note['done']}/{note['total']} steps{', ' + facts if facts else ''}"
                    )
            case Finished(job=job, record=record):
                self._line(f"{number} {job.label}: {_one_line(record, self._vocabulary)}")

    def closed(self) -> None:
        """Nothing to take down."""

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class TerminalDisplay:
    """All jobs in one live display, with steps, the flow's facts and the time left."""

    def __init__(self, console: Console, vocabulary: ReportSpec) -> None:
        self._console = console
        self._vocabulary = vocabulary
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[label]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[steps]}", justify="right"),
            TextColumn("{task.fields[facts]}", style="cyan"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Show one bar per job."""
        self._console.print(f"run directory: {run.path}", markup=False, highlight=False, soft_wrap=True)
        done = {record.job_key for record in kept}
        for job in jobs:
            facts = "finished earlier" if job.key in done else "waiting"
            self._tasks[job.key] = self._progress.add_task(
                "", total=1, completed=int(job.key in done), start=False, label=escape(job.label), steps="", facts=facts
            )
        self._progress.start()

    def happened(self, event: Event) -> None:
        """Move the job's bar."""
        task = self._tasks[event.job.key]
        match event:
            case Started():
                self._progress.start_task(task)
                self._progress.update(task, facts="starting")
            case Progressed(note=note):
                self._progress.update(
                    task,
                    total=note["total"],
                    completed=min(note["done"], note["total"]),
                    steps=f"{note['done']}/{note['total']}",
                    facts=escape(_facts(note, self._vocabulary)),
                )
            case Finished(record=record):
                shown = f"{_MARKS[record.status]} {escape(_headline(record, self._vocabulary))}"
                self._progress.update(task, facts=shown)
                if isinstance(record.outcome, Completed):
                    self._progress.update(task, total=1, completed=1, steps=str(record.outcome.training_steps))
                self._progress.stop_task(task)

    def closed(self) -> None:
        """Leave the last state standing."""
        self._progress.stop()


def _one_line(record: JobRecord, vocabulary: ReportSpec) -> str:
    match record.outcome:
        case Completed(training_steps=steps):
            return f"success after {record.duration_seconds:.1f} s, {steps} steps, {_headline(record, vocabulary)}"
        case Skipped(reason=reason) | Failed(reason=reason):
            return f"{record.status}: {' '.join(printable(reason).split())}"


def _headline(record: JobRecord, vocabulary: ReportSpec) -> str:
    if not isinstance(record.outcome, Completed) or vocabulary.headline not in record.outcome.metrics:
        return ""
    metric = vocabulary.metrics[vocabulary.headline]
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{metric.title.lower()} {record.outcome.metrics[vocabulary.headline]:.{metric.decimals}f}{unit}"


def submitted_report(console: Console, report: SubmitReport) -> None:
    """Say what was left to a queue, and how to see what becomes of it."""
    for line in (f"run directory: {report.run.path}", report.told, f"see: extractor-flow status {report.run.path}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def closing_report(console: Console, report: RunReport) -> None:
    """Print the table of jobs, what to do about each skip and failure, and where the files are."""
    vocabulary = report.flow.vocabulary
    table = Table(title=escape(vocabulary.title), title_justify="left")
    for heading in (vocabulary.subject, "Status", "Steps", "Seconds", vocabulary.metrics[vocabulary.headline].title):
        table.add_column(heading, justify="left" if heading in {vocabulary.subject, "Status"} else "right")
    for record in report.summary.records:
        table.add_row(*_cells(record, vocabulary))
    console.print(table)
    _explain(console, report)
    for name in (SUMMARY, MARKDOWN, PAGE):
        console.print(f"{name}: {report.run.path / name}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"root: {report.run.root()}", markup=False, highlight=False, soft_wrap=True)


def _cells(record: JobRecord, vocabulary: ReportSpec) -> list[str]:
    seconds = "n/a" if record.duration_seconds is None else f"{record.duration_seconds:.1f}"
    steps, headline = "n/a", "n/a"
    if isinstance(record.outcome, Completed):
        steps = str(record.outcome.training_steps)
        value = record.outcome.metrics.get(vocabulary.headline)
        headline = "n/a" if value is None else f"{value:.{vocabulary.metrics[vocabulary.headline].decimals}f}"
    return [escape(printable(record.label)), _MARKS[record.status], steps, seconds, headline]


def _explain(console: Console, report: RunReport) -> None:
    """Say why jobs did not complete, code by code and reasons that are shared only once, and how to go on."""
    shared: dict[Code, dict[tuple[str, str], list[str]]] = {}
    for record in report.summary.records:
        if isinstance(record.outcome, Skipped | Failed):
            alike = shared.setdefault(record.outcome.code, {})
            alike.setdefault((record.status, record.outcome.reason), []).append(record.label)
    for (status, reason), labels in chain.from_iterable(alike.items() for alike in shared.values()):
        console.print(f"{_MARKS[status]} {escape(', '.join(labels))}: {escape(printable(reason))}", highlight=False)
    for record in report.summary.records:
        if isinstance(record.outcome, Failed) and not record.outcome.interrupted:
            log = report.run.path / record.directory / JOB_LOG
            tail = "\n".join(f"    {line}" for line in record.outcome.log_tail[-5:])
            console.print(
                f"log of {record.label}: {log}\n{tail}".rstrip(), markup=False, highlight=False, soft_wrap=True
            )
    if any(isinstance(record.outcome, Failed) for record in report.summary.records):
        resume = f"extractor-flow run --resume {report.run.path}"
        console.print(f"train what is missing: {resume}", markup=False, highlight=False, soft_wrap=True)
