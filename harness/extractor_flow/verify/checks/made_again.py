"""Checks that every published file is the one that run.json and the journal make: all of them are made again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.images import IMAGE_LIMIT, read_png
from extractor_flow.readers.text import decode, parse
from extractor_flow.render.markdown_layout import page_of
from extractor_flow.run import rundir
from extractor_flow.run.publish import DRAWING_SECONDS, beside_the_page
from extractor_flow.study.flow import SupportsDraw
from extractor_flow.verify.checks.markdown import check_page
from extractor_flow.verify.json_diff import violations
from extractor_flow.verify.subject.made import MOST_FIGURES, PUBLISHED, found, is_as_made, published, read_figures
from extractor_flow.verify.versions import author, computes_alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.verify.subject.context import RunSubject

_GIVES = f"{layout.RUN} and {layout.JOURNAL} give"


_DOCUMENTS = (layout.SUMMARY, layout.MANIFEST, layout.SKIPS, layout.HISTORICAL)


@check("json-made-again", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=_DOCUMENTS, requires=PUBLISHED)
def json_made_again(run: RunSubject) -> Iterator[Finding]:
    """Each published JSON file is, byte for byte, what run.json and the journal make.

    Catches: any number, status, reason or order that the journal does not give. Cannot catch: a lie that the journal
    tells, too.
    """
    made = published(run)
    for name in [name for name in _DOCUMENTS if not is_as_made(run, name)]:
        if run.documents.get(name) is None:
            yield Unchecked(name, "it cannot be used", Why.UNREADABLE)
            continue
        try:
            yield from _json(run, name, made[name]())
        except ReadError as error:  # as of a file that is much longer than what is made here
            yield Violation.refused(name, error)


@check("markdown-made-again", layer=Layer.MARKDOWN, scope=Scope.RUN, reads=(layout.MARKDOWN,), requires=PUBLISHED)
def markdown_made_again(run: RunSubject) -> Iterator[Finding]:
    """The summary.md is, byte for byte, what run.json and the journal make; another version's is parsed and compared.

    Catches: any number, word or row that the journal does not give. Cannot catch: a lie that the journal tells, too.
    """
    yield from _text(run, layout.MARKDOWN)


@check(
    "report-made-again",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.TABLE, layout.PAGE, layout.CHARTS, layout.FAILURE_PAGE),
    requires=PUBLISHED,
)
def report_made_again(run: RunSubject) -> Iterator[Finding]:
    """The report.html, its charts, the failed jobs' pages and the summary.csv are what run.json and the journal make.

    Byte for byte, with the figures there are. Catches: any word, row, picture or script that they do not give, and a
    page or chart more or less. Cannot catch: a lie that the journal tells, too; in the pages of another version of this
    package anything, which is said.
    """
    yield from _text(run, layout.TABLE)
    yield from _text(run, layout.PAGE)
    made = beside_the_page(run.supported.summary, run.supported.words)
    directories = {entry.record.directory for entry in run.latest.values()}
    present = {path for path in run.listing.files if layout.is_beside_the_page(path, directories)}
    for path in sorted(made.keys() | present):
        yield from _beside(run, path, made[path]() if path in made else None)


def _beside(run: RunSubject, path: str, demanded: bytes | None) -> Iterator[Finding]:
    """What is wrong with the file at *path*, which is to hold *demanded*, or is not to be there."""
    if path in run.listing.files and demanded is not None and (stored := found(run, path, demanded)) == demanded:
        return
    if not computes_alike(run.request):
        yield Unchecked(path, f"it is not the one that is made here: {author(run.request)}", Why.OTHER_VERSION)
    elif demanded is None:
        yield Violation(path, "", "is there", f"{_GIVES} no such file", "inconsistent")
    elif path not in run.listing.files:
        yield Violation(path, "", "no such file", f"{_GIVES} one", "missing")
    else:
        yield from _first_line(path, demanded, stored)


def _json(run: RunSubject, name: str, demanded: bytes) -> Iterator[Finding]:
    """The first place at which the document differs; where others wrote it, sums may differ in their last bits."""
    stored = found(run, name, demanded)
    if stored == demanded:
        return
    alike = computes_alike(run.request)
    wanted, given = (parse(decode(content, name), name) for content in (demanded, stored))
    differences = violations(name, wanted, given, _GIVES, *(() if alike else (run.supported.rounded,)))
    first = next(differences, None)
    if first is not None:
        yield first
    elif alike:
        yield from _first_line(name, demanded, stored)


def _text(run: RunSubject, name: str) -> Iterator[Finding]:
    if is_as_made(run, name):
        return
    demanded = published(run)[name]()
    stored = found(run, name, demanded)
    data = run.documents.get(layout.SUMMARY)
    if computes_alike(run.request):
        yield from _first_line(name, demanded, stored)
    elif name == layout.MARKDOWN and data is not None:
        yield from check_page(decode(stored, name), page_of(data, run.supported.words))
    else:
        yield Unchecked(name, f"it is not the one that is made here: {author(run.request)}", Why.OTHER_VERSION)


def _first_line(name: str, demanded: bytes, found: bytes) -> Iterator[Violation]:
    lines = (content.decode("utf-8", "replace").split("\n") for content in (demanded, found))
    for number, (wanted, stored) in enumerate(zip_longest(*lines), 1):
        if wanted != stored:
            shown, gives = ("nothing" if each is None else brief(each) for each in (stored, wanted))
            yield Violation(name, f"line {number}", shown, f"{_GIVES} {gives}", "inconsistent")
            return


@check(
    "figures-are-images",
    scope=Scope.RUN,
    reads=(layout.FIGURES,),
    requires=(Requirement.REQUEST,),
)
def figures_are_images(run: RunSubject) -> Iterator[Finding]:
    """Each figure of the run is one whole PNG image of a size that a figure may have.

    Catches: a page, a script or a bomb under the name of an image. Cannot catch: an image of other numbers.
    """
    for path in [path for path in run.listing.files if layout.is_figure(path)][:MOST_FIGURES]:
        with run.files.open(path, limit=IMAGE_LIMIT) as stream:
            read_png(stream, path)
    yield from ()


@check(
    "figures-made-again",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.FIGURES,),
    requires=PUBLISHED,
    needs=("matplotlib",),
    deep=True,
)
def figures_made_again(run: RunSubject) -> Iterator[Finding]:
    """The figures of the run are, byte for byte, those that its flow draws of the journal and the artifacts.

    Catches: a figure of other numbers, one too many or too few, one in the place of another. Cannot catch: a lie that
    the journal or the artifacts tell, too; other figures than those that this version of matplotlib draws; that all
    are gone, since a run is published without any where they cannot be drawn.
    """
    stored = read_figures(run)
    completed = run.supported.summary.aggregate_metrics["completed_runs"]
    drawn = _draw(run) if isinstance(run.flow, SupportsDraw) and completed else {}
    if isinstance(drawn, str):
        yield Unchecked(layout.FIGURES, f"they cannot be drawn here: {brief(drawn)}", Why.NO_WITNESS)
        return
    if drawn and not stored:
        yield Unchecked(layout.FIGURES, "there are none; `extractor-flow report` draws them", Why.UNDRAWN)
        return
    for name in sorted(stored.keys() | drawn.keys()):
        path = f"{layout.FIGURES}/{name}"
        if stored.get(name) == drawn.get(name):
            continue
        if name in stored and name in drawn and not computes_alike(run.request):
            yield Unchecked(path, f"it is not the one that is drawn here: {author(run.request)}", Why.OTHER_VERSION)
        else:
            claim = "is drawn by the flow" if name in stored else "is there"
            what = {True: "it is drawn otherwise", False: "no such figure"}[name in stored and name in drawn]
            yield Violation(path, "", claim, what, "inconsistent")


def _draw(run: RunSubject) -> dict[str, bytes] | str:
    """The figures drawn again, by name, or why they cannot be: in a process of its own, beside links to the run."""
    with TemporaryDirectory(prefix="extractor-flow-draw-") as folder:
        place = Path(folder)
        for entry in run.files.root.resolve().iterdir():
            if entry.is_dir() and entry.name != layout.FIGURES:
                (place / entry.name).symlink_to(entry, target_is_directory=True)
        for name in (layout.RUN, layout.JOURNAL):
            with run.files.open(name) as source, (place / name).open("xb") as copy:
                shutil.copyfileobj(source, copy)
        command = [sys.executable, "-P", "-m", "extractor_flow.run.draw", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=DRAWING_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"it takes longer than {DRAWING_SECONDS} s"
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or ["no message"])[-1]
        return rundir.RunDirectory(place).figures()


CHECKS = (json_made_again, markdown_made_again, report_made_again, figures_are_images, figures_made_again)
