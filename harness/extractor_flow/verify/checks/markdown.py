"""Whether a ``summary.md`` shows what ``summary.json`` says, whoever wrote it: it is parsed, not searched."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.render.escaping import ABSENT, unescape_cell
from extractor_flow.render.markdown_layout import NO_ROWS, Page, Row, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

# Not what Python calls unprintable: that grows with every edition of Unicode.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_BAR = re.compile(r"(?<!\\)\|")
# Of what opens a link, an image, code, HTML or emphasis a page of ours has none; a parser looks for the end of each.
_OPENER = re.compile(r"\\.|([\[`<*])")
_MOST_OPENERS = 1000
_MARKUP = "markup"
_KIND = "markdown"


class PageError(Exception):
    """The text is no page; ``line`` is where, from 1."""

    def __init__(self, line: int, claim: str, found: str) -> None:
        self.line, self.claim, self.found = line, claim, found
        super().__init__(f"line {line}: {found}")


def check_page(text: str, demanded: Page) -> Iterator[Violation]:
    """The differences of the page in *text* from the *demanded* one."""
    try:
        page = parse_page(text)
    except PageError as error:
        yield Violation(layout.MARKDOWN, f"line {error.line}", error.claim, error.found, _MARKUP)
        return
    yield from _compare("title", demanded.title, page.title)
    yield from _facts("", demanded.facts, page.facts)
    headings = [section.heading for section in demanded.sections], [section.heading for section in page.sections]
    yield from _compare("sections", *headings)
    found = {section.heading: section for section in page.sections}
    for section in demanded.sections:
        if section.heading in found:
            yield from _section(section, found[section.heading])


def parse_page(text: str) -> Page:
    """The page that *text* is, with every text as it was before it was escaped; :class:`PageError` if it is none."""
    from markdown_it import MarkdownIt

    lines = text.replace("\r\n", "\n").split("\n")
    openers = 0
    for number, line in enumerate(lines, 1):
        if _INVISIBLE.search(line):
            raise PageError(number, "holds printable characters only", brief(line))
        openers += sum(map(bool, _OPENER.findall(line)))
        if openers > _MOST_OPENERS:
            raise PageError(number, "is plain text", brief(line))
    references: dict[str, Any] = {}
    tokens = _Tokens(MarkdownIt("commonmark").enable("table").parse("\n".join(lines), references), lines)
    if references.get("references"):
        raise PageError(len(lines), "defines no link", brief(", ".join(references["references"])))
    title = tokens.heading("h1")
    facts = tokens.facts()
    sections = []
    while tokens.more():
        sections.append(tokens.section())
    return Page(title, facts, tuple(sections))


class _Tokens:
    """The tokens of a document, taken one after the other."""

    def __init__(self, tokens: Sequence[Token], lines: Sequence[str]) -> None:
        self._tokens = tokens
        self._lines = lines
        self._next = 0
        self._line = 1

    def more(self) -> bool:
        return self._next < len(self._tokens)

    def heading(self, tag: str) -> str:
        self._take("heading_open", tag)
        text = unescape_cell(self._text())
        self._take("heading_close", tag)
        return text

    def facts(self) -> tuple[tuple[str, str], ...]:
        """The items of a list, each ``label: value``; none where there is no list."""
        facts = []
        if self._is("bullet_list_open"):
            self._take("bullet_list_open")
            while self._is("list_item_open"):
                facts.append(self._fact())
            self._take("bullet_list_close")
        return tuple(facts)

    def section(self) -> Section:
        heading = self.heading("h2")
        facts = self.facts()
        if self._is("table_open"):
            columns, rows = self._table()
            return Section(heading, columns, rows, facts)
        self._take("paragraph_open")
        text = self._text()
        self._take("paragraph_close")
        if text != NO_ROWS:
            raise PageError(self._line, f"is a table or {NO_ROWS!r}", text)
        return Section(heading, (), (), facts)

    def _fact(self) -> tuple[str, str]:
        for kind in ("list_item_open", "paragraph_open"):
            self._take(kind)
        label, colon, value = self._text().partition(": ")
        if not colon and not label.endswith(":"):
            raise PageError(self._line, "is a label and a value", label)
        for kind in ("paragraph_close", "list_item_close"):
            self._take(kind)
        return label.removesuffix(":"), unescape_cell(value)

    def _table(self) -> tuple[tuple[str, ...], tuple[Row, ...]]:
        for kind in ("table_open", "thead_open"):
            self._take(kind)
        columns = tuple(cell or ABSENT for cell in self._row("th"))
        self._take("thead_close")
        rows = []
        if self._is("tbody_open"):
            self._take("tbody_open")
            while self._is("tr_open"):
                rows.append(self._row("td"))
            self._take("tbody_close")
        self._take("table_close")
        return columns, tuple(rows)

    def _row(self, tag: str) -> Row:
        self._take("tr_open")
        written = _cells_in(self._lines[self._line - 1])
        cells = []
        while self._is(f"{tag}_open"):
            self._take(f"{tag}_open")
            shown = self._text()
            cells.append(None if shown == ABSENT else unescape_cell(shown))
            self._take(f"{tag}_close")
        self._take("tr_close")
        if written > len(cells):
            raise PageError(
                self._line, f"has {len(cells)} cells", f"{written} cells, of which a table shows {len(cells)}"
            )
        return tuple(cells)

    def _is(self, kind: str) -> bool:
        return self.more() and self._tokens[self._next].type == kind

    def _take(self, kind: str, tag: str | None = None) -> None:
        token = self._current(kind)
        if token.type != kind or (tag is not None and token.tag != tag):
            raise PageError(self._line, f"is {tag or kind.removesuffix('_open')}", token.tag or token.type)
        self._next += 1

    def _text(self) -> str:
        token = self._current("inline")
        if token.type != "inline":
            raise PageError(self._line, "is text", token.type)
        self._next += 1
        for child in token.children or ():
            if child.type not in {"text", "text_special"}:
                raise PageError(self._line, "is plain text", f"{child.type} {child.content}")
        return "".join(child.content for child in token.children or ())

    def _current(self, wanted: str) -> Token:
        if not self.more():
            raise PageError(self._line, f"goes on with {wanted.removesuffix('_open')}", "the end of the file")
        token = self._tokens[self._next]
        if token.map is not None:
            self._line = token.map[0] + 1
        return token


def _cells_in(line: str) -> int:
    """How many cells a line of a table is written with; what is too many for the table is not shown."""
    return len(_BAR.split(line.strip().removeprefix("|").removesuffix("|")))


def _section(demanded: Section, found: Section) -> Iterator[Violation]:
    place = demanded.heading
    yield from _facts(f"{place} / ", demanded.facts, found.facts)
    # Without rows there is no table, and no headings of one.
    columns = demanded.columns if demanded.rows else ()
    yield from _compare(f"{place} / columns", list(columns), list(found.columns))
    for number, (wanted, stated) in enumerate(zip_longest(demanded.rows, found.rows), 1):
        if wanted is None or stated is None:
            yield from _compare(f"{place} / row {number}", wanted, stated)
        else:
            yield from _row(f"{place} / row {number}", demanded.columns, wanted, stated)


def _row(place: str, columns: Sequence[str], demanded: Row, found: Row) -> Iterator[Violation]:
    if len(demanded) != len(found):
        yield from _compare(place, list(demanded), list(found))
        return
    for column, wanted, stated in zip(columns, demanded, found, strict=True):
        yield from _compare(f"{place} / {column}", wanted, stated)


def _facts(place: str, demanded: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> Iterator[Violation]:
    for wanted, stated in zip_longest(demanded, found):
        yield from _compare(
            f"{place}{(wanted or stated or ('', ''))[0]}", wanted and list(wanted), stated and list(stated)
        )


def _compare(place: str, demanded: object, found: object) -> Iterator[Violation]:
    if demanded != found:
        shown = ABSENT if found is None else brief(found)
        wanted = ABSENT if demanded is None else brief(demanded)
        yield Violation(layout.MARKDOWN, place, shown, f"{layout.SUMMARY} gives {wanted}", _KIND)
