"""A summary's Markdown made equal for equal results, whatever the machine and the time: for golden snapshots."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.render.escaping import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FACTS = {
    "": {"Created At": "(time)", "Output Directory": "(path)"},
    "Reproducibility": {
        "Commit": "(commit)",
        "Config": "(path)",
        "Config Digest": "(digest)",
        "Command": "(command)",
        "Processor": "(processor)",
        "Packages": "(packages)",
    },
}
"""By section, the labels of the lines that are masked."""
_MACHINE_SECTION = "Hardware Overview"
_MACHINE = {
    "Platform": "(platform)",
    "Arch": "(arch)",
    "GPU Model": "(gpu)",
    "CUDA Version": "(cuda)",
    "Python": "(python)",
    "Workers": "(workers)",
}
_DURATION_COLUMN, _SECONDS = "Duration (s)", "(seconds)"
_AGGREGATE_COLUMNS = ("Metric", "Value", "Meaning")
_WALL_TIME = "total_wall_time"
_FACT = re.compile(r"- ([^:]+): ")
_RULER = re.compile(r"\|( --- \|)+")


def normalise_markdown(text: str) -> str:
    """A ``summary.md`` with what differs between two runs of equal results masked.

    Masked are the time and the place of the run, where it came from, all about its machines, the durations of jobs,
    and the total wall time. Everything else is as it was: metrics, statuses, steps, reasons, notes, names, artifacts,
    the number of machines, and whether a job has a duration at all. Normalising twice is normalising once.
    """
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    heading = ""
    columns: tuple[str, ...] = ()
    for line in lines:
        if line.startswith("| "):
            if columns and not _RULER.fullmatch(line):
                yield _row(heading, columns, _cells(line))
                continue
            columns = columns or _cells(line)
        else:
            columns = ()
            heading = line[3:] if line.startswith("## ") else heading
        yield _fact(heading, line)


def _fact(heading: str, line: str) -> str:
    label = _FACT.match(line)
    mask = _FACTS.get(heading, {}).get(label[1]) if label else None
    return line if label is None or mask is None else f"{label[0]}{mask}"


def _cells(line: str) -> tuple[str, ...]:
    """The sources of a row's cells; a pipe inside a cell has a backslash before it and no space."""
    return tuple(line[2:-2].split(" | "))


def _row(heading: str, columns: tuple[str, ...], cells: tuple[str, ...]) -> str:
    pairs = zip(columns, cells, strict=True) if len(columns) == len(cells) else ()
    if heading == _MACHINE_SECTION:
        cells = tuple(_MACHINE.get(column, cell) for column, cell in pairs) or cells
    elif columns == _AGGREGATE_COLUMNS and cells[0] == _WALL_TIME:
        cells = (cells[0], _SECONDS, *cells[2:])
    elif _DURATION_COLUMN in columns:
        cells = tuple(_duration(column, cell) for column, cell in pairs) or cells
    return f"| {' | '.join(cells)} |"


def _duration(column: str, cell: str) -> str:
    return _SECONDS if column == _DURATION_COLUMN and cell != ABSENT else cell
