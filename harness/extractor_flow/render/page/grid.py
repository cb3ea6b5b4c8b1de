"""A study whose compared names are the cells of a grid: numbers cell by cell, and methods over the rows."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import number
from extractor_flow.render.page.axis import HUGE
from extractor_flow.render.page.curves import drawn
from extractor_flow.render.page.jobs_by_name import COLOURS, signed, value_of, words_for
from extractor_flow.render.page.ranking import shade
from extractor_flow.study.page_spec import Difference
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.job_contract import Metric
    from extractor_flow.study.page_spec import GridSpec, MethodsSpec
    from extractor_flow.study.records import JobRecord, RunSummary

_DASHES = 5  # the dash patterns that the style sheet has for methods


class Grid:
    """The completed jobs of a study by their place: rows and columns in the order of the study."""

    def __init__(self, spec: GridSpec, records: Sequence[JobRecord]) -> None:
        self.spec = spec
        self.cells: dict[tuple[str, str], list[JobRecord]] = {}
        for record in records:
            place = _place(record, spec)
            if place is not None:
                self.cells.setdefault(place, []).append(record)
        self.rows = list(dict.fromkeys(row for row, _ in self.cells))
        self.columns = list(dict.fromkeys(column for _, column in self.cells))

    def by_column(self) -> dict[str, list[tuple[str, list[JobRecord]]]]:
        """For each column its rows with their jobs."""
        return {column: [(row, self.cells.get((row, column), [])) for row in self.rows] for column in self.columns}

    def values(self, row: str, column: str, shown: str | Difference) -> list[float]:
        """The number *shown* of each job of one cell that has it."""
        found = (value_of(record, shown) for record in self.cells.get((row, column), ()))
        return [value for value in found if value is not None and abs(value) < HUGE]


def grid_of(summary: RunSummary, vocabulary: ReportSpec) -> Grid | None:
    """The grid of the study; ``None`` where the flow has none, or no job is done."""
    spec = vocabulary.page.grid
    grid = None if spec is None else Grid(spec, summary.records)
    return grid if grid is not None and grid.cells else None


def tables(grid: Grid, vocabulary: ReportSpec) -> list[dict[str, Any]]:
    """One table of the grid for each number to be shown that a job has."""
    made = (_table(grid, shown, words_for(shown, vocabulary)) for shown in grid.spec.shown)
    return [table for table in made if table is not None]


def methods_over_rows(grid: Grid) -> list[dict[str, Any]]:
    """For each score of the methods a panel a column: the means over the seeds, row by row."""
    made = ((score, _methods(grid, score)) for score in grid.spec.methods)
    return [{"title": score.title, **panels} for score, panels in made if panels is not None]


def method_style(place: int) -> str:
    """The classes of the style sheet for the method, or the name, in that *place*."""
    return f"c{place % COLOURS} dash{place % _DASHES}"


def _place(record: JobRecord, spec: GridSpec) -> tuple[str, str] | None:
    if not isinstance(record.outcome, Completed):
        return None
    place = record.outcome.details.get(spec.detail)
    if not isinstance(place, Mapping) or spec.row not in place or spec.column not in place:
        return None
    return _label(place[spec.row]), _label(place[spec.column])


def _label(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(grid: Grid, shown: str | Difference, metric: Metric) -> dict[str, Any] | None:
    values = {place: grid.values(*place, shown) for place in grid.cells}
    means = {place: fmean(found) for place, found in values.items() if found}
    if not means:
        return None
    signs = min(means.values()) < 0 or isinstance(shown, Difference) or metric.title.startswith(("Gain", "Gained"))
    low, high = min(means.values()), max(means.values())
    rounded = {place: round(mean, metric.decimals) for place, mean in means.items()}
    rows = []
    for row in grid.rows:
        places = [(row, column) for column in grid.columns]
        cells = [
            _cell(values[place], metric, _shade(rounded[place], low, high, signs=signs), signs=signs)
            if place in means
            else None
            for place in places
        ]
        rows.append((row, cells))
    return {"title": metric.title, "unit": metric.unit, "columns": grid.columns, "rows": rows}


def _shade(value: float, low: float, high: float, *, signs: bool) -> str:
    """Gains and losses by size; for other numbers, more is darker."""
    return shade(value, max(abs(low), abs(high))) if signs else shade(value - low, (high - low) or 1.0)


def _cell(values: Sequence[float], metric: Metric, tint: str, *, signs: bool) -> tuple[str, str, str]:
    def shown(value: float) -> str:
        return signed(value, metric.decimals) if signs else number(value, metric.decimals)

    spread = f"{shown(min(values))} to {shown(max(values))}" if len(values) > 1 else ""
    return tint, shown(fmean(values)), spread


def _methods(grid: Grid, score: MethodsSpec) -> dict[str, Any] | None:
    """Rows stand at even distances across, in the order of the study."""
    panels = []
    for column in grid.columns:
        lines = []
        ends = []
        for place, (method, metric) in enumerate(score.methods.items()):
            points = [(float(x), fmean(found)) for x, found in enumerate(_over_rows(grid, column, metric)) if found]
            if points:
                lines.append((f"solid {method_style(place)}", points, method))
                ends.append((method, (points[-1][1], method_style(place))))
        if lines:
            panels.append({"title": column, "colour": 0, "lines": lines, "ends": ends})
    made = drawn(panels)
    if made is None:
        return None
    last = max(len(grid.rows) - 1, 1)
    return {**made, "across": [(round(100 * number / last, 2), row) for number, row in enumerate(grid.rows)]}


def _over_rows(grid: Grid, column: str, metric: str) -> Iterable[list[float]]:
    return (grid.values(row, column, metric) for row in grid.rows)
