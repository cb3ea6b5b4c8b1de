"""What is said over several environments: normalised scores of each name, and their performance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import number
from extractor_flow.render.page.curves import drawn
from extractor_flow.render.page.grid import method_style
from extractor_flow.render.page.jobs_by_name import words_for
from extractor_flow.render.page.ranking import interval_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.records import RunSummary


def over_environments(summary: RunSummary, vocabulary: ReportSpec) -> dict[str, Any] | None:
    """The table and the profiles; ``None`` where nothing is said over several environments."""
    entries = [entry for entry in summary.statistics if "environments" in entry]
    if not entries:
        return None
    metric = words_for(entries[0]["metric"], vocabulary)
    best_first = sorted(entries, key=lambda entry: float(entry["centre"]), reverse=True)
    return {
        "title": metric.title,
        "centre_name": entries[0]["centre_name"],
        "scales": [_scale(each) for each in entries[0]["environments"]],
        "rows": [(entry["config_name"], _cells(entry, metric.decimals)) for entry in best_first],
        "profiles": _profiles(entries),
    }


def _scale(environment: Mapping[str, Any]) -> str:
    source = "stated in the config" if environment["stated"] else "observed in this run"
    return f"{environment['environment']}: {environment['low']:.4g} to {environment['high']:.4g}, {source}"


def _cells(entry: Mapping[str, Any], decimals: int) -> list[str | None]:
    covered = f" ({entry['coverage']:.0%})" if "coverage" in entry else ""
    interval, paired = interval_of(entry, decimals), entry.get("paired", {})
    return [
        str(entry["n"]),
        number(entry["centre"], decimals),
        None if interval is None else interval + covered,
        number(paired["mean"], decimals) if paired else None,
        f"{paired['wins']} of {paired['n']}" if paired else None,
        ("yes" if paired["distinct"] else "no") if paired else None,
    ]


def _profiles(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    lines, ends = [], []
    for place, entry in enumerate(entries):
        style = method_style(place)
        points = [(float(point["score"]), float(point["share"])) for point in entry["profile"]]
        lines.append((f"solid {style}", points, entry["config_name"]))
        ends.append((entry["config_name"], (points[len(points) // 2][1], style)))
    return drawn([{"title": "share of the jobs above a score", "colour": 0, "lines": lines, "ends": ends}])
