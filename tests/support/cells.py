"""Reads a cell of a summary's tables back, to show that nothing is lost on the way there."""

from __future__ import annotations

import re
import sys

_SPELLED = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_LONG = {r"\\": "\\", r"\n": "\n", r"\r": "\r", r"\t": "\t"}


def unescape_cell(shown: str) -> str:
    """The text that ``escape_cell`` was given, from what a Markdown parser shows for the cell; never raises."""
    return _SPELLED.sub(_character, shown)


def _character(match: re.Match[str]) -> str:
    spelled = match.group()
    if spelled in _LONG:
        return _LONG[spelled]
    number = int(spelled.lstrip(r"\xuU"), 16)
    return chr(number) if number <= sys.maxunicode else spelled
