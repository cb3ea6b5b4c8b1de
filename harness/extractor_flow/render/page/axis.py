"""A numeric axis with round labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from extractor_flow.render.formats import number

if TYPE_CHECKING:
    from collections.abc import Iterable

HUGE = 1e300
"""Beyond it the span of an axis could leave the range of a double."""

_MOST_STEPS = 5
_TINY = 1e-300
_SAME = 1e-9  # values closer than this, relative to their size, are one value on an axis
_PLAIN_DECIMALS = 6
_LONGEST_PLAIN = 1e9
_THOUSAND = 1000


class Axis:
    """Where a value lies between the ends, in percent, and the round numbers to label."""

    def __init__(self, low: float, high: float) -> None:
        size = max(abs(low), abs(high))
        span = high - low if high - low > _SAME * size else size
        self.step = _round_step(span if span > _TINY else 1.0)
        self.low = math.floor(low / self.step) * self.step
        self.high = max(math.ceil(high / self.step) * self.step, self.low + self.step)

    @classmethod
    def of(cls, values: Iterable[float]) -> Axis | None:
        """The axis that holds *values*; ``None`` where there is none, or one is too large for any."""
        known = list(values)
        if not known or not all(abs(value) < HUGE for value in known):
            return None
        return cls(min(known), max(known))

    def percent(self, value: float) -> float:
        """How far along the axis *value* lies, to a hundredth of a percent."""
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 2)

    def ticks(self) -> list[tuple[float, str]]:
        """The places of the labels, in percent, and their texts."""
        steps = range(round((self.high - self.low) / self.step) + 1)
        return [(self.percent(tick), self._label(tick)) for tick in (self.low + index * self.step for index in steps)]

    def _label(self, tick: float) -> str:
        decimals = max(0, -math.floor(math.log10(self.step)))
        if decimals > _PLAIN_DECIMALS or abs(tick) >= _LONGEST_PLAIN:
            return f"{tick:.4g}"
        if self.step >= _THOUSAND:
            return _thousands(tick)
        return f"{float(number(tick, decimals)):z,.{decimals}f}"


def ends(values: Iterable[float]) -> tuple[float, float] | None:
    """The smallest and the largest of *values*; ``None`` where there are not two that an axis can hold."""
    known = list(values)
    if not known or not all(abs(value) < HUGE for value in known) or min(known) == max(known):
        return None
    return min(known), max(known)


def short(value: float) -> str:
    """*value* in a few characters, such as ``16k``."""
    return _thousands(value) if _THOUSAND * 10 <= abs(value) < _LONGEST_PLAIN else f"{value:.6g}"


def _thousands(value: float) -> str:
    return f"{value / _THOUSAND:,.0f}k" if value else "0"


def _round_step(span: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides *span* into few enough parts."""
    power = 10.0 ** math.floor(math.log10(span / _MOST_STEPS))
    return next((factor * power for factor in (1, 2, 5) if factor * power * _MOST_STEPS >= span), 10 * power)
