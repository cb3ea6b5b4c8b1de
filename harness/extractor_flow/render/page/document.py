"""The summary as one self-contained page: no script, nothing loaded, readable on a phone, in the dark and in print."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import day, duration, metric_of
from extractor_flow.render.page import every_job, failures, grid
from extractor_flow.render.page.curves import panels_by_name, panels_by_place
from extractor_flow.render.page.jobs_by_name import Named, by_environment, by_name, middle, words_for
from extractor_flow.render.page.made import how_it_was_made
from extractor_flow.render.page.pooled import over_environments
from extractor_flow.render.page.ranking import SHOWN, rankings, seed_by_seed
from extractor_flow.render.page.templating import rendered
from extractor_flow.study.page_spec import DURATION, PictureSpec
from extractor_flow.study.summary import next_commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.page_spec import CurveSpec
    from extractor_flow.study.records import RunSummary

_PNG = b"\x89PNG\r\n\x1a\n"
_COUNTS = ("completed_runs", "failed_runs", "skipped_runs")


def report(
    summary: RunSummary, request: Mapping[str, Any], vocabulary: ReportSpec, figures: Mapping[str, bytes]
) -> str:
    """*summary* of the run that *request* asked for as an HTML page with *figures* (PNG files by name) inside.

    Every text is escaped; the same arguments make the same page. A figure that is not a PNG is named and not shown.
    """
    named = by_name(summary)
    return rendered(
        "page.html.jinja",
        summary=summary,
        vocabulary=vocabulary,
        lead=_lead(summary, named),
        failures=failures.grouped(summary.records),
        commands=next_commands(summary.records),
        shown=SHOWN,
        pooled=over_environments(summary, vocabulary),
        rankings=rankings(summary, vocabulary, named),
        pairs=seed_by_seed(summary, vocabulary, named),
        cost=_cost(named, vocabulary),
        pictures=_pictures(vocabulary, figures),
        made=how_it_was_made(summary, request, vocabulary),
        headline=metric_of(vocabulary.headline, vocabulary),
        jobs=every_job.job_rows(summary, vocabulary),
        numbers=every_job.numbers(named, vocabulary),
        glossary=every_job.glossary(summary, vocabulary),
        files=every_job.files(summary),
        **_places(summary, vocabulary, named),
    )


def _places(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named]) -> dict[str, Any]:
    """The learning curves and, where the study is a grid, its tables and its methods."""
    places, spec = grid.grid_of(summary, vocabulary), vocabulary.page.curve
    return {
        "curves": [] if spec is None else list(curves_of(summary, spec, named, places)),
        "grid": None if places is None else places.spec,
        "tables": [] if places is None else grid.tables(places, vocabulary),
        "methods": [] if places is None else grid.methods_over_rows(places),
    }


def curves_of(
    summary: RunSummary, spec: CurveSpec, named: Sequence[Named], places: grid.Grid | None
) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """The panels, those of each environment with axes of their own."""
    made: list[tuple[str | None, dict[str, Any] | None]]
    if places is not None:
        made = [(None, panels_by_place(spec, places.by_column()))]
    else:
        made = [(each, panels_by_name(spec, among)) for each, among in by_environment(summary, named).items()]
    yield from ((each, panels) for each, panels in made if panels is not None)


def _lead(summary: RunSummary, named: Sequence[Named]) -> dict[str, Any]:
    """The facts under the title."""
    run = summary.aggregate_metrics
    seeds = max(len({record.seed for record in each.records}) for each in named) if named else 0
    wall = run.get("total_wall_time")
    return {
        "names": len(named),
        "seeds": seeds,
        "jobs": len(summary.records),
        "created": day(summary.created_at),
        "wall": None if wall is None else duration(wall),
        **{key: int(run.get(key, 0)) for key in _COUNTS},
    }


def _cost(named: Sequence[Named], vocabulary: ReportSpec) -> dict[str, Any] | None:
    """The medians of what each name costs; of one that never ran there are none."""
    keys = (*vocabulary.page.cost, DURATION)
    metrics = {key: words_for(key, vocabulary) for key in keys}
    rows = [
        (each.name, [middle(each.values(key).values(), metrics[key]) for key in keys])
        for each in named
        if each.values(DURATION)
    ]
    return {"columns": [metrics[key].title for key in keys], "rows": rows} if rows else None


def _pictures(vocabulary: ReportSpec, figures: Mapping[str, bytes]) -> list[dict[str, str | None]]:
    """The figures that the flow wants on the page; where it says nothing, all of them under their names."""
    wanted = vocabulary.page.pictures
    if wanted is None:
        wanted = tuple(PictureSpec(name, name, name) for name in sorted(figures))
    return [
        {"title": each.title, "description": each.description, "source": _source(figures[each.file])}
        for each in wanted
        if each.file in figures
    ]


def _source(data: bytes) -> str | None:
    if not data.startswith(_PNG):
        return None
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
