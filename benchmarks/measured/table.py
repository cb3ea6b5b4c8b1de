"""The rows of the table, and the page that they are written into."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "benchmark.md"
_MARK = re.compile(r"(<!-- measured: made by make benchmark -->\n).*", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """What was measured, as *ours* beside *theirs* in one unit; the ratio is ours over theirs."""

    what: str
    unit: str
    ours: float
    beside: str = ""
    theirs: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times theirs ours is."""
        return None if self.theirs is None else self.ours / self.theirs


def middle(what: str, unit: str, ours: Sequence[float], beside: str = "", theirs: Sequence[float] = ()) -> Row:
    """The medians of rounds that took turns."""
    return Row(what, unit, median(ours), beside, median(theirs) if theirs else None)


def load() -> str:
    """The load averages of now, for 1, 5 and 15 minutes."""
    return ", ".join(f"{each:.1f}" for each in os.getloadavg())


def markdown(rows: Sequence[Row], kind: str, before: str) -> str:
    """The table of *rows*, and where and how they were measured; *kind* says of what run, *before* its load then."""
    said = f"{kind}; {os.cpu_count()} cores, Python {platform.python_version()}; load average before it {before}"
    head = [["what", "unit", "here", "beside it", "there", "ratio"], ["---", "---", "---:", "---", "---:", "---:"]]
    cells = [
        [row.what, row.unit, _number(row.ours), row.beside, _number(row.theirs), _number(row.ratio)] for row in rows
    ]
    lines = [
        f"{said}, at its end, with what it did itself, {load()}.",
        "",
        *(f"| {' | '.join(each)} |" for each in head + cells),
    ]
    return "\n".join(lines) + "\n"


def into_page(text: str) -> None:
    """Put *text* where the page has its mark."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARK.sub(lambda found: f"{found[1]}{text}", page), encoding="utf-8")


def draw(rows: Sequence[Row], path: Path) -> None:
    """A bar for each ratio; 1 is as much as what stands beside it."""
    from matplotlib.figure import Figure

    shown = [row for row in reversed(rows) if row.ratio is not None]
    figure = Figure(figsize=(9, 0.4 * len(shown) + 1), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([f"{row.what} / {row.beside}" for row in shown], [row.ratio for row in shown], color="#4477aa")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xlabel("ratio: less is better")
    axes.set_xlim(0, 1.15 * max(1.0, *(row.ratio or 0.0 for row in shown)))
    figure.savefig(path, metadata={"Date": None})


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004
