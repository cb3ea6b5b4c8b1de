"""Hypothesis strategies for what strangers write: texts, numbers and JSON that have broken something somewhere."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from extractor_flow.files import Json

HOSTILE_SAMPLES = (
    "a | b \\| c",
    "| --- | --- |",
    "two\nlines\r\nand\rmore\u2028\u2029\x0b\x0c",
    "# heading\n- item\n```\nfence\n",
    "`code` *bold* _it_ ~~gone~~ [x](http://e.example) ![i](j) <http://e.example>",
    "<script>alert(1)</script><img src=x onerror=alert(2)> &lt; &amp; &#124;",
    '" onmouseover=\'alert(1)\' style="x" ]]> -->',
    "\u202egnp.exe\u202c \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "\x00\x01\x1b[31mred\x07\x7f\x85",
    "\U0001f9d1\u200d\U0001f680 \U0001f3f3\ufe0f\u200d\U0001f308 e\u0301 \U000e0067",
    "  spaced  ",
    "\u00a0wide\u3000",
    "n/a",
    "null",
    "C:\\new\\x41\\u0041\\U00110000",
    "../../etc/passwd",
    "$$math$$ {braces} {0} %s ${HOME} $(id)",
    "a" * 300,
)
"""Texts that have broken a report, a table, a terminal or a path somewhere."""

_DANGEROUS = "|\\`*_[]()<>&#~$!:-=\"'/.{}% \t\n\r\0\x1b\u202e\u200d\u2028\u00e9axuU0"


@cache
def hostile_text(*, blank: bool = False) -> SearchStrategy[str]:
    """Text as UTF-8 can carry it: pipes, line breaks, backticks, HTML, right-to-left, emoji, control characters.

    It has a character that is not white space; with *blank* it may be empty or have none.
    """
    texts = st.one_of(
        st.text(_DANGEROUS, max_size=12),
        st.text(st.characters(codec="utf-8"), max_size=12),
        st.sampled_from(HOSTILE_SAMPLES),
    )
    return texts if blank else texts.filter(_has_ink)


@cache
def json_values() -> SearchStrategy[Json]:
    """Any value that strict JSON can carry, integers up to 64 bits, not deep."""
    text = hostile_text(blank=True)
    scalars: SearchStrategy[Any] = st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), numbers(), text
    )
    return st.recursive(
        scalars, lambda below: st.lists(below, max_size=2) | st.dictionaries(text, below, max_size=2), max_leaves=3
    )


@cache
def json_objects() -> SearchStrategy[dict[str, Json]]:
    """JSON objects with any keys."""
    return st.dictionaries(hostile_text(blank=True), json_values(), max_size=2)


@cache
def numbers() -> SearchStrategy[float]:
    """Finite numbers, ordinary and extreme, integers among them."""
    return st.floats(-1e6, 1e6) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)


@cache
def notes() -> SearchStrategy[tuple[str, ...]]:
    """A run's notes: at most one."""
    return st.lists(hostile_text(blank=True), max_size=1).map(tuple)


def _has_ink(text: str) -> bool:
    return re.search(r"\S", text) is not None
