"""The end of a run on the terminal: the verdict, a row per compared name, failures with reasons, and next steps."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from extractor_flow.cli.terminal.display import MARKS
from extractor_flow.files import printable
from extractor_flow.layout import JOB_LOG, MARKDOWN, PAGE, SUMMARY, TABLE
from extractor_flow.render.escaping import ABSENT
from extractor_flow.render.formats import metric_of, number
from extractor_flow.render.page.jobs_by_name import by_environment, by_name, signed
from extractor_flow.render.page.ranking import Ranked, baseline_of, interval_name, interval_of, ranked
from extractor_flow.run.runner import RunReport
from extractor_flow.study.records import Completed, Failed
from extractor_flow.study.summary import failures_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from extractor_flow.render.page.jobs_by_name import Named
    from extractor_flow.run.runner import SubmitReport
    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import RunSummary

_MOST_DETAILS, _MOST_JOBS, _MOST_LOGS, _LOG_LINES = 6, 6, 3, 5


def show(console: Console, report: RunReport | SubmitReport) -> None:
    """Print the outcome of a run, or where it was submitted, and the commands to continue with."""
    if isinstance(report, RunReport):
        _closing_report(console, report)
    else:
        for line in (f"run directory: {report.run.path}", report.told):
            _line(console, line)
        _line(console, f"next: extractor-flow status {shlex.quote(str(report.run.path))}")


def _closing_report(console: Console, report: RunReport) -> None:
    summary, vocabulary = report.summary, report.flow.vocabulary
    limits = () if summary.verdict is None else summary.verdict.limits
    if summary.verdict is not None:
        console.print(f"[bold]{_plain(summary.verdict.sentence)}[/]", highlight=False)
        details = summary.verdict.details
        more = (f"{len(details) - _MOST_DETAILS} more facts are in {PAGE}",) if len(details) > _MOST_DETAILS else ()
        for line in (*details[:_MOST_DETAILS], *more, *limits):
            console.print(f"  {_plain(line)}", highlight=False)
    for note in summary.notes:
        if note not in limits:
            console.print(f"note: {_plain(note)}", highlight=False)
    for environment, among in by_environment(summary, by_name(summary)).items():
        console.print(_table(summary, vocabulary, among, environment))
    _explain(console, report)
    for name in (SUMMARY, MARKDOWN, TABLE, PAGE):
        _line(console, f"{name}: {report.run.path / name}")
    _line(console, f"root: {report.run.root()}")
    for command in _next_commands(report):
        _line(console, f"next: {command}")


def _next_commands(report: RunReport) -> Iterator[str]:
    """Commands for the run: train what is missing, verify it, open the report."""
    place = shlex.quote(str(report.run.path))
    if any(isinstance(record.outcome, Failed) for record in report.summary.records):
        yield f"extractor-flow run --resume {place}"
    yield f"extractor-flow verify {place}"
    yield f"extractor-flow report --open {place}"


def _table(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named], environment: str | None) -> Table:
    """One row per compared name, best first; names without a number come last."""
    words = metric_of(vocabulary.headline, vocabulary)
    rows = ranked(summary, vocabulary, named, vocabulary.headline)
    several, baseline = any("low" in row.entry for row in rows), baseline_of(summary, named)
    unit = f", {words.unit}" if words.unit else ""
    title = vocabulary.title if environment is None else f"{vocabulary.title}: {environment}"
    table = Table(title=_plain(title), title_justify="left")
    table.add_column(escape(vocabulary.subject), overflow="fold")
    for heading in ("Jobs", f"{words.title}{unit}", *([interval_name(rows)] if several else [])):
        table.add_column(escape(heading), justify="right")
    if baseline is not None:
        table.add_column(f"Gain over {_plain(baseline)}", justify="right")
    known = {row.named.name: row for row in rows}
    for each in (*(row.named for row in rows), *(each for each in named if each.name not in known)):
        cells = _cells(known.get(each.name), words.decimals, interval=several, gain=baseline is not None)
        table.add_row(_plain(each.name), _jobs(each), *cells)
    return table


def _jobs(named: Named) -> str:
    done = sum(isinstance(record.outcome, Completed) for record in named.records)
    return f"{done}/{len(named.records)}" if done == len(named.records) else f"[red]{done}/{len(named.records)}[/]"


def _cells(row: Ranked | None, decimals: int, *, interval: bool, gain: bool) -> Iterator[str]:
    yield ABSENT if row is None else number(row.centre, decimals)
    if interval:
        yield (None if row is None else interval_of(row.entry, decimals)) or ABSENT
    if gain:
        won = row.gain if row else None
        yield ABSENT if won is None else f"{signed(won.middle, decimals)} ({won.won} of {len(won.by_seed)})"


def _explain(console: Console, report: RunReport) -> None:
    """Print why jobs did not complete, each reason once, with the end of the first failures' logs."""
    groups = failures_of(report.summary.records)
    for group in groups:
        labels = ", ".join(group.jobs[:_MOST_JOBS])
        more = f" and {len(group.jobs) - _MOST_JOBS} more" if len(group.jobs) > _MOST_JOBS else ""
        console.print(f"{MARKS[group.status]} {_plain(labels)}{more}: {_plain(group.reason)}", highlight=False)
    first = {group.jobs[0] for group in groups}
    failed = [
        (record, record.outcome)
        for record in report.summary.records
        if isinstance(record.outcome, Failed) and not record.outcome.interrupted
    ]
    shown = [each for each in failed if each[0].label in first][:_MOST_LOGS]
    for record, outcome in shown:
        tail = "\n".join(f"    {line}" for line in outcome.log_tail[-_LOG_LINES:])
        _line(console, f"log of {record.label}: {report.run.path / record.directory / JOB_LOG}\n{tail}".rstrip())
    if len(failed) > len(shown):
        _line(console, f"the ends of {len(failed) - len(shown)} more logs are in {PAGE}")


def _plain(text: str) -> str:
    return escape(printable(text))


def _line(console: Console, text: str) -> None:
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
