"""The NPZ contract of a ptychography data set: the value, its reader and its writer."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.files import parse_json, write_bytes
from extractor_flow.flows.dose_overlap.data.dataset_rules import LEGACY_KEYS, REQUIRED, SPECIFICATION, problems_of
from extractor_flow.flows.dose_overlap.data.npz import SIZE_LIMIT, Contents, read_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor_flow.files import Json

METADATA_KEY = "metadata"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class PtychographyData:
    """n frames of one scan; arrays that a file lacks are ``None``.

    ``diffraction`` holds *amplitudes* (the square roots of normalised counts), centred; coordinates are the middles of
    the frames in pixels of the object; ``patches`` is the true object under each frame.
    """

    diffraction: NDArray[np.float32]
    object_guess: NDArray[np.complex64]
    probe_guess: NDArray[np.complex64]
    xcoords: NDArray[np.float64]
    ycoords: NDArray[np.float64]
    patches: NDArray[np.complex64] | None = None
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


def read_data(path: Path, *, limit: int = SIZE_LIMIT) -> PtychographyData:
    """The data set in *path*, checked against the whole contract.

    Raises :class:`DataError` with one line for each problem (file, key, found, expected). Never unpickles: a pickled
    optional member is ignored, a pickled required one is a problem. ``diff3d`` is read where there is no
    ``diffraction``.
    """
    contents = _renamed(read_arrays(path, [*SPECIFICATION, *LEGACY_KEYS, METADATA_KEY], limit=limit))
    problems = [f"{key}: {reason}" for key, reason in contents.refused.items() if key in REQUIRED]
    arrays = {key: value for key, value in contents.arrays.items() if key != METADATA_KEY}
    problems += problems_of(arrays, refused=contents.refused)
    metadata = _metadata(contents, problems)
    if problems:
        raise DataError("\n".join(f"{path}: {problem}" for problem in problems))
    return from_arrays(arrays, metadata)


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


def _renamed(contents: Contents) -> Contents:
    """The same contents under today's keys; a key that is there under both names keeps today's."""
    arrays = {LEGACY_KEYS.get(key, key): value for key, value in contents.arrays.items()}
    refused = {LEGACY_KEYS.get(key, key): value for key, value in contents.refused.items()}
    arrays |= {key: contents.arrays[key] for key in SPECIFICATION if key in contents.arrays}
    return Contents(arrays, {key: reason for key, reason in refused.items() if key not in arrays})


def _metadata(contents: Contents, problems: list[str]) -> dict[str, Json]:
    array = contents.arrays.get(METADATA_KEY)
    if array is None:
        return {}
    if array.dtype.kind != "U" or array.shape != ():
        problems.append(f"{METADATA_KEY}: found {array.dtype} of shape {array.shape}; expected one JSON string")
        return {}
    try:
        value = parse_json(str(array), where=METADATA_KEY)
    except DataError as error:
        problems.append(str(error))
        return {}
    if not isinstance(value, dict):
        problems.append(f"{METADATA_KEY}: found a JSON {type(value).__name__}; expected an object")
        return {}
    return value


def from_arrays(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Json]) -> PtychographyData:
    """The data set of *arrays*, in which :func:`problems_of` finds no problem."""
    named = {"diffraction", "objectGuess", "probeGuess", "xcoords", "ycoords", "Y"}
    return PtychographyData(
        diffraction=arrays["diffraction"].astype(np.float32),
        object_guess=arrays["objectGuess"].astype(np.complex64),
        probe_guess=arrays["probeGuess"].astype(np.complex64),
        xcoords=arrays["xcoords"].astype(np.float64),
        ycoords=arrays["ycoords"].astype(np.float64),
        patches=arrays["Y"].astype(np.complex64) if "Y" in arrays else None,
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
    return arrays | {key: data.extras[key] for key in sorted(data.extras)}
