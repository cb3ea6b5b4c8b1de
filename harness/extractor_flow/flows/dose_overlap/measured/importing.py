"""Brings the files of other programs to the contract of a data set, and writes down what was changed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.files import sha256_of
from extractor_flow.flows.dose_overlap.data.dataset import SIZE_LIMIT, Contents
from extractor_flow.flows.dose_overlap.data.dataset_rules import SPECIFICATION
from extractor_flow.flows.dose_overlap.measured.consistency import brightness, judge, odd_frames, reread
from extractor_flow.readers.arrays import array_of
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

    Arrays = dict[str, NDArray[Any]]

NAMES = {
    "diffraction": ("diffraction", "diff3d", "diffraction_patterns", "frames", "data", "intensities"),
    "objectGuess": ("objectGuess", "object", "obj"),
    "probeGuess": ("probeGuess", "probe"),
    "xcoords": ("xcoords", "x", "pos_x"),
    "ycoords": ("ycoords", "y", "pos_y"),
    "mask": ("mask", "detector_mask", "good_pixels"),
}
"""What other programs call the arrays of the contract."""
_LARGEST = 9.0
# Nearer than that, photon noise may be why.
_NEARLY = 1.02
_NONE = np.empty(0, np.int64)


def import_files(paths: Sequence[Path], *, photon_scale: float | None = None) -> PtychographyData:
    """One data set of what *paths* hold together; its metadata say what was cast, scaled and read otherwise.

    Whole numbers are counts. Blank and far too bright frames are left out. Where the others do not fit the object, the
    reading that does is taken; where none does, or an array is missing, it is a :class:`DataError`. ``photon_scale``:
    photons for each unit of squared amplitude.
    """
    arrays, notes = _collected(paths)
    arrays, casts, scale = _normalised(arrays, notes, photon_scale)
    where = ", ".join(map(str, paths))
    data = _without_odd_frames(Contents(arrays, {}, {}, frozenset(arrays)).data(where), notes)
    ways = judge(data).undone
    data, times = _as_bright(reread(data, ways), notes)
    scale = None if scale is None else scale / times**2
    if not (after := judge(data)).fits:
        msg = f"{where}: diffraction: the frames do not fit objectGuess and probeGuess: {after}"
        raise DataError(msg)
    facts: dict[str, Json] = {
        "stage": "imported",
        "sources": {path.name: sha256_of(path) for path in paths},
        "casts": [*casts],
        "changes": [*notes, *(f"read with {way}" for way in ways)],
        "fourier_error": after.given.error,
    }
    return replace(data, metadata=facts | ({} if scale is None else {"photon_scale": float(scale)}))


def _normalised(given: Arrays, notes: list[str], photon_scale: float | None) -> tuple[Arrays, list[str], float | None]:
    """The arrays in the contract's precision and range, what was cast, and the photons for each unit of intensity."""
    arrays, casts = _cast(given)
    frames, scale = arrays.get("diffraction"), photon_scale
    if frames is None:
        return arrays, casts, scale
    if given["diffraction"].dtype.kind in "ui":
        frames, scale = np.sqrt(frames), 1.0
        notes.append("square roots of counts")
    peak = float(frames.max(initial=0))
    if math.isfinite(peak) and peak > _LARGEST:
        frames = frames * np.float32(_LARGEST / peak)
        notes.append(f"amplitudes times {_LARGEST / peak:.6g}")
        scale = None if scale is None else scale * (peak / _LARGEST) ** 2
    return {**arrays, "diffraction": frames}, casts, scale


def _as_bright(data: PtychographyData, notes: list[str]) -> tuple[PtychographyData, float]:
    """*data* with the amplitudes that object and probe give, within the contract; by how much they were multiplied."""
    times = 1 / brightness(data)
    if 1 / _NEARLY < times < _NEARLY or not math.isfinite(times) or times == 0:
        return data, 1.0
    peak = float(data.diffraction.max()) * times
    dimmed = min(_LARGEST / peak, 1.0)
    notes.append(f"amplitudes times {times * dimmed:.6g}")
    if dimmed < 1:
        notes.append(f"probe times {dimmed:.6g}")
    frames = data.diffraction * np.float32(times * dimmed)
    return replace(data, diffraction=frames, probe_guess=data.probe_guess * np.float32(dimmed)), times * dimmed


def _without_odd_frames(data: PtychographyData, notes: list[str]) -> PtychographyData:
    odd = odd_frames(data)
    notes += [f"left out {len(places)} frames that were {word}" for word, places in odd.items()]
    return data.select(np.setdiff1d(np.arange(data.count), np.concatenate([_NONE, *odd.values()])))


def _collected(paths: Sequence[Path]) -> tuple[Arrays, list[str]]:
    """The arrays that the contract knows, under its names, from whichever file has them first."""
    found: Arrays = {}
    notes = []
    for path in paths:
        for member, array in _numbers(path).items():
            name = next((name for name, others in NAMES.items() if member in others), None)
            if name is not None and name not in found:
                found[name] = array
                if name != member:
                    notes.append(f"{member} is {name}")
    return found, notes


def _numbers(path: Path) -> Arrays:
    """The numeric arrays of an NPZ file; what would have to be unpickled is left alone."""
    found: Arrays = {}
    wanted = {alias for others in NAMES.values() for alias in others}
    try:
        with path.open("rb") as stream:
            archive = Archive(stream, str(path), limit=SIZE_LIMIT)
            for member in archive.members:
                name = member.removesuffix(".npy")
                if name in wanted:
                    found[name] = array_of(archive.read(member), f"{path}!{name}")
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); expected an NPZ file"
        raise DataError(msg) from error
    except ReadError as error:
        msg = f"{error}; expected an NPZ file of numbers"
        raise DataError(msg) from error
    return found


def _cast(arrays: Mapping[str, NDArray[Any]]) -> tuple[Arrays, list[str]]:
    """The arrays in the precision of the contract, and what was cast."""
    found: Arrays = {}
    casts = []
    for name, array in arrays.items():
        wanted = SPECIFICATION[name].dtypes
        if array.dtype.name not in wanted:
            casts.append(f"{name}: {array.dtype.name} to {wanted[0]}")
        found[name] = array if array.dtype.name in wanted else array.astype(wanted[0])
    return found, casts
