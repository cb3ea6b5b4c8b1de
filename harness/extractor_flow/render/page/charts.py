"""The page's drawings as files of their own: SVG with a title and named axes, for papers and slides."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from extractor_flow.render.formats import spaced
from extractor_flow.render.page import grid
from extractor_flow.render.page.document import curves_of
from extractor_flow.render.page.jobs_by_name import by_name
from extractor_flow.render.page.pooled import over_environments
from extractor_flow.render.page.ranking import rankings
from extractor_flow.render.page.templating import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.render.page.jobs_by_name import Named
    from extractor_flow.study.flow import ReportSpec
    from extractor_flow.study.page_spec import CurveSpec
    from extractor_flow.study.records import RunSummary

_MOST = 40  # rows or panels, as many as a large sheet holds; the page has them all
_WIDTH, _COLUMNS = 960, 3
_BY_PLACE = "A line is a job."
_BY_NAME = "Thin: a seed; thick: the median of the seeds; grey: the medians of the others."
_VARIABLE = re.compile(r"(--[a-z0-9-]+): ([^;]+);")


def charts(summary: RunSummary, vocabulary: ReportSpec) -> dict[str, str]:
    """Each drawing of the page of *summary* by the name of its file; those of a study that is a grid, or the ranking.

    The drawings are the page's own, in its colours for light paper. The same arguments make the same files.
    """
    named, places = by_name(summary), grid.grid_of(summary, vocabulary)
    results = _of_names(summary, vocabulary, named) if places is None else _of_grid(summary, places)
    spec = vocabulary.page.curve
    return {**dict(results), **({} if spec is None else dict(_of_curves(summary, spec, named, places)))}


def _of_names(summary: RunSummary, vocabulary: ReportSpec, named: Sequence[Named]) -> Iterator[tuple[str, str]]:
    for ranking in rankings(summary, vocabulary, named):
        yield _file("ranking", ranking["title"]), _ranking(summary.run_id, ranking)
    pooled = over_environments(summary, vocabulary)
    if pooled is not None and pooled["profiles"] is not None:
        titles = {"title": "Performance profiles", "subtitle": f"{summary.run_id}. Over all environments."}
        axes = {"across": "normalised score", "upright": "share of the jobs"}
        yield "profiles.svg", _panels(pooled["profiles"], **titles, **axes)


def _of_grid(summary: RunSummary, places: grid.Grid) -> Iterator[tuple[str, str]]:
    for score in grid.methods_over_rows(places):
        titles = {"title": f"{score['title']} by method", "subtitle": f"{summary.run_id}. Means over the seeds."}
        axes = {"across": places.spec.row_title, "upright": score["title"]}
        yield _file("methods", score["title"]), _panels(score, **titles, **axes)


def _of_curves(
    summary: RunSummary, spec: CurveSpec, named: Sequence[Named], places: grid.Grid | None
) -> Iterator[tuple[str, str]]:
    legend = _BY_NAME if places is None else _BY_PLACE
    axes = {"across": spaced(spec.x), "upright": spaced(spec.y)}
    for environment, panels in curves_of(summary, spec, named, places):
        where = summary.run_id if environment is None else f"{summary.run_id}, {environment}"
        yield (
            _file("curves", environment or ""),
            _panels(panels, title=spec.title, subtitle=f"{where}. {legend}", **axes),
        )


def _ranking(run_id: str, ranking: Mapping[str, Any]) -> str:
    rows = len(ranking["rows"][:_MOST])
    unit = f", {ranking['unit']}" if ranking["unit"] else ""
    band = f"; upright line: the {ranking['centre_name']} over the seeds; band: its {ranking['interval'].lower()}"
    return rendered(
        "chart.svg.jinja",
        title=f"{ranking['title']} of each job",
        subtitle=f"{run_id}. Circle: a job{band if ranking['several'] else ''}.",
        across=f"{ranking['title']}{unit} ({ranking['better']} is better)",
        ranking=ranking,
        panels=None,
        width=_WIDTH,
        height=112 + 40 * rows,
        left=220,
        most=_MOST,
        style=_style(),
    )


def _panels(panels: Mapping[str, Any], **texts: str) -> str:
    labelled, count = bool(panels["panels"][0]["ends"]), len(panels["panels"][:_MOST])
    columns = _COLUMNS if labelled else _COLUMNS + 1
    return rendered(
        "chart.svg.jinja",
        **texts,
        ranking=None,
        panels=panels,
        width=_WIDTH,
        height=72 + (panels["height"] + 62) * -(-count // columns),
        step=(_WIDTH - 32) // columns,
        columns=columns,
        left=120 if labelled else 64,
        most=_MOST,
        style=_style(),
    )


def _file(kind: str, what: str) -> str:
    return f"{re.sub('[^a-z0-9]+', '_', f'{kind}_{what}'.lower()).strip('_')[:60]}.svg"


@cache
def _style() -> str:
    """The rules of the page's drawings; each variable gives way to its value, as few programs but browsers know any."""
    templates = files("extractor_flow.render.page") / "templates"
    base, rules = ((templates / name).read_text(encoding="utf-8") for name in ("base.css", "charts.css"))
    light = dict(_VARIABLE.findall(base[: base.index("@media")]))
    return re.sub(r"var\((--[a-z0-9-]+)\)", lambda match: light[match[1]], rules)
