"""What the arrays of a ptychography data set must be; every complaint names key, found and expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

AMPLITUDE_LIMIT = 10.0
AMPLITUDE_PEAK_LIMIT = 100.0
LEGACY_KEYS = {"diff3d": "diffraction"}


@dataclass(frozen=True)
class _Rule:
    dtypes: tuple[str, ...]
    shape: str
    required: bool


SPECIFICATION = {
    "diffraction": _Rule(("float32",), "nNN", required=True),
    "objectGuess": _Rule(("complex64",), "MK", required=True),
    "probeGuess": _Rule(("complex64",), "NN", required=True),
    "xcoords": _Rule(("float64", "float32"), "n", required=True),
    "ycoords": _Rule(("float64", "float32"), "n", required=True),
    "Y": _Rule(("complex64",), "nNN", required=False),
    "mask": _Rule(("bool",), "NN", required=False),
    "scan_index": _Rule(("int64", "int32"), "n", required=False),
    "xcoords_start": _Rule(("float64", "float32"), "n", required=False),
    "ycoords_start": _Rule(("float64", "float32"), "n", required=False),
}
REQUIRED = tuple(key for key, rule in SPECIFICATION.items() if rule.required)


def problems_of(arrays: Mapping[str, NDArray[Any]], *, refused: Collection[str] = ()) -> list[str]:
    """Every way in which *arrays* break the contract, one line each; a *refused* key is not also reported missing."""
    problems = [
        f"{key}: found nothing; expected {' or '.join(SPECIFICATION[key].dtypes)} of shape {_shape_text(key)}"
        for key in REQUIRED
        if key not in arrays and key not in refused
    ]
    unknown = [key for key in arrays if key not in SPECIFICATION]
    problems += [f"{key}: found an unknown key; expected {', '.join(SPECIFICATION)}" for key in unknown]
    known = {key: value for key, value in arrays.items() if key in SPECIFICATION}
    sizes = _sizes(known)
    for key, value in known.items():
        problems += _type_problems(key, value) or _shape_problems(key, value, sizes) or _value_problems(key, value)
    shortest = min(sizes.get("M", 0), sizes.get("K", 0))
    if "M" in sizes and shortest < sizes.get("N", 0):
        problems.append(f"objectGuess: found a side of {shortest} pixels; expected at least the frame's {sizes['N']}")
    return problems


def _sizes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Take n and N from the frames, M and K from the object; an array of the wrong rank gives none."""
    sizes: dict[str, int] = {}
    frames, guess = arrays.get("diffraction"), arrays.get("objectGuess")
    if frames is not None and frames.ndim == len("nNN"):
        sizes |= {"n": frames.shape[0], "N": frames.shape[2]}
    if guess is not None and guess.ndim == len("MK"):
        sizes |= {"M": guess.shape[0], "K": guess.shape[1]}
    return sizes


def _type_problems(key: str, value: NDArray[Any]) -> list[str]:
    expected = SPECIFICATION[key].dtypes
    found = value.dtype.newbyteorder("=").name
    return [] if found in expected else [f"{key}: found {found}; expected {' or '.join(expected)}"]


def _shape_problems(key: str, value: NDArray[Any], sizes: Mapping[str, int]) -> list[str]:
    letters = SPECIFICATION[key].shape
    right = value.ndim == len(letters) and all(
        length == sizes.get(letter, length) for length, letter in zip(value.shape, letters, strict=True)
    )
    if right and 0 not in value.shape:
        return []
    known = ", ".join(f"{letter} = {sizes[letter]}" for letter in dict.fromkeys(letters) if letter in sizes)
    return [f"{key}: found the shape {value.shape}; expected {_shape_text(key)}" + (f" with {known}" if known else "")]


def _value_problems(key: str, value: NDArray[Any]) -> list[str]:
    if key == "mask" and not value.any():
        return ["mask: found only false; expected true where the detector sees"]
    if value.dtype.kind not in "fc":
        return []
    finite = np.isfinite(value)
    if not finite.all():
        return [f"{key}: found {int(np.count_nonzero(~finite))} values that are not finite; expected none"]
    if key == "diffraction":
        return _amplitude_problems(value)
    if key == "probeGuess" and not value.any():
        return ["probeGuess: found only zeros; expected a probe"]
    return []


def _amplitude_problems(frames: NDArray[np.float32]) -> list[str]:
    lowest, peak = float(frames.min()), float(frames.max())
    # Where photons are few most pixels have none, and a mean over all would say nothing about the others.
    mean = float(frames[frames > 0].mean(dtype=np.float64)) if peak > 0 else 0.0
    problems = []
    if lowest < 0:
        problems.append(f"diffraction: found the amplitude {lowest:.6g}; expected none below 0")
    if peak >= AMPLITUDE_LIMIT:
        problems.append(
            f"diffraction: found a maximum of {peak:.6g}; expected amplitudes below {AMPLITUDE_LIMIT:g}, not counts"
        )
    if peak == 0:
        problems.append("diffraction: found only zeros; expected photons")
    elif mean > 0 and peak / mean >= AMPLITUDE_PEAK_LIMIT:
        problems.append(
            f"diffraction: found a maximum of {peak / mean:.6g} times the mean of lit pixels; expected less than"
            f" {AMPLITUDE_PEAK_LIMIT:g} times, as amplitudes have and counts have not"
        )
    return problems


def _shape_text(key: str) -> str:
    letters = SPECIFICATION[key].shape
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
