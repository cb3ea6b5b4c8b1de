"""Parsers of the command's numeric options."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def dose(text: str) -> int:
    """``1e3`` or ``1000`` as photons a frame, a whole number of at least 1; else argparse's complaint."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (1 <= number < float("inf") and number.is_integer()):
        msg = f"{text!r} is not a whole number of photons of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return int(number)


def finite(text: str) -> float:
    """*text* as a finite number; else argparse's complaint."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        msg = f"{text!r} is not a finite number"
        raise argparse.ArgumentTypeError(msg)
    return number


def above_zero(text: str) -> float:
    """*text* as a finite number above 0; else argparse's complaint."""
    number = finite(text)
    if number <= 0:
        msg = f"{text!r} is not above 0"
        raise argparse.ArgumentTypeError(msg)
    return number


def number(default: object) -> Callable[[str], object]:
    """The parser of an option whose default is *default*."""
    return finite if isinstance(default, float) else type(default)
