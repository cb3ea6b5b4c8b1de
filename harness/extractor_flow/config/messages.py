"""The wording of config errors: how a value, a place and a suggestion are written."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

from extractor_flow.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

Keys = tuple[str | int, ...]

_WIDTH = 60
_LIKENESS = 0.55  # lets "cpuu" suggest "cpu"; short names have few letters to be alike in
_MEANT = {"gpu": "cuda"}  # words that people use for one of ours that is spelled otherwise
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_KINDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "a mapping"}


def shown(value: object) -> str:
    """*value* as one line of at most 60 printable characters: a string in quotes, anything else as JSON."""
    if isinstance(value, str):
        text = repr(value[: _WIDTH + 1])
    else:
        text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def found(value: object) -> str:
    """What stands in the file, as the start of a sentence: ``is 'abc'``, or ``is empty`` for null."""
    return "is empty" if value is None else f"is {shown(value)}"


def found_kind(value: object) -> str:
    """Like :func:`found`, with the type: ``is 'abc' (a string)``."""
    return "is empty" if value is None else f"is {shown(value)} ({_KINDS.get(type(value), 'unknown')})"


def listed(words: Iterable[str]) -> str:
    """*words* separated by commas, or ``nothing``."""
    return ", ".join(words) or "nothing"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that *word* most likely misspells, whatever its case; ``None`` if none is close."""
    by_lower = {name.lower(): name for name in known}
    if (meant := _MEANT.get(word.lower())) in by_lower:
        return by_lower[meant]
    matches = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=_LIKENESS)
    return by_lower[matches[0]] if matches else None


def dotted(keys: Keys) -> str:
    """A place in a config as people write it: ``extractors[2].name``; odd keys are quoted."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        text += "." if text else ""
        text += key if _BARE_KEY.fullmatch(key) else shown(key)
    return text


def location(file: object, line: int, keys: Keys) -> str:
    """``file:line: dotted.key``; the top level of a file has no key."""
    place = f"{printable(str(file))}:{line}"
    return f"{place}: {dotted(keys)}" if keys else place
