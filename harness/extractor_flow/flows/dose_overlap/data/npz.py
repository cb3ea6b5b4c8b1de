"""Reads plain arrays out of an NPZ file without trusting it: nothing is unpickled and sizes are bounded first."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

SIZE_LIMIT = 4 * 1024**3
_MEMBER_LIMIT = 256
_HEADER_LIMIT = 4096
_DIMENSION_LIMIT = 8


@dataclass(frozen=True)
class Contents:
    """What an archive holds: its readable arrays, and for each key that was not read the reason."""

    arrays: dict[str, NDArray[Any]]
    refused: dict[str, str]


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class _RefusedError(ValueError):
    """This member is not read; the message is the reason."""


def read_arrays(path: Path, wanted: Collection[str], *, limit: int = SIZE_LIMIT) -> Contents:
    """The arrays of *path* whose keys are *wanted*; other members are left alone.

    No member is unpickled, and nothing is allocated before its header agrees with its size and the sum of all wanted
    members is within *limit* bytes. A file that is no readable NPZ archive is a :class:`DataError`; one bad member is
    only a reason in ``refused``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_members(path, archive, wanted, limit)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, UnicodeDecodeError) as error:
        msg = f"{path}: found no readable NPZ archive ({error}); expected one written by numpy.savez"
        raise DataError(msg) from error


def _read_members(path: Path, archive: zipfile.ZipFile, wanted: Collection[str], limit: int) -> Contents:
    names = archive.namelist()
    if len(names) > _MEMBER_LIMIT or len(set(names)) != len(names):
        found = f"{len(names)} members, {len(set(names))} of them distinct"
        msg = f"{path}: found {found}; expected at most {_MEMBER_LIMIT}, all distinct"
        raise DataError(msg)
    members = {key: archive.getinfo(f"{key}.npy") for key in wanted if f"{key}.npy" in names}
    total = sum(member.file_size for member in members.values())
    if total > limit:
        msg = f"{path}: found {total} bytes of arrays; expected at most {limit}"
        raise DataError(msg)
    arrays: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    for key, member in members.items():
        try:
            arrays[key] = _read_member(archive, member)
        except _RefusedError as reason:
            refused[key] = str(reason)
    return Contents(arrays, refused)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    try:
        with archive.open(member) as stream:
            header = _read_header(stream)  # type: ignore[arg-type]
            left = member.file_size - stream.tell()
            if left != header.size:
                msg = f"found {left} bytes of data; expected {header.size} for shape {header.shape} of {header.dtype}"
                raise _RefusedError(msg)
            data = stream.read(left + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        msg = f"found a damaged or unsupported member ({error})"
        raise _RefusedError(msg) from error
    if len(data) != header.size:
        msg = f"found {len(data)} bytes of data; expected {header.size}"
        raise _RefusedError(msg)
    flat: NDArray[Any] = np.frombuffer(data, dtype=header.dtype)
    return flat.reshape(header.shape, order="F" if header.fortran_order else "C")


def _read_header(stream: BinaryIO) -> _Header:
    try:
        version = np.lib.format.read_magic(stream)
        read = _HEADER_READERS.get(version)
        parts = None if read is None else read(stream, max_header_size=_HEADER_LIMIT)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        msg = f"found an unreadable npy header ({type(error).__name__}); expected one written by numpy"
        raise _RefusedError(msg) from error
    if parts is None:
        msg = f"found npy format {version}; expected (1, 0) or (2, 0)"
        raise _RefusedError(msg)
    header = _Header(*parts)
    if header.dtype.hasobject:
        msg = "found pickled objects, which are never read"
        raise _RefusedError(msg)
    if len(header.shape) > _DIMENSION_LIMIT or min(header.shape, default=0) < 0:
        msg = f"found the shape {header.shape}; expected at most {_DIMENSION_LIMIT} dimensions, none negative"
        raise _RefusedError(msg)
    return header


_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
