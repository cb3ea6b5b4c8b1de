"""Whether ``report.html`` is the page that this package makes of the run, and the figures are images."""

from __future__ import annotations

import re
from importlib.metadata import version
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness import rundir
from harness.evidence import Violation, brief, guarded
from harness.readers.images import IMAGE_LIMIT, read_png
from harness.readers.text import read_bytes
from harness.render import html
from harness.verify.verdict import Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.flow import Flow
    from harness.readers.paths import Inside, Listing
    from harness.records import RunSummary

_DISTRIBUTION = "pytest-extractor-flow"
_FIGURE = re.compile(rf"{rundir.FIGURES}/[A-Za-z0-9_-]+\.png")
_FIGURES_LIMIT = 256


def check_figures(files: Inside, listing: Listing) -> Iterator[Violation]:
    """What is wrong with the figures of the whole run."""
    for path in _figures(listing):
        yield from guarded(path, _read_figure(files, path))


def read_figures(files: Inside, listing: Listing) -> dict[str, bytes]:
    """The figures of the whole run by file name; a :class:`ReadError` when one cannot be read."""
    return {path.rpartition("/")[2]: _content(files, path) for path in _figures(listing)}


def check_html(
    text: str, summary: RunSummary, flow: Flow, request: Mapping[str, Any], figures: Mapping[str, bytes]
) -> Iterator[Violation | Unchecked]:
    """The first line in which *text* is not the page of *summary*; another version's page cannot be compared."""
    here, there = version(_DISTRIBUTION), request["packages"].get(_DISTRIBUTION)
    if here != there:
        yield Unchecked(rundir.PAGE, f"{_DISTRIBUTION} {there} wrote it; this is {here}")
        return
    lines = html.report(summary, flow.vocabulary, figures).splitlines(), text.splitlines()
    for number, (demanded, found) in enumerate(zip_longest(*lines), 1):
        if demanded != found:
            claim = "nothing" if found is None else brief(found)
            what = f"the run gives {'nothing' if demanded is None else brief(demanded)}"
            yield Violation(rundir.PAGE, f"line {number}", claim, what, "html")
            return


def _figures(listing: Listing) -> list[str]:
    return [path for path in listing.files if _FIGURE.fullmatch(path)][:_FIGURES_LIMIT]


def _read_figure(files: Inside, path: str) -> Iterator[Violation]:
    with files.open(path, limit=IMAGE_LIMIT) as stream:
        read_png(stream, path)
    yield from ()


def _content(files: Inside, path: str) -> bytes:
    with files.open(path, limit=IMAGE_LIMIT) as stream:
        return read_bytes(stream, path, limit=IMAGE_LIMIT)
