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
from extractor_flow.flows.dose_overlap.measured.hdf5 import is_hdf5, read_hdf5
from extractor_flow.flows.dose_overlap.measured.layouts import Findings, Found, ImportRequest
from extractor_flow.readers.arrays import array_of
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

    Arrays = dict[str, NDArray[Any]]
    Refine = Callable[[PtychographyData], PtychographyData]

_LARGEST = 9.0
# Nearer than that, photon noise may be why.
_NEARLY = 1.02
_NONE = np.empty(0, np.int64)
_SHOWN = 8


@np.errstate(all="ignore")  # what is not finite is refused by the contract, with its name
def import_files(
    paths: Sequence[Path], request: ImportRequest | None = None, *, refine: Refine | None = None
) -> PtychographyData:
    """One data set of what *paths* hold together; its metadata say what was cast, scaled and read otherwise.

    Whole numbers are counts. Blank and far too bright frames are left out. Where the others do not fit the object, the
    reading that does is taken; where none does, or an array is missing, it is a :class:`DataError`. *refine* improves
    object and probe before that is decided.
    """
    request = request or ImportRequest()
    where = ", ".join(map(str, paths))
    notes: list[str] = []
    given = Findings(_collected(paths, request, notes), request, where, notes).arrays()
    arrays, casts, scale = _normalised(given, notes, request.photon_scale)
    data = _without_odd_frames(Contents(arrays, {}, {}, frozenset(arrays)).data(where), notes)
    ways = judge(data).undone if request.ways is None else request.ways
    data, times = _as_bright(reread(data, ways), notes)
    scale = None if scale is None else scale / times**2
    data = data if refine is None else _refined(data, refine, notes)
    after = judge(data)
    if not (after.fits or request.accept):
        msg = f"{where}: diffraction: the frames do not fit objectGuess and probeGuess: {after}"
        raise DataError(msg)
    facts: dict[str, Json] = {
        "stage": "imported",
        "sources": {path.name: sha256_of(path) for path in paths},
        "casts": [*casts],
        "changes": [*notes, *(f"read with {way}" for way in ways)],
        "fourier_error": after.given.error if math.isfinite(after.given.error) else None,
        **({} if after.fits else {"accepted_inconsistent": True}),
    }
    return replace(data, metadata=facts | ({} if scale is None else {"photon_scale": float(scale)}))


def _normalised(given: Arrays, notes: list[str], photon_scale: float | None) -> tuple[Arrays, list[str], float | None]:
    """The arrays in the contract's precision and range, what was cast, and the photons for each unit of intensity."""
    given = _without_dead_pixels(given, notes)
    arrays, casts = _cast(given)
    frames, scale = arrays.get("diffraction"), photon_scale
    if frames is None or frames.dtype.kind != "f":
        return arrays, casts, scale
    if _are_counts(given["diffraction"]):
        frames, scale = np.sqrt(frames), photon_scale or 1.0
        notes.append("square roots of counts")
    peak = float(frames.max(initial=0))
    if math.isfinite(peak) and peak > _LARGEST:
        frames = frames * np.float32(_LARGEST / peak)
        notes.append(f"amplitudes times {_LARGEST / peak:.6g}")
        scale = None if scale is None else scale * (peak / _LARGEST) ** 2
    return {**arrays, "diffraction": frames}, casts, scale


def _are_counts(frames: NDArray[Any]) -> bool:
    """Whether *frames* are whole numbers; of floats, only where they are too large for amplitudes."""
    if frames.dtype.kind in "ui":
        return True
    return bool(frames.dtype.kind == "f" and frames.max(initial=0) > _LARGEST and (frames == np.floor(frames)).all())


