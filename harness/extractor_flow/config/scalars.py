"""What the text of a YAML scalar means: the YAML 1.2 core schema, and nothing that JSON cannot hold.

So ``yes``, ``on``, ``12:30``, ``1_000`` and ``2024-01-01`` are strings, ``010`` is ten, ``0o10`` is eight, and ``1e3``
and ``3e-4`` are numbers: where YAML 1.1 surprises people most. Source: YAML 1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from extractor_flow.config.messages import shown

if TYPE_CHECKING:
    from collections.abc import Callable

Scalar = str | int | float | bool | None

INTEGER_LIMIT = 2**63  # integers of a config fit 64 bits, as everything that reads the published JSON expects
_LONGEST_INTEGER = 80


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    value = int(text[2:] if base != 10 else text, base) if len(text) <= _LONGEST_INTEGER else INTEGER_LIMIT  # noqa: PLR2004
    if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        msg = f"is {shown(text)}; expected an integer of at most 64 bits"
        raise ValueError(msg)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        msg = f"is {shown(text)}; expected a finite number that a double can hold"
        raise ValueError(msg)
    return value


def _not_a_number(text: str) -> float:
    msg = f"is {text}; expected a finite number (quote it for a string)"
    raise ValueError(msg)


_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], Scalar]], ...] = (
    ("null", re.compile(r"null|Null|NULL|~|"), lambda _: None),
    ("bool", re.compile(r"true|True|TRUE"), lambda _: True),
    ("bool", re.compile(r"false|False|FALSE"), lambda _: False),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), _integer),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), _finite),
    ("float", re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), _not_a_number),
)


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar; ``ValueError`` with the complaint for NaN, Infinity and numbers too large."""
    for _, pattern, convert in _FORMS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar under one of YAML's own tags (``str``, ``int``, ``float``, ``bool``, ``null``).

    ``ValueError`` with the complaint where the text is not of that form; ``KeyError`` for any other tag.
    """
    if tag == "str":
        return text
    forms = [(pattern, convert) for name, pattern, convert in _FORMS if name == tag]
    if not forms:
        raise KeyError(tag)
    for pattern, convert in forms:
        if pattern.fullmatch(text):
            return convert(text)
    msg = f"is {shown(text)}; expected text of the form that its tag !!{tag} promises"
    raise ValueError(msg)
