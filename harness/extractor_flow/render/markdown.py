"""The summary as Markdown: the face of a run that people read (``summary.md``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.render.escaping import cell, escape_cell
from extractor_flow.render.markdown_layout import NO_ROWS, Page, Section, page_of
from extractor_flow.render.summary_json import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import RunSummary


def render(summary: RunSummary, vocabulary: ReportSpec) -> str:
    """*summary* under the Markdown contract: printable characters and ``\\n`` only, whatever the texts in it hold."""
    return write(page_of(to_json(summary, vocabulary), vocabulary))


def write(page: Page) -> str:
    """*page* as Markdown; everything in it is escaped."""
    blocks = [f"# {escape_cell(page.title)}", _facts(page.facts)]
    for section in page.sections:
        blocks += _blocks(section)
    return "\n\n".join(blocks) + "\n"


def _blocks(section: Section) -> list[str]:
    facts = [_facts(section.facts)] if section.facts else []
    return [f"## {escape_cell(section.heading)}", *facts, _table(section)]


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {label}: {escape_cell(value)}" for label, value in facts)


def _table(section: Section) -> str:
    if not section.rows:
        return NO_ROWS
    ruler = "| " + " | ".join("---" for _ in section.columns) + " |"
    return "\n".join([_line(section.columns), ruler, *map(_line, section.rows)])


def _line(cells: Sequence[str | None]) -> str:
    return "| " + " | ".join(map(cell, cells)) + " |"
