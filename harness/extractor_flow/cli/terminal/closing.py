"""The end of a run on the terminal: the verdict, a row per compared name, failures with reasons, and next steps."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from extractor_flow.cli.terminal.display import MARKS
from extractor_flow.cli.terminal.plain import say
from extractor_flow.files import printable
from extractor_flow.layout import JOB_LOG, MARKDOWN, PAGE, SUMMARY, TABLE
from extractor_flow.render.escaping import ABSENT
from extractor_flow.render.formats import metric_of, number
from extractor_flow.render.page.jobs_by_name import by_environment, by_name, signed
from extractor_flow.render.page.ranking import Ranked, baseline_of, interval_name, interval_of, ranked
from extractor_flow.render.summary_json import to_json
from extractor_flow.render.words import failure_lines, next_lines, note_lines, verdict_lines
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

_MOST_LOGS, _LOG_LINES = 3, 5


def show(console: Console, report: RunReport | SubmitReport) -> None:
    """Print the outcome of a run, or where it was submitted, and the commands to continue with."""
    if isinstance(report, RunReport):
        _closing_report(console, report)
    else:
        for line in (f"run directory: {report.run.path}", report.message):
            say(line, console)
        say(f"next: extractor-flow status {shlex.quote(str(report.run.path))}", console)


def _closing_report(console: Console, report: RunReport) -> None:
    summary, vocabulary = report.summary, report.flow.vocabulary
    data = to_json(summary, vocabulary)
    for place, line in enumerate(verdict_lines(data)):
        _paragraph(console, Text(printable(line), style="" if place else "bold"), indent=2 if place else 0)
    for line in note_lines(data):
        _paragraph(console, Text(printable(line)))
    for environment, among in by_environment(summary, by_name(summary)).items():
        console.print(_table(summary, vocabulary, among, environment))
    for status, message in failure_lines(data):
        _paragraph(console, Text.from_markup(f"{MARKS[status]} {_plain(message)}"))
    _show_logs(console, report)
    for name in (SUMMARY, MARKDOWN, TABLE, PAGE):
        say(f"{name}: {report.run.path / name}", console)
    say(f"root: {report.run.root()}", console)
    for command in next_lines(data, str(report.run.path)):
        say(f"next: {command}", console)


def _table(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named], environment: str | None) -> Table:
    """One row per compared name, best first; names without a number come last."""
    metric = metric_of(vocabulary.headline, vocabulary)
    rows = ranked(summary, vocabulary, named, vocabulary.headline)
    several, baseline = any("low" in row.entry for row in rows), baseline_of(summary, named)
    unit = f", {metric.unit}" if metric.unit else ""
    title = vocabulary.title if environment is None else f"{vocabulary.title}: {environment}"
    table = Table(title=_plain(title), title_justify="left")
    table.add_column(escape(vocabulary.subject), overflow="fold")
    for heading in ("Jobs", f"{metric.title}{unit}", *([interval_name(rows)] if several else [])):
        table.add_column(escape(heading), justify="right")
    if baseline is not None:
        table.add_column(f"Gain over {_plain(baseline)}", justify="right")
    known = {row.named.name: row for row in rows}
    for each in (*(row.named for row in rows), *(each for each in named if each.name not in known)):
        cells = _cells(known.get(each.name), metric.decimals, interval=several, gain=baseline is not None)
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


def _show_logs(console: Console, report: RunReport) -> None:
    """Say how the logs of the first failures ended, one for each reason."""
    first = {group.jobs[0] for group in failures_of(report.summary.records)}
    failed = [
        (record, record.outcome)
        for record in report.summary.records
        if isinstance(record.outcome, Failed) and not record.outcome.interrupted
    ]
    shown = [each for each in failed if each[0].label in first][:_MOST_LOGS]
    for record, outcome in shown:
        tail = "\n".join(f"    {line}" for line in outcome.log_tail[-_LOG_LINES:])
        say(f"log of {record.label}: {report.run.path / record.directory / JOB_LOG}\n{tail}".rstrip(), console)
    if len(failed) > len(shown):
        say(f"{PAGE} leads to the ends of {len(failed) - len(shown)} more logs", console)


def _paragraph(console: Console, text: Text, indent: int = 0) -> None:
    """Print *text*: wrapped and indented as a whole on a terminal, on one line in a file or a pipe."""
    if console.file.isatty():
        console.print(Padding(text, (0, 0, 0, indent)))
    else:
        console.print(Text(" " * indent) + text, soft_wrap=True)


def _plain(text: str) -> str:
    return escape(printable(text))
