"""Whether ``report.html`` is the page that this package makes of the run, and the figures are images."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from importlib.metadata import version
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Violation, brief, read_or_violation
from extractor_flow.readers.images import IMAGE_LIMIT, read_png
from extractor_flow.readers.text import read_bytes
from extractor_flow.render import html
from extractor_flow.run import rundir
from extractor_flow.verify.checks.static_page import MarkupError, Shown, read_page
from extractor_flow.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.study.flow import SupportsCompare
    from extractor_flow.study.records import RunSummary

_DISTRIBUTION = "pytest-extractor-flow"
_FIGURE = re.compile(rf"{rundir.FIGURES}/[A-Za-z0-9_-]+\.png")
_FIGURES_LIMIT = 256


def check_figures(files: ConfinedDirectory, listing: Listing) -> Iterator[Violation]:
    """What is wrong with the figures of the whole run: each is an image, and no two are the same."""
    alike: dict[str, list[str]] = defaultdict(list)
    for path in _figures(listing):
        yield from read_or_violation(path, _read_figure(files, path, alike))
    for group in alike.values():
        for path in group if len(group) > 1 else ():
            others = ", ".join(other for other in group if other != path)
            yield Violation(path, "", "shows something of its own", f"the same file as {others}", "inconsistent")


def is_figure(path: str) -> bool:
    """Whether *path* is where a figure of the whole run lies."""
    return _FIGURE.fullmatch(path) is not None


def read_figures(files: ConfinedDirectory, listing: Listing) -> dict[str, bytes]:
    """The figures of the whole run by file name; a :class:`ReadError` when one cannot be read."""
    return {path.rpartition("/")[2]: _content(files, path) for path in _figures(listing)}


def check_html(
    text: str, summary: RunSummary, flow: SupportsCompare, request: Mapping[str, Any], figures: Mapping[str, bytes]
) -> Iterator[Violation | Unchecked]:
    """The first line in which *text* is not the page of *summary*.

    Another version may have other words and looks: its page is a static one all the same, with the same headings,
    facts, tables and figures.
    """
    demanded = html.report(summary, flow.vocabulary, figures)
    lines = demanded.split("\n"), text.replace("\r\n", "\n").split("\n")
    if lines[0] == lines[1]:
        return
    here, there = version(_DISTRIBUTION), request["packages"].get(_DISTRIBUTION)
    if here == there:
        yield from _first_difference(*lines)
        return
    yield from _contents(demanded, text, figures)
    author = f"{_DISTRIBUTION} {there}" if there else f"an unknown version of {_DISTRIBUTION}"
    yield Unchecked(f"the wording of {rundir.PAGE}", f"{author} wrote it; this is {here}")


def check_static(text: str, figures: Mapping[str, bytes]) -> Iterator[Violation]:
    """What in *text* no report holds, whoever wrote it: scripts, what is loaded, pictures that are not *figures*."""
    yield from _contents(None, text, figures)


def _first_difference(demanded: Sequence[str], found: Sequence[str]) -> Iterator[Violation]:
    for number, (wanted, there) in enumerate(zip_longest(demanded, found), 1):
        if wanted != there:
            claim = "nothing" if there is None else brief(there)
            what = f"the run gives {'nothing' if wanted is None else brief(wanted)}"
            yield Violation(rundir.PAGE, f"line {number}", claim, what, "html")
            return


def _contents(demanded: str | None, text: str, figures: Mapping[str, bytes]) -> Iterator[Violation]:
    try:
        shown = read_page(text)
    except MarkupError as error:
        yield Violation(rundir.PAGE, f"line {error.line}", "is a static page", brief(error.found), "markup")
        return
    known = {f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}" for data in figures.values()}
    for image in sorted(shown.images - known):
        yield Violation(rundir.PAGE, "", brief(image), f"no file of {rundir.FIGURES} holds this picture", "html")
    if demanded is not None:
        wanted = read_page(demanded)
        yield from _parts("heading", wanted.headings, shown.headings)
        yield from _parts("fact", wanted.facts, shown.facts)
        yield from _parts("table row", _rows(wanted), _rows(shown))


def _parts(name: str, demanded: Sequence[object], found: Sequence[object]) -> Iterator[Violation]:
    """The first of the parts called *name* that differs."""
    for number, (wanted, there) in enumerate(zip_longest(demanded, found), 1):
        if wanted != there:
            claim, what = (brief("nothing" if each is None else each) for each in (there, wanted))
            yield Violation(rundir.PAGE, f"{name} {number}", claim, f"the run gives {what}", "html")
            return


def _rows(shown: Shown) -> list[tuple[int, list[str]]]:
    return [(number, row) for number, table in enumerate(shown.tables, 1) for row in table]


def _figures(listing: Listing) -> list[str]:
    return [path for path in listing.files if is_figure(path)][:_FIGURES_LIMIT]


def _read_figure(files: ConfinedDirectory, path: str, alike: dict[str, list[str]]) -> Iterator[Violation]:
    """Note the digest of the image at *path* in *alike*; what is no image may be of any size, and has none."""
    with files.open(path, limit=IMAGE_LIMIT) as stream:
        read_png(stream, path)
    alike[files.sha256(path)].append(path)
    yield from ()


def _content(files: ConfinedDirectory, path: str) -> bytes:
    with files.open(path, limit=IMAGE_LIMIT) as stream:
        return read_bytes(stream, path, limit=IMAGE_LIMIT)
