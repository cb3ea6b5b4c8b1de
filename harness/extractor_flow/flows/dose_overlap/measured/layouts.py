"""Where files of other programs keep what a data set is made of, and what their conventions mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

_ENTRY, _DETECTOR, _SOURCE = "entry_1", "entry_1/instrument_1/detector_1", "entry_1/instrument_1/source_1"
_FRAMES = ("diffraction", "diff3d", "diffraction_patterns", "frames", "data", "intensities")
PLACES: dict[str, tuple[str, ...]] = {
    "diffraction": (*_FRAMES, f"{_ENTRY}/data_1/data", f"{_DETECTOR}/data", "chunks/*/data"),
    "objectGuess": ("objectGuess", "object", "obj", f"{_ENTRY}/image_1/data", "content/obj/*/data"),
    "probeGuess": ("probeGuess", "probe", f"{_SOURCE}/illumination", "content/probe/*/data"),
    "xcoords": ("xcoords", "x", "pos_x"),
    "ycoords": ("ycoords", "y", "pos_y"),
    "mask": ("mask", "detector_mask", "good_pixels"),
    # Metres: x and y in the first columns of the one, y and x in those of the other.
    "translation": (f"{_ENTRY}/data_1/translation", f"{_ENTRY}/sample_1/geometry_1/translation"),
    "positions": ("chunks/*/positions",),
    # 0 where the detector sees, and more than 0 there.
    "bad_pixels": (f"{_DETECTOR}/mask",),
    "weights": ("meta/weight2d",),
    "wavelength": (f"{_SOURCE}/wavelength",),
    "energy": (f"{_SOURCE}/energy",),
    "energy_kev": ("meta/energy",),
    "distance": (f"{_DETECTOR}/distance", "meta/distance"),
    "detector_pixel": (f"{_DETECTOR}/x_pixel_size", "meta/psize"),
}
"""The arrays of the contract and what leads to them, with the paths where each may lie in NPZ, CXI, ptyd and ptyr."""

_SEES: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "mask": lambda array: array.astype(bool),
    "bad_pixels": lambda array: ~array.astype(bool),
    "weights": lambda array: np.greater(array, 0),
}
_METRES = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "nm": 1e-9}
_PIXELS = frozenset({"px", "pixel", "pixels"})
_ROW = 2
_PLANCK_TIMES_LIGHT = 6.62607015e-34 * 299792458
_KEV = 1.602176634e-16


@dataclass(frozen=True, eq=False)
class Found:
    """An array, where in its file it was, and the unit that the file gives."""

    array: NDArray[Any]
    place: str
    unit: str | None = None


@dataclass(frozen=True)
class ImportRequest:
    """What the user states about the files; it takes precedence over what they say.

    ``photon_scale``: photons for each unit of squared amplitude, or each count; ``pixel_size``: metres for each pixel
    of the object, in which positions without a unit then are; ``places``: paths by the names of :data:`PLACES`;
    ``ways``: the mistakes to undo, ``None`` to find them; ``accept``: go on where frames do not fit their object.
    """

    photon_scale: float | None = None
    pixel_size: float | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    ways: tuple[str, ...] | None = None
    accept: bool = False

    def paths(self) -> dict[str, tuple[str, ...]]:
        """Where to look for each name."""
        return {**PLACES, **{name: (path,) for name, path in self.places.items()}}


@dataclass(frozen=True)
class Findings:
    """What files hold together, read as asked for; ``notes`` grows by what is changed. ``where`` is for messages."""

    found: Mapping[str, Found]
    request: ImportRequest
    where: str
    notes: list[str]

    def arrays(self) -> Arrays:
        """The arrays of the contract, as far as they are there: one mode, one mask, positions in pixels."""
        modes = {name: self._first_mode(name) for name in ("objectGuess", "probeGuess") if name in self.found}
        frames = self.found["diffraction"].array if "diffraction" in self.found else None
        if frames is not None:
            raster = frames.ndim == len("yxNN")
            modes["diffraction"] = frames.reshape(-1, *frames.shape[2:]) if raster else frames
        mask = self._mask()
        return {**modes, **({} if mask is None else {"mask": mask}), **self._coordinates(modes)}

    def _first_mode(self, name: str) -> NDArray[Any]:
        array = self.found[name].array
        while array.ndim > len("MK") and len(array):
            if len(array) > 1:
                self.notes.append(f"{name} is the first of {len(array)}")
            array = array[0]
        return array

    def _mask(self) -> NDArray[np.bool_] | None:
        """True where the detector sees in every frame."""
        name = next((name for name in _SEES if name in self.found), None)
        if name is None:
            return None
        mask = _SEES[name](self.found[name].array)
        if mask.ndim > len("NN"):
            self.notes.append("mask is true where every frame's is")
            mask = np.asarray(mask.all(axis=tuple(range(mask.ndim - _ROW))))
        return mask

    def _coordinates(self, arrays: Arrays) -> Arrays:
        """The middles of the frames: as they are where they are pixels, else on the middle of the object."""
        pair = self._pair()
        if pair is None:
            return {}
        x, y, unit = pair
        if unit in _PIXELS:
            return {"xcoords": x, "ycoords": y}
        if unit not in _METRES:
            msg = f"{self.where}: positions in {unit!r}; expected one of {', '.join((*_METRES, *sorted(_PIXELS)))}"
            raise DataError(msg)
        pixel = self._object_pixel(arrays) / _METRES[unit]
        if "objectGuess" not in arrays:
            return {"xcoords": x / pixel, "ycoords": y / pixel}
        self.notes.append(f"positions in {unit} put on the middle of the object, {pixel:.6g} {unit} a pixel")
        rows, columns = arrays["objectGuess"].shape
        return {"xcoords": _centred(x / pixel, columns), "ycoords": _centred(y / pixel, rows)}

    def _pair(self) -> tuple[NDArray[Any], NDArray[Any], str] | None:
        if "xcoords" in self.found and "ycoords" in self.found:
            x, y = (self.found[name] for name in ("xcoords", "ycoords"))
            return x.array.ravel(), y.array.ravel(), x.unit or ("px" if self.request.pixel_size is None else "m")
        for name, (first, second) in (("translation", (0, 1)), ("positions", (1, 0))):
            if name in self.found:
                table = self.found[name]
                if table.array.ndim != _ROW or table.array.shape[1] < _ROW:
                    msg = f"{self.where}: {table.place}: found the shape {table.array.shape}; expected (n, 2 or 3)"
                    raise DataError(msg)
                return table.array[:, first], table.array[:, second], table.unit or "m"
        return None

    def _object_pixel(self, arrays: Arrays) -> float:
        """Metres for each pixel of the object: as asked for, or wavelength x distance / (N x pixel of the detector)."""
        if self.request.pixel_size is not None:
            return self.request.pixel_size
        energy = self._scalar("energy") or (self._scalar("energy_kev") or 0) * _KEV
        length = self._scalar("wavelength") or (_PLANCK_TIMES_LIGHT / energy if energy else None)
        distance, pixel = self._scalar("distance"), self._scalar("detector_pixel")
        frames = arrays.get("diffraction")
        if length is None or distance is None or pixel is None or frames is None or not frames.size:
            msg = (
                f"{self.where}: positions in metres, without wavelength (or energy), distance and pixel size of the"
                " detector; expected these, or --pixel-size, the metres of a pixel of the object"
            )
            raise DataError(msg)
        return float(length * distance / (frames.shape[-1] * pixel))

    def _scalar(self, name: str) -> float | None:
        """One number above 0; ``None`` where it is not in the files."""
        if name not in self.found:
            return None
        array = self.found[name].array
        value = float(array.flat[0].real) if array.size else 0.0
        if not (np.isfinite(value) and value > 0):
            msg = f"{self.where}: {self.found[name].place}: found {value:g}; expected a number above 0"
            raise DataError(msg)
        return value


def _centred(places: NDArray[Any], side: int) -> NDArray[Any]:
    """*places* moved so that the middle of their range is that of the object's *side*."""
    return places - (places.min() + places.max()) / 2 + side / 2 if places.size else places
