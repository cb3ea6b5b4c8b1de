"""Parsers of what a command line gives."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """What reads a whole number of at least *least*; anything else is an argparse error."""

    def whole(text: str) -> int:
        if text.isdecimal() and int(text) >= least:
            return int(text)
        msg = f"{text!r} is not a whole number of at least {least}"
        raise argparse.ArgumentTypeError(msg)

    return whole


def place(text: str) -> str:
    """A path that is named; nothing, as an unset variable gives it, is an argparse error and not where one stands."""
    if text:
        return text
    msg = "it names nothing; name a place, or leave the option out"
    raise argparse.ArgumentTypeError(msg)
