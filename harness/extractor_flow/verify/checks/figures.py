"""Checks of the figures of the whole run."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import Layer, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.images import IMAGE_LIMIT, read_png
from extractor_flow.readers.text import read_bytes
from extractor_flow.run import rundir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.verify.subject.context import RunSubject

_FIGURE = re.compile(rf"{rundir.FIGURES}/[A-Za-z0-9_-]+\.png")
_MOST = 256  # a flow draws a few


@check("figures", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(rundir.FIGURES,))
def figures(run: RunSubject) -> Iterator[Violation]:
    """Each figure of the run is an image, and no two are the same file.

    Catches: files that are no images, one figure in the place of another. Cannot catch: what a figure shows.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for path in _figures(run):
        try:
            with run.files.open(path, limit=IMAGE_LIMIT) as stream:
                read_png(stream, path)
            alike[run.files.sha256(path)].append(path)
        except ReadError as error:
            yield Violation.refused(path, error)
    for group in alike.values():
        for path in group if len(group) > 1 else ():
            others = ", ".join(other for other in group if other != path)
            yield Violation(path, "", "shows something of its own", f"the same file as {others}", "inconsistent")


def is_figure(path: str) -> bool:
    """Whether *path* is where a figure of the whole run lies."""
    return _FIGURE.fullmatch(path) is not None


def read_figures(run: RunSubject) -> dict[str, bytes]:
    """The figures of the whole run by file name; a :class:`ReadError` when one cannot be read."""
    read = {}
    for path in _figures(run):
        with run.files.open(path, limit=IMAGE_LIMIT) as stream:
            read[path.rpartition("/")[2]] = read_bytes(stream, path, limit=IMAGE_LIMIT)
    return read


def _figures(run: RunSubject) -> list[str]:
    return [path for path in run.listing.files if is_figure(path)][:_MOST]


CHECKS = (figures,)
