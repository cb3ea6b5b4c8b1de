"""What a run's request and journal make: its published files, to be compared with those that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Requirement
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.images import IMAGE_LIMIT
from extractor_flow.readers.text import read_bytes
from extractor_flow.run.publish import published_files
from extractor_flow.verify.subject.matrix import MALFORMED_INPUT_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extractor_flow.verify.subject.context import RunSubject

PUBLISHED = (
    Requirement.REQUEST,
    Requirement.JOURNAL,
    Requirement.FLOW,
    Requirement.STUDY,
    Requirement.COMPARISON,
)
"""What a run must offer for its published files to be made again."""
MOST_FIGURES = 256  # a flow draws a few
_SLACK = 4096  # so that a small file that is a little too long is shown, not refused


def published(run: RunSubject) -> Mapping[str, Callable[[], bytes]]:
    """What makes each published file of *run*, by name."""
    supported = run.supported
    return published_files(supported.summary, run.request, supported.words, lambda: read_figures(run))


def found(run: RunSubject, name: str, demanded: bytes) -> bytes:
    """What the file *name* holds, where *demanded* is due; a :class:`ReadError` if that is far more."""
    limit = 2 * len(demanded) + _SLACK
    with run.files.open(name, limit=limit) as stream:
        # No text of ours has such a line end; git may have put it there.
        return read_bytes(stream, name, limit=limit).replace(b"\r\n", b"\n")


def is_as_made(run: RunSubject, name: str) -> bool:
    """Whether the published file *name* is byte for byte the one that is made: nothing in it needs another look."""
    if name not in run.memory:
        run.memory[name] = _is_as_made(run, name)
    return run.memory[name]


def _is_as_made(run: RunSubject, name: str) -> bool:
    if set(PUBLISHED) & run.unmet.keys():
        return False
    made = published(run).get(name)
    try:
        return made is not None and found(run, name, demanded := made()) == demanded
    except (ReadError, *MALFORMED_INPUT_ERRORS):
        return False  # who asks for the file itself tells why


def read_figures(run: RunSubject) -> dict[str, bytes]:
    """The figures of the whole run by file name; a :class:`ReadError` when one cannot be read, or all are too large."""
    read: dict[str, bytes] = {}
    left = IMAGE_LIMIT
    for path in [path for path in run.listing.files if layout.is_figure(path)][:MOST_FIGURES]:
        with run.files.open(path, limit=left) as stream:
            content = read_bytes(stream, path, limit=left)
        read[path.rpartition("/")[2]] = content
        left -= len(content)
    return read
