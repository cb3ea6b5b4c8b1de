"""Any text as one Markdown table cell that shows it, does nothing else, and can be read back intact.

Two steps. First what is invisible or moves other text is spelled out as in Python (``\\n``, ``\\u202e``, and two
backslashes for one). Then what Markdown or HTML would obey is escaped for it, which a Markdown parser undoes by itself.
"""

from __future__ import annotations

import re

ABSENT = "n/a"
_SPELLED_ABSENT = r"\x6e/a"
_SHORT = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
# What most cells are: neither a space at an end, nor what stands for no value, nor anything that is obeyed.
_HARMLESS = re.compile(r"(?!n/a\Z)(?! )[A-Za-z0-9 .,:;/+%()-]*(?<! )")
# An underscore inside a word and an ampersand before a space mean nothing: names stay as people search for them.
_MARKDOWN = re.compile(r"[\\`*\[\]~$|#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITY = re.compile(r"&(?=[#A-Za-z])")


def escape_cell(text: str) -> str:
    """*text* as the source of one cell: a single line without control characters or anything Markdown or HTML obeys.

    An empty text is an empty cell; the text ``n/a`` is told apart from :data:`ABSENT`, which stands for no value.
    """
    if _HARMLESS.fullmatch(text):
        return text
    harmless = _MARKDOWN.sub(r"\\\g<0>", spell_out(text))
    return _ENTITY.sub("&amp;", harmless).replace("<", "&lt;")


def cell(text: str | None) -> str:
    """:func:`escape_cell` of *text*, or :data:`ABSENT` where there is none."""
    return ABSENT if text is None else escape_cell(text)


def spell_out(text: str) -> str:
    """*text* with every character that is not printable, and a space at either end, spelled out as in Python.

    The result is printable, holds neither lone surrogates nor bidirectional controls, and survives stripping.
    """
    if text == ABSENT:
        return _SPELLED_ABSENT
    spelled = text
    if "\\" in text or not text.isprintable():
        spelled = "".join(each if each.isprintable() and each != "\\" else _spelled(each) for each in text)
    if spelled.startswith(" "):
        spelled = r"\x20" + spelled[1:]
    return spelled[:-1] + r"\x20" if spelled.endswith(" ") else spelled


def _spelled(character: str) -> str:
    return _SHORT.get(character) or character.encode("unicode_escape").decode("ascii")
