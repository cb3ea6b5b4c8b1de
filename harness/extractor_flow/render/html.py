"""The summary as one self-contained page (``report.html``): no script, nothing loaded, readable on a phone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from extractor_flow.render.dot_plot import dot_plot
from extractor_flow.render.formats import duration, metric_of, quantity
from extractor_flow.render.markdown_layout import (
    AGGREGATES_HEADING,
    FAILURES_HEADING,
    HARDWARE_HEADING,
    INTERRUPTED,
    INTERRUPTED_TEXT,
    NO_ROWS,
    REPRODUCIBILITY_HEADING,
    STATISTICS_HEADING,
    Page,
    Section,
    page_of,
)
from extractor_flow.render.markup import badge, facts, folded, isolated, section, table, text
from extractor_flow.render.page_style import STYLE
from extractor_flow.render.summary_json import to_json
from extractor_flow.study.records import Completed, Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import RunSummary

_PNG = b"\x89PNG\r\n\x1a\n"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STATUS_COLUMN = "Status"


def report(summary: RunSummary, vocabulary: ReportSpec, figures: Mapping[str, bytes]) -> str:
    """*summary* as an HTML page with *figures* (PNG files by name) inside; every text is escaped.

    A figure that is not a PNG is named and not shown.
    """
    page = page_of(to_json(summary, vocabulary), vocabulary)
    body = [_header(page, summary, vocabulary), *_sections(page, summary, vocabulary, figures)]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{text(f'{summary.run_id}: {page.title}')}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def _header(page: Page, summary: RunSummary, vocabulary: ReportSpec) -> str:
    banner = f'<p class="banner failed">{INTERRUPTED}: {INTERRUPTED_TEXT}.</p>' if summary.interrupted else ""
    told = facts(fact for fact in page.facts if fact[0] != INTERRUPTED)
    aggregates = summary.aggregate_metrics
    tiles = [
        (f"{aggregates[key]:.0f}", metric_of(key, vocabulary).title)
        for key in ("completed_runs", "failed_runs", "skipped_runs")
        if key in aggregates
    ]
    if "total_wall_time" in aggregates:
        tiles.append((duration(aggregates["total_wall_time"]), metric_of("total_wall_time", vocabulary).title))
    shown = "\n".join(
        f'<div class="tile"><b>{text(value)}</b><span>{text(label)}</span></div>' for value, label in tiles
    )
    return f'<header>\n<h1>{text(page.title)}</h1>\n{told}\n{banner}\n<div class="tiles">\n{shown}\n</div>\n</header>'


def _sections(page: Page, summary: RunSummary, vocabulary: ReportSpec, figures: Mapping[str, bytes]) -> list[str]:
    by_heading = {found.heading: found for found in page.sections}
    plot = dot_plot(summary, vocabulary)
    extra = {FAILURES_HEADING: _logs(summary), REPRODUCIBILITY_HEADING: _digests(summary)}
    order = (STATISTICS_HEADING, FAILURES_HEADING, vocabulary.results_heading, AGGREGATES_HEADING)
    last = (HARDWARE_HEADING, REPRODUCIBILITY_HEADING)
    drawn = {heading: _section(found, extra.get(heading, "")) for heading, found in by_heading.items()}
    return [
        *([section(metric_of(vocabulary.headline, vocabulary).title, plot)] if plot else []),
        *(drawn[heading] for heading in order if heading in drawn),
        *_metrics(summary, vocabulary),
        *_figures(figures),
        *(drawn[heading] for heading in last if heading in drawn),
    ]


def _section(found: Section, extra: str) -> str:
    lines = [facts(found.facts)] if found.facts else []
    if not found.rows:
        return section(found.heading, *lines, f'<p class="none">{NO_ROWS}</p>', extra)
    status = found.columns.index(_STATUS_COLUMN) if _STATUS_COLUMN in found.columns else None
    rows = [
        [badge(value) if position == status and value else isolated(value) for position, value in enumerate(row)]
        for row in found.rows
    ]
    return section(found.heading, *lines, table(found.columns, rows), extra)


def _logs(summary: RunSummary) -> str:
    return "\n".join(
        folded(f"the end of the log of {record.label}", f"<pre>{text(chr(10).join(record.outcome.log_tail))}</pre>")
        for record in summary.records
        if isinstance(record.outcome, Failed) and record.outcome.log_tail
    )


def _metrics(summary: RunSummary, vocabulary: ReportSpec) -> list[str]:
    """Every metric of every success: one row a job, one column a metric."""
    successes = [
        (record.label, record.outcome.metrics) for record in summary.records if isinstance(record.outcome, Completed)
    ]
    keys = sorted({key for _, metrics in successes for key in metrics})
    if not keys:
        return []
    shown = {key: metric_of(key, vocabulary) for key in keys}
    rows = [
        [isolated(label), *(isolated(quantity(metrics[key], shown[key]) if key in metrics else None) for key in keys)]
        for label, metrics in successes
    ]
    return [section("All Metrics", table([vocabulary.subject, *(metric.title for metric in shown.values())], rows))]


def _figures(figures: Mapping[str, bytes]) -> list[str]:
    shown = [_figure(name, data) for name, data in figures.items()]
    return [section("Figures", *shown)] if shown else []


def _figure(name: str, data: bytes) -> str:
    if not data.startswith(_PNG):
        return f'<p class="none">{isolated(name)} is not a PNG file and is not shown.</p>'
    source = base64.b64encode(data).decode("ascii")
    image = f'<img alt="{text(name)}" src="data:image/png;base64,{source}">'
    return f"<figure>{image}<figcaption>{isolated(name)}</figcaption></figure>"


def _digests(summary: RunSummary) -> str:
    rows = [
        [isolated(artifact.path), isolated(f"{artifact.size_bytes}"), f"<code>{text(artifact.sha256)}</code>"]
        for record in summary.records
        if isinstance(record.outcome, Completed)
        for _, artifact in sorted(record.outcome.artifacts.items())
    ]
    return folded("sizes and digests", table(("Path", "Bytes", "SHA-256"), rows)) if rows else ""
