"""What a flow adds to the report page: which numbers to rank and to draw, and where its records keep them.

Everything has a default: the page of a flow that states nothing shows the headline metric, the failures, the jobs and
how the run was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DURATION = "duration_seconds"
"""Stands among metrics for the seconds that a job took."""


@dataclass(frozen=True)
class CurveSpec:
    """A curve in the details of every completed job.

    ``details[detail]`` is an object with one list a column, or a list with one object a point; ``x`` and ``y`` are
    names in it.
    """

    title: str
    explanation: str
    detail: str
    x: str
    y: str


@dataclass(frozen=True)
class Difference:
    """A number of a job that is the difference of two of its metrics, with the decimals and the unit of the first."""

    title: str
    of: str
    minus: str


@dataclass(frozen=True)
class MethodsSpec:
    """One score of several methods: a metric for each method's name."""

    title: str
    methods: Mapping[str, str]


@dataclass(frozen=True)
class GridSpec:
    """A study whose compared names are the cells of a grid.

    ``details[detail]`` is an object with the cell's place: its members ``row`` and ``column``. ``shown`` are the
    numbers to show cell by cell, ``methods`` the scores to draw over the rows.
    """

    title: str
    explanation: str
    detail: str
    row: str
    column: str
    row_title: str
    shown: tuple[str | Difference, ...]
    methods: tuple[MethodsSpec, ...] = ()
    methods_explanation: str = ""


@dataclass(frozen=True)
class PictureSpec:
    """A figure of the run that the page shows: the name of its file, its heading, and what is to be seen on it."""

    file: str
    title: str
    description: str


@dataclass(frozen=True)
class PageSpec:
    """The places of the report page that a flow fills.

    ``ranked`` are metrics to rank by after the headline one, ``cost`` the metrics of what a result costs, ``settings``
    labels with the dotted paths of the settings that they sum up. Without ``pictures``, every figure is shown.
    """

    ranked: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    curve: CurveSpec | None = None
    grid: GridSpec | None = None
    pictures: tuple[PictureSpec, ...] | None = None
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
