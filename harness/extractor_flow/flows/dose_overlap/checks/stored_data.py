"""Reads the data files of a run from a stranger: plain arrays, and the metadata as JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.flows.dose_overlap.data.dataset import METADATA_KEY, PtychographyData, from_arrays
from extractor_flow.flows.dose_overlap.data.dataset_rules import SPECIFICATION, problems_of
from extractor_flow.readers.arrays import array_of
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import parse, require_object
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.files import Json

LIMIT = 1 << 30
"""The most bytes of one data file that are read."""
_FARTHEST = 1 << 20
_TEXT = re.compile(
    rb"\x93NUMPY\x01\x00(?s:..)\{'descr': '<U[0-9]{1,9}', 'fortran_order': False, 'shape': \(\), ?\} *\n"
)
_NUMERIC = {key for key, rule in SPECIFICATION.items() if "str" not in rule.dtypes}


@dataclass(frozen=True, eq=False)
class Stored:
    """What a data file holds: the numbers by key, the metadata if there are any, and the names of all members."""

    arrays: Mapping[str, NDArray[Any]]
    metadata: Mapping[str, Json] | None
    members: frozenset[str]

    def data(self, where: str) -> PtychographyData:
        """The data set that this is; :class:`ReadError` if it breaks the contract."""
        if problems := problems_of(self.arrays):
            raise ReadError(Kind.HEADER, where, problems[0])
        if max(np.abs(self.arrays[name]).max() for name in ("xcoords", "ycoords")) > _FARTHEST:
            raise ReadError(Kind.HEADER, where, "positions that no object has")
        return from_arrays(self.arrays, self.metadata or {})


class DataFiles:
    """The files below ``data`` in a run; the last few that were read are kept."""

    def __init__(self, run: RunContext) -> None:
        self.run = run
        self.sha256 = lru_cache(maxsize=None)(run.files.sha256)
        self._stored = lru_cache(maxsize=2)(self._read)

    def stored(self, path: str) -> Stored:
        """What the file at *path* holds; members that no data set has are named and not read."""
        return self._stored(path)

    def data(self, path: str) -> PtychographyData | None:
        """The data set at *path*; ``None`` where it cannot be read, which is told where the file itself is checked."""
        try:
            return self.stored(path).data(path)
        except ReadError:
            return None

    def _read(self, path: str) -> Stored:
        return self.run.read(path, partial(read_stored, limit=LIMIT), limit=LIMIT)


def read_stored(stream: BinaryIO, where: str, *, limit: int) -> Stored:
    """The data file in *stream*, of at most *limit* bytes."""
    archive = Archive(stream, where, limit=limit)
    members = frozenset(name.removesuffix(".npy") for name in archive.members)
    arrays = {name: array_of(archive.read(f"{name}.npy"), f"{where}!{name}") for name in sorted(members & _NUMERIC)}
    text = archive.read(f"{METADATA_KEY}.npy") if METADATA_KEY in members else None
    return Stored(arrays, None if text is None else _metadata(text, f"{where}!{METADATA_KEY}"), members)


def _metadata(data: bytes, where: str) -> dict[str, Json]:
    header = _TEXT.match(data)
    if header is None or header.end() != int.from_bytes(data[8:10], "little") + len(b"\x93NUMPY") + 4:
        raise ReadError(Kind.HEADER, where, "is not one text")
    try:
        text = data[header.end() :].decode("utf-32-le").rstrip("\0")
    except UnicodeDecodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, "is not text") from error
    return require_object(parse(text, where), where)
