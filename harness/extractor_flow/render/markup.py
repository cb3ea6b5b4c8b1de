"""Small pieces of HTML. Whatever comes from outside passes :func:`text`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from extractor_flow.files import printable
from extractor_flow.render.escaping import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONG = 44  # with its markup, a cell this long may break into lines


def text(value: str) -> str:
    """*value* as HTML text or attribute value: no markup, and control or bidirectional characters are spelled out."""
    return escape(printable(value), quote=True)


def isolated(value: str | None) -> str:
    """*value* for the flow of a line, so that its writing direction is its own; absent values are marked as such."""
    return f'<span class="none">{ABSENT}</span>' if value is None else f"<bdi>{text(value)}</bdi>"


def section(heading: str, *blocks: str) -> str:
    """A heading and what stands under it."""
    return f"<section>\n<h2>{text(heading)}</h2>\n" + "\n".join(blocks) + "\n</section>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself where the screen is narrow; the cells of *rows* are HTML."""
    head = "".join(f'<th scope="col">{text(column)}</th>' for column in columns)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _cell(content: str) -> str:
    return f'<td class="{"long" if len(content) > _LONG else "short"}">{content}</td>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Labelled values."""
    lines = "\n".join(f"<dt>{text(label)}</dt><dd>{isolated(value)}</dd>" for label, value in pairs)
    return f'<dl class="facts">\n{lines}\n</dl>'


def badge(status: str) -> str:
    """A job's status, in its colour and in words."""
    return f'<span class="status {text(status)}">{text(status)}</span>'


def folded(label: str, content: str) -> str:
    """*content* (HTML) that opens at a click on *label* (text)."""
    return f"<details><summary>{isolated(label)}</summary>\n{content}\n</details>"
