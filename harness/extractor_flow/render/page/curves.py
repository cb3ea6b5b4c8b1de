"""How the jobs learned: one small panel a compared name, or a column of the study's grid; all with the same axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from extractor_flow.render.page.axis import HUGE, Axis, ends, short
from extractor_flow.render.page.jobs_by_name import seed_text
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import median

if TYPE_CHECKING:
    from extractor_flow.render.page.jobs_by_name import Named
    from extractor_flow.study.page_spec import CurveSpec
    from extractor_flow.study.records import JobRecord

Points = list[tuple[float, float]]

HEIGHT = 130
"""The height of a panel in pixels, without its labels."""

_MOST_POINTS = 120
_ROOM = 13  # pixels between two labels at the end of lines
_DASHES = 4  # the dash patterns of the style sheet


def panels_by_name(spec: CurveSpec, named: Sequence[Named]) -> dict[str, Any] | None:
    """A panel for each name: its seeds, and their centre where there are several; the other centres in grey."""
    curves = {each.name: _curves(spec, each.records) for each in named}
    centres = {name: centre_of([points for _, points in found]) for name, found in curves.items()}
    panels = [
        {
            "title": each.name,
            "colour": each.colour,
            "lines": [
                *(("other", points, name) for name, points in centres.items() if name != each.name),
                *(("seed", points, seed_text(seed)) for seed, points in curves[each.name]),
                *([("centre", centres[each.name], "centre")] if len(curves[each.name]) > 1 else []),
            ],
            "ends": [],
        }
        for each in named
        if curves[each.name]
    ]
    return drawn(panels)


def panels_by_place(
    spec: CurveSpec, places: Mapping[str, Sequence[tuple[str, Sequence[JobRecord]]]]
) -> dict[str, Any] | None:
    """A panel for each column of a grid; its lines are jobs, dashed by row and labelled with the row at the end."""
    panels = []
    for place, (column, cells) in enumerate(places.items()):
        found = [(number, row, points) for number, (row, jobs) in enumerate(cells) for _, points in _curves(spec, jobs)]
        lines = [(f"solid dash{number % _DASHES}", points, row) for number, row, points in found]
        ends = {row: (points[-1][1], f"dash{number % _DASHES}") for number, row, points in found}
        panels.append({"title": column, "colour": place, "lines": lines, "ends": list(ends.items())})
    return drawn([panel for panel in panels if panel["lines"]])


def drawn(panels: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """*panels* with places in percent for their points; ``None`` where there is nothing that can be drawn."""
    points = list(chain.from_iterable(line[1] for panel in panels for line in panel["lines"]))
    sides, upright = ends(x for x, _ in points), Axis.of(y for _, y in points)
    if sides is None or upright is None:
        return None
    left, right = sides
    return {
        "height": HEIGHT,
        "across": [(0, short(left)), (50, short((left + right) / 2)), (100, short(right))],
        "upright": [(_pixels(place), label) for place, label in upright.ticks()],
        "panels": [
            {
                **panel,
                "lines": [(kind, _path(line, sides, upright), told) for kind, line, told in panel["lines"] if line],
                "ends": spread([(label, _pixels(upright.percent(y)), kind) for label, (y, kind) in panel["ends"]]),
            }
            for panel in panels
        ],
    }


def spread(labels: Sequence[tuple[str, float, str]]) -> list[tuple[str, float, str]]:
    """*labels* with their heights in pixels, moved apart so that none hides another."""
    placed: list[tuple[str, float, str]] = []
    for label, height, kind in sorted(labels, key=lambda each: each[1]):
        lowest = placed[-1][1] + _ROOM if placed else height
        placed.append((label, max(height, lowest), kind))
    beyond = max(0.0, placed[-1][1] - HEIGHT) if placed else 0.0
    return [(label, round(height - beyond, 1), kind) for label, height, kind in placed]


def _pixels(percent: float) -> float:
    return round(HEIGHT * (1 - percent / 100), 1)


def _path(points: Points, sides: tuple[float, float], upright: Axis) -> str:
    left, right = sides
    places = ((100 * (x - left) / (right - left), 100 - upright.percent(y)) for x, y in points)
    return " ".join(f"{round(x, 2):g},{round(y, 2):g}" for x, y in places)


def centre_of(curves: Sequence[Points]) -> Points:
    """The median of *curves* at each place that all of them have."""
    if not curves:
        return []
    known = [dict(points) for points in curves]
    return [(x, median([points[x] for points in known])) for x in known[0] if all(x in each for each in known)]


def _curves(spec: CurveSpec, records: Sequence[JobRecord]) -> list[tuple[int | None, Points]]:
    found = (
        (record.seed, _points(record.outcome.details.get(spec.detail), spec))
        for record in records
        if isinstance(record.outcome, Completed)
    )
    return [(seed, points) for seed, points in found if points]


def _points(curve: object, spec: CurveSpec) -> Points:
    """The points of *curve* that are numbers, thinned out where they are many; none where it is no curve."""
    match curve:
        case Mapping():
            pairs = zip(_list(curve.get(spec.x)), _list(curve.get(spec.y)), strict=False)
        case Sequence() if not isinstance(curve, str):
            pairs = ((row.get(spec.x), row.get(spec.y)) for row in curve if isinstance(row, Mapping))  # type: ignore[assignment]
        case _:
            return []
    points = [(float(x), float(y)) for x, y in pairs if _is_number(x) and _is_number(y)]
    stride = max(1, math.ceil(len(points) / _MOST_POINTS))
    return points[::stride] if (len(points) - 1) % stride == 0 else [*points[::stride], points[-1]]


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE
