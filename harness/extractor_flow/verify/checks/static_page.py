"""Reads a report as the static page that it must be: anything that could run, load or cover something is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

_TOKEN = re.compile(r"<[^<>]*>|[^<]+|<")
_NAME = re.compile(r"</?([a-z][a-z0-9]*)(?=[ />])")
_ATTRIBUTE = re.compile(r' ([a-z]+(?:-[a-z]+)*)="([^"<>]*)"')
_ELEMENT = re.compile(
    "html|head|meta|title|style|body|header|main|footer|section|h1|h2|h3|h4|p|div|span|b|i|em|strong|small|code|pre|bdi"
    "|br|hr|table|caption|thead|tbody|tfoot|tr|th|td|dl|dt|dd|ul|ol|li|details|summary|figure|figcaption|img"
)
_HARMLESS = re.compile("lang|charset|name|content|class|title|alt|scope|colspan|rowspan|role|aria-label")
_EQUIVALENTS = {"Content-Security-Policy"}
_IMAGE = "data:image/png;base64,"
_ACTIVE_STYLE = re.compile(r"url\s*\(|@import|@font-face|expression|(?<![-\w])content\s*:|\\", re.IGNORECASE)
_CELLS = {"th", "td"}
_PAIRS = {"dt", "dd"}
_HEADINGS = {"h1", "h2"}


class MarkupError(Exception):
    """The page holds what no report holds: ``line`` is where, from 1, and ``found`` what."""

    def __init__(self, line: int, found: str) -> None:
        self.line, self.found = line, found
        super().__init__(f"line {line}: {found}")


@dataclass
class Shown:
    """What a page shows, in its order: headings, labels and values, the rows of each table; ``images`` as data URIs."""

    headings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    images: set[str] = field(default_factory=set)


def read_page(text: str) -> Shown:
    """What the page in *text* shows; :class:`MarkupError` where it is no static page, in time linear in its length."""
    reader = _Reader()
    line = 1
    for match in _TOKEN.finditer(text):
        problem = reader.take(match.group())
        if problem:
            raise MarkupError(line, problem)
        line += match.group().count("\n")
    return reader.shown


class _Reader:
    """Takes one token after the other; what it answers is what is wrong with it."""

    def __init__(self) -> None:
        self.shown = Shown()
        self._inside: str | None = None
        self._text: list[str] = []
        self._style = False
        self._doctype = True

    def take(self, piece: str) -> str | None:
        if not piece.startswith("<"):
            self._text.append(piece)
            return "a style that loads or writes something" if self._style and _ACTIVE_STYLE.search(piece) else None
        if self._doctype and piece == "<!doctype html>":
            self._doctype = False
            return None
        name = _NAME.match(piece)
        if name is None or not _ELEMENT.fullmatch(name[1]):
            return piece
        if piece.startswith("</"):
            return self._close(name[1], piece)
        return self._open(name[1], piece, piece[name.end() : -1].removesuffix("/").rstrip(" "))

    def _open(self, name: str, piece: str, rest: str) -> str | None:
        if _ATTRIBUTE.sub("", rest):
            return piece
        attributes = _ATTRIBUTE.findall(rest)
        if any(not _harmless(name, *attribute) for attribute in attributes):
            return piece
        self.shown.images |= {unescape(value) for key, value in attributes if key == "src"}
        self._style = name == "style"
        if name == "table":
            self.shown.tables.append([])
        elif name == "tr" and self.shown.tables:
            self.shown.tables[-1].append([])
        elif name in _CELLS | _PAIRS | _HEADINGS:
            self._inside, self._text = name, []
        return None

    def _close(self, name: str, piece: str) -> str | None:
        if piece != f"</{name}>":
            return piece
        self._style = False
        if name != self._inside:
            return None
        shown = unescape("".join(self._text))
        self._inside = None
        if name in _HEADINGS:
            self.shown.headings.append(shown)
        elif name in _PAIRS:
            self.shown.facts.append(shown)
        elif not (self.shown.tables and self.shown.tables[-1]):
            return "a cell outside of a table"
        else:
            self.shown.tables[-1][-1].append(shown)
        return None


def _harmless(element: str, name: str, value: str) -> bool:
    match name:
        case "src":
            return element == "img" and value.startswith(_IMAGE)
        case "http-equiv":
            return value in _EQUIVALENTS
        case "style":
            return not _ACTIVE_STYLE.search(unescape(value))
        case _:
            return _HARMLESS.fullmatch(name) is not None
