"""The NPZ contract of a ptychography data set: the value, its reader and its writer."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.data.dataset_rules import LEGACY_KEYS, REQUIRED, SPECIFICATION, problems_of
from extractor_flow.readers.arrays import array_of
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import parse, require_object
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor_flow.files import Json

METADATA_KEY = "metadata"
# 1,485 frames of 128 x 128 with the object under each are 0.3 GB; the largest published scans would take 4.
SIZE_LIMIT = 4 * 1024**3
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_NUMERIC = (*SPECIFICATION, *LEGACY_KEYS)
_TEXT = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>(?s:..))\{'descr': '<U[0-9]{1,9}', 'fortran_order': False, 'shape': \(\), ?\} *\n"
)


@dataclass(frozen=True, eq=False)
class PtychographyData:
    """n frames of one scan; arrays that a file lacks are ``None``.

    ``diffraction`` holds *amplitudes* (the square roots of normalised counts), centred; coordinates are the middles of
    the frames in pixels of the object; ``patches`` is the true object under each frame; ``mask`` (N, N) is false where
    the detector is dead.
    """

    diffraction: NDArray[np.float32]
    object_guess: NDArray[np.complex64]
    probe_guess: NDArray[np.complex64]
    xcoords: NDArray[np.float64]
    ycoords: NDArray[np.float64]
    patches: NDArray[np.complex64] | None = None
    mask: NDArray[np.bool_] | None = None
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(self.diffraction)

    @property
    def frame_size(self) -> int:
        """N, the side of a frame in pixels."""
        return int(self.diffraction.shape[-1])

    def select(self, indices: NDArray[np.int64]) -> PtychographyData:
        """The frames at *indices*, in that order; object, probe and metadata stay."""
        return replace(
            self,
            diffraction=self.diffraction[indices],
            xcoords=self.xcoords[indices],
            ycoords=self.ycoords[indices],
            patches=None if self.patches is None else self.patches[indices],
            extras={key: value[indices] for key, value in self.extras.items()},
        )


@dataclass(frozen=True, eq=False)
class Contents:
    """What a data file holds: the numbers by key, why a key's were refused, the metadata, the names of all members."""

    arrays: Mapping[str, NDArray[Any]]
    refused: Mapping[str, str]
    metadata: Mapping[str, Json]
    members: frozenset[str]

    @property
    def problems(self) -> list[str]:
        """Every way in which this breaks the contract, one line each."""
        return [f"{key}: {self.refused[key]}" for key in REQUIRED if key in self.refused] + problems_of(
            self.arrays, refused=self.refused
        )

    def data(self, where: str) -> PtychographyData:
        """The data set that this is; :class:`DataError` with a line for each problem if it breaks the contract."""
        if problems := self.problems:
            raise DataError("\n".join(f"{where}: {problem}" for problem in problems))
        return from_arrays(self.arrays, self.metadata)


def read_data(path: Path, *, limit: int = SIZE_LIMIT) -> PtychographyData:
    """The data set in *path*, checked against the whole contract.

    Raises :class:`DataError` with one line for each problem (file, key, found, expected). Never unpickles: a pickled
    optional member is ignored, a pickled required one is a problem. ``diff3d`` is read where there is no
    ``diffraction``.
    """
    try:
        with path.open("rb") as stream:
            return read_contents(stream, str(path), limit=limit).data(str(path))
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); expected an NPZ file"
        raise DataError(msg) from error


def read_contents(stream: BinaryIO, where: str, *, limit: int = SIZE_LIMIT) -> Contents:
    """The members of a data file, of at most *limit* bytes together; those that no data set has are only named.

    A file that is no NPZ archive, or whose metadata are no JSON object, is a :class:`ReadError`.
    """
    archive = Archive(stream, where, limit=limit)
    members = frozenset(name.removesuffix(".npy") for name in archive.members)
    arrays: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    for key in sorted(members.intersection(_NUMERIC), key=_NUMERIC.index):
        name = LEGACY_KEYS.get(key, key)
        if name not in arrays:
            try:
                arrays[name] = array_of(archive.read(f"{key}.npy"), f"{where}!{key}")
            except ReadError as error:
                refused[name] = error.what
    text = archive.read(f"{METADATA_KEY}.npy") if METADATA_KEY in members else None
    return Contents(arrays, refused, {} if text is None else _metadata(text, f"{where}!{METADATA_KEY}"), members)


def write_data(path: Path, data: PtychographyData) -> None:
    """Write *data* to *path* whole or not at all; equal data gives equal bytes on every platform.

    Data that breaks the contract is a :class:`DataError`, and nothing is written.
    """
    arrays = to_arrays(data)
    if problems := problems_of(arrays):
        raise DataError("\n".join(f"{path}: {problem}" for problem in problems))
    text = json.dumps(dict(data.metadata), allow_nan=False, sort_keys=True)
    write_bytes(path, npz_bytes({**arrays, METADATA_KEY: np.array(text)}))


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An uncompressed NPZ archive with fixed dates, so that equal arrays give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key, value in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{key}.npy", date_time=_FIXED_DATE)
            entry.create_system = 3  # the default names the writing platform
            archive.writestr(entry, member.getvalue())
    return buffer.getvalue()


def _metadata(data: bytes, where: str) -> dict[str, Json]:
    """The JSON object in an array of one text; a pickled one, as other programs write it, is never read."""
    header = _TEXT.match(data)
    if header is None or header.end() != int.from_bytes(header["length"], "little") + len(b"\x93NUMPY") + 4:
        try:
            array_of(data, where)
        except ReadError as error:
            if error.kind == Kind.PICKLE:
                return {}
        raise ReadError(Kind.HEADER, where, "is not one JSON text")
    try:
        text = data[header.end() :].decode("utf-32-le").rstrip("\0")
    except UnicodeDecodeError as error:
        raise ReadError(Kind.NOT_UTF8, where, "is not text") from error
    return require_object(parse(text, where), where)


def from_arrays(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Json]) -> PtychographyData:
    """The data set of *arrays*, in which :func:`problems_of` finds no problem."""
    named = {"diffraction", "objectGuess", "probeGuess", "xcoords", "ycoords", "Y", "mask"}
    return PtychographyData(
        diffraction=arrays["diffraction"].astype(np.float32),
        object_guess=arrays["objectGuess"].astype(np.complex64),
        probe_guess=arrays["probeGuess"].astype(np.complex64),
        xcoords=arrays["xcoords"].astype(np.float64),
        ycoords=arrays["ycoords"].astype(np.float64),
        patches=arrays["Y"].astype(np.complex64) if "Y" in arrays else None,
        mask=np.array(arrays["mask"]) if "mask" in arrays else None,
        extras={key: value for key, value in arrays.items() if key not in named},
        metadata=metadata,
    )


def to_arrays(data: PtychographyData) -> dict[str, NDArray[Any]]:
    """The arrays of *data* by their keys in a file."""
    arrays: dict[str, NDArray[Any]] = {
        "diffraction": data.diffraction,
        "objectGuess": data.object_guess,
        "probeGuess": data.probe_guess,
        "xcoords": data.xcoords,
        "ycoords": data.ycoords,
    }
    if data.patches is not None:
        arrays["Y"] = data.patches
    if data.mask is not None:
        arrays["mask"] = data.mask
    return arrays | {key: data.extras[key] for key in sorted(data.extras)}