def _without_dead_pixels(arrays: Arrays, notes: list[str]) -> Arrays:
    """The frames with nothing in the dead pixels, of which those are that are below 0 or as large as their type holds.

    Detectors mark gaps so, and a hot pixel must not set the scale.
    """
    frames, mask = arrays.get("diffraction"), arrays.get("mask")
    if frames is None or frames.ndim != len("nNN") or frames.dtype.kind not in "uif":
        return arrays
    if mask is None or mask.shape != frames.shape[1:]:
        mask = np.ones(frames.shape[1:], bool)
    marked = ~(frames >= 0)
    if frames.dtype.kind in "ui":
        marked |= frames == np.iinfo(frames.dtype).max
    dead = mask & marked.any(axis=0)
    if dead.any():
        notes.append(f"{int(dead.sum())} pixels that are no counts in some frame are masked")
        arrays = {**arrays, "mask": mask & ~dead}
    seen = mask & ~dead
    return arrays if seen.all() else arrays | {"diffraction": np.where(seen, frames, frames.dtype.type(0))}


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


def _refined(data: PtychographyData, refine: Refine, notes: list[str]) -> PtychographyData:
    refined = refine(data)
    before, after = (f"{judge(each).given.error:.3g}" for each in (data, refined))
    notes.append(f"object and probe refined: the error in Fourier space was {before} and is {after}")
    return refined


def _without_odd_frames(data: PtychographyData, notes: list[str]) -> PtychographyData:
    odd = odd_frames(data)
    notes += [f"left out {len(places)} frames that were {kind}" for kind, places in odd.items()]
    return data.select(np.setdiff1d(np.arange(data.count), np.concatenate([_NONE, *odd.values()])))


def _collected(paths: Sequence[Path], request: ImportRequest, notes: list[str]) -> dict[str, Found]:
    """The wanted arrays, each from the first file that has it."""
    found: dict[str, Found] = {}
    for path in paths:
        numbers, others = _numbers(path, request.paths())
        if not numbers:
            held = f"; it holds {', '.join(others[:_SHOWN])}" if others else ""
            msg = f"{path}: found none of the arrays of a data set{held}; name one with --at, as diffraction=PATH"
            raise DataError(msg)
        for name, each in numbers.items():
            if name not in found:
                found[name] = each
                if name in SPECIFICATION and name != each.place:
                    notes.append(f"{each.place} is {name}")
    return found


def _numbers(path: Path, wanted: Mapping[str, Sequence[str]]) -> tuple[dict[str, Found], list[str]]:
    """What a file holds of *wanted*, by name, and the names of what it holds, for messages."""
    try:
        if not path.is_file():
            msg = f"{path}: cannot be read (No such file); expected an NPZ or HDF5 file"
            raise DataError(msg)
        return read_hdf5(path, wanted) if is_hdf5(path) else _members(path, wanted)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); expected an NPZ or HDF5 file"
        raise DataError(msg) from error
    except ReadError as error:
        msg = f"{error}; expected an NPZ or HDF5 file of numbers"
        raise DataError(msg) from error


def _members(path: Path, wanted: Mapping[str, Sequence[str]]) -> tuple[dict[str, Found], list[str]]:
    """The members of an NPZ file, except those that would have to be unpickled."""
    with path.open("rb") as stream:
        archive = Archive(stream, str(path), limit=SIZE_LIMIT)
        names = [member.removesuffix(".npy") for member in archive.members]
        places = {name: next((each for each in paths if each in names), None) for name, paths in wanted.items()}
        found = {
            name: Found(array_of(archive.read(f"{place}.npy"), f"{path}!{place}"), place)
            for name, place in places.items()
            if place is not None
        }
    return found, names


def _cast(arrays: Mapping[str, NDArray[Any]]) -> tuple[Arrays, list[str]]:
    """The arrays in the precision of the contract, and what was cast; complex numbers are not made real."""
    found = dict(arrays)
    casts = []
    for name, array in arrays.items():
        wanted = SPECIFICATION[name].dtypes
        if array.dtype.name not in wanted and np.can_cast(array.dtype, wanted[0], "same_kind"):
            casts.append(f"{name}: {array.dtype.name} to {wanted[0]}")
            found[name] = array.astype(wanted[0])
    return found, casts
