"""Checks that ``report.html`` is the page that this package makes of the run."""

from __future__ import annotations

import base64
from importlib.metadata import version
from itertools import zip_longest
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.render import html
from extractor_flow.run import rundir
from extractor_flow.verify.checks.figures import read_figures
from extractor_flow.verify.checks.static_page import MarkupError, Shown, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.verify.subject.context import RunSubject

_DISTRIBUTION = "pytest-extractor-flow"
_PUBLISHED = (Requirement.REQUEST, Requirement.JOURNAL, Requirement.FLOW, Requirement.STUDY, Requirement.COMPARISON)


@check("report-page", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(rundir.PAGE,), requires=_PUBLISHED)
def report_page(run: RunSubject) -> Iterator[Finding]:
    """The page report.html is what this package makes of the run; another version's has the same facts and tables.

    Catches: any number, row or figure that was changed for readers. Cannot catch: other words of another version.
    """
    if rundir.PAGE not in run.documents.texts:
        return  # what is wrong with it, the check of its markup tells
    text = run.documents.texts[rundir.PAGE]
    demanded = html.report(run.supported.summary, run.reporter.vocabulary, read_figures(run))
    lines = demanded.split("\n"), text.replace("\r\n", "\n").split("\n")
    if lines[0] == lines[1]:
        return
    here, there = version(_DISTRIBUTION), run.request["packages"].get(_DISTRIBUTION)
    if here == there:
        yield from _first_difference(*lines)
        return
    wanted, shown = read_page(demanded), _shown(text)
    if shown is not None:
        yield from _parts("heading", wanted.headings, shown.headings)
        yield from _parts("fact", wanted.facts, shown.facts)
        yield from _parts("table row", _rows(wanted), _rows(shown))
    author = f"{_DISTRIBUTION} {there}" if there else f"an unknown version of {_DISTRIBUTION}"
    yield Unchecked(f"the wording of {rundir.PAGE}", f"{author} wrote it; this is {here}", Why.OTHER_VERSION)


@check("report-markup", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(rundir.PAGE,), requires=_PUBLISHED[:1])
def report_markup(run: RunSubject) -> Iterator[Violation]:
    """The page report.html is a static one, whoever wrote it, and its pictures are the run's figures.

    Catches: scripts, anything that is loaded, pictures that no file holds. Cannot catch: wrong words and numbers.
    """
    if rundir.PAGE not in run.documents.texts:
        yield from run.documents.wrong[rundir.PAGE]
        return
    try:
        shown = read_page(run.documents.texts[rundir.PAGE])
    except MarkupError as error:
        yield Violation(rundir.PAGE, f"line {error.line}", "is a static page", brief(error.found), "markup")
        return
    figures = read_figures(run).values()
    known = {f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}" for data in figures}
    for image in sorted(shown.images - known):
        yield Violation(rundir.PAGE, "", brief(image), f"no file of {rundir.FIGURES} holds this picture", "html")


def _shown(text: str) -> Shown | None:
    try:
        return read_page(text)
    except MarkupError:
        return None


def _first_difference(demanded: Sequence[str], found: Sequence[str]) -> Iterator[Violation]:
    for number, (wanted, there) in enumerate(zip_longest(demanded, found), 1):
        if wanted != there:
            claim = "nothing" if there is None else brief(there)
            what = f"the run gives {'nothing' if wanted is None else brief(wanted)}"
            yield Violation(rundir.PAGE, f"line {number}", claim, what, "html")
            return


def _parts(name: str, demanded: Sequence[object], found: Sequence[object]) -> Iterator[Violation]:
    """The first of the parts called *name* that differs."""
    for number, (wanted, there) in enumerate(zip_longest(demanded, found), 1):
        if wanted != there:
            claim, what = (brief("nothing" if each is None else each) for each in (there, wanted))
            yield Violation(rundir.PAGE, f"{name} {number}", claim, f"the run gives {what}", "html")
            return


def _rows(shown: Shown) -> list[tuple[int, list[str]]]:
    return [(number, row) for number, table in enumerate(shown.tables, 1) for row in table]


CHECKS = (report_page, report_markup)
