"""``subjects.json``: path, size and SHA-256 of every file of a run. Its own SHA-256, the root, binds them all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from extractor_flow.files import dumps
from extractor_flow.layout import ARCHIVE, SUBJECTS, UNPUBLISHED, is_hidden
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import read_bytes
from extractor_flow.study.records import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor_flow.readers.paths import ConfinedDirectory

CONTRACT = "subjects"
LIMIT = 256 * 1024 * 1024
"""The largest ``subjects.json`` that is read, in bytes: more than a run of a million files has."""
_SCHEMA_VERSION = 1
# The list itself, the mark of a run that is not published, and the list that a slim copy adds.
_APART = frozenset({SUBJECTS, UNPUBLISHED, ARCHIVE})


def is_bound(path: str) -> bool:
    """Whether the file at *path* is bound: locks and other hidden files are not."""
    return path not in _APART and not is_hidden(path)


def measure(files: ConfinedDirectory, sizes: Iterable[tuple[str, int]]) -> list[Artifact]:
    """The files among *sizes* (of a listing) that are bound, with their digests."""
    return [Artifact(path, files.sha256(path), size) for path, size in sizes if is_bound(path)]


def render(subjects: Iterable[Artifact]) -> bytes:
    """The content of ``subjects.json``."""
    files = [subject.to_json() for subject in sorted(subjects)]
    return dumps({"schema_version": _SCHEMA_VERSION, "files": files}).encode("utf-8")


def root_of(content: bytes) -> str:
    """The root of the run whose ``subjects.json`` has this *content*, whatever line ends git has given it."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def root_in(files: ConfinedDirectory) -> str | None:
    """The root of the run in *files*; ``None`` where it has no list of its files that can be read."""
    try:
        with files.open(SUBJECTS, limit=LIMIT) as stream:
            return root_of(read_bytes(stream, SUBJECTS, limit=LIMIT))
    except ReadError:
        return None
