"""Numbers as people read them: the decimals and units that a flow's vocabulary states, and never a made-up zero."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from extractor_flow.study.job_contract import Metric

if TYPE_CHECKING:
    from extractor_flow.study.flow import ReportSpec

SECONDS_DECIMALS = 1
_LONGEST_PLAIN = 1e15
_MINUTE = 60
# Not from the locale: a page is the same bytes on every machine.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

# What the core itself measures; a flow's vocabulary may name it otherwise.
CORE_METRICS = {
    "completed_runs": Metric("Jobs that succeeded", decimals=0),
    "skipped_runs": Metric("Jobs that were skipped", decimals=0),
    "failed_runs": Metric("Jobs that failed", decimals=0),
    "total_wall_time": Metric("Time of all started jobs together", unit="s", decimals=SECONDS_DECIMALS),
}


def number(value: float, decimals: int) -> str:
    """*value* rounded half to even to *decimals*, in plain notation; from 1e15 on with an exponent. Never ``-0``."""
    return f"{value:z.{decimals}{'f' if abs(value) < _LONGEST_PLAIN else 'e'}}"


def spaced(name: str) -> str:
    """The *name* of a setting or a metric as words."""
    return name.replace("_", " ")


def seconds(value: float) -> str:
    """A duration in seconds to one decimal, without its unit."""
    return number(value, SECONDS_DECIMALS)


def metric_of(key: str, vocabulary: ReportSpec) -> Metric:
    """How *key* is shown: the flow's word, else the core's, else its own name with two decimals."""
    return vocabulary.metrics.get(key) or CORE_METRICS.get(key) or Metric(key)


def quantity(value: float, metric: Metric) -> str:
    """*value* with the decimals and the unit of *metric*."""
    shown = number(value, metric.decimals)
    return f"{shown} {metric.unit}" if metric.unit else shown


def duration(value: float) -> str:
    """*value* seconds for a person at a glance: ``4.2 s``, ``3 min 1 s``, ``2 h 5 min``."""
    if round(value, SECONDS_DECIMALS) < _MINUTE:
        return f"{seconds(value)} s"
    minutes, rest = divmod(round(value), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"


def day(timestamp: str) -> str:
    """The moment *timestamp* for a person: ``28 November 2026, 09:08 UTC``; what is no moment is returned as it is."""
    try:
        moment = datetime.fromisoformat(timestamp).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return timestamp
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"
