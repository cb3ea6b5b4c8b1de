"""Whether a ``summary.md`` shows what ``summary.json`` says, whoever wrote it: it is parsed, not searched."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.render.markdown import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.render.markdown_layout import Page

# Not what Python calls unprintable: that grows with every edition of Unicode.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_BAR = re.compile(r"(?<!\\)\|")
# Of what opens a link, an image, code, HTML or emphasis a page of ours has none; a parser looks for the end of each.
_OPENER = re.compile(r"\\.|([\[`<*])")
_MOST_OPENERS = 1000
_PLAIN = {"text", "text_special"}
_KIND = "markdown"


def check_page(text: str, demanded: Page) -> Iterator[Violation]:
    """Where the page in *text* first shows anything else than the *demanded* one."""
    lines = text.replace("\r\n", "\n").split("\n")
    refused = _refused(lines)
    if refused is not None:
        number, claim = refused
        yield Violation(layout.MARKDOWN, f"line {number}", claim, brief(lines[number - 1]), _KIND)
        return
    line = 1
    for wanted, found in zip_longest(_pieces(write(demanded).split("\n")), _pieces(lines)):
        line = line if found is None else found[0]
        if wanted is None or found is None or wanted[1:] != found[1:]:
            shown, due = ("nothing" if each is None else brief(each[2] or each[1]) for each in (found, wanted))
            yield Violation(layout.MARKDOWN, f"line {line}", shown, f"{layout.SUMMARY} gives {due}", _KIND)
            return


def _refused(lines: list[str]) -> tuple[int, str] | None:
    """The number of the first line that no page has, and what it should be; nothing is parsed for that."""
    openers = 0
    for number, line in enumerate(lines, 1):
        if _INVISIBLE.search(line):
            return number, "holds printable characters only"
        openers += sum(map(bool, _OPENER.findall(line)))
        if openers > _MOST_OPENERS:
            return number, "is plain text"
    return None


def _pieces(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """What a page is made of: the line of each piece, the kinds of its markup, and its text."""
    from markdown_it import MarkdownIt

    line, references = 1, dict[str, Any]()
    for token in MarkdownIt("commonmark").enable("table").parse("\n".join(lines), references):
        line = line if token.map is None else token.map[0] + 1
        children = token.children or ()
        kinds = [token.type, token.tag, *(child.type for child in children if child.type not in _PLAIN)]
        if token.type == "tr_open":  # what is too many for the table is not shown
            kinds.append(f"of {len(_BAR.split(lines[line - 1].strip().removeprefix('|').removesuffix('|')))} cells")
        yield line, " ".join(kinds), "".join(child.content for child in children) or token.content
    for name in references.get("references", ()):
        yield len(lines), "the target of a link", name
