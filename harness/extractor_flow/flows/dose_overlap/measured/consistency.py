"""Whether frames fit the object and the probe that come with them, and which other reading of them would."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.scan_geometry import corners, cut, fractions, probes_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData

WAYS = {
    "shift": "the zero frequency in the corner",
    "sqrt": "intensities in place of amplitudes",
    "swap": "x and y exchanged",
    "flip-x": "x counted from the other side",
    "flip-y": "y counted from the other side",
}
"""The usual mistakes, by what undoes them."""

# As many frames tell readings apart, and take half a second.
_LOOKED_AT = 48
# Where photons are few, it takes more frames to see that they are in their places: as many as have so many pixels.
_PIXELS = 1 << 20
# Standard errors, frame by frame, by which frames in their places have to fit better than frames dealt out at random,
# and another reading better than the one given. Photon noise is part of every reading's error.
_PLACED, _BETTER = 2.0, 3.0
_BLANK, _BRIGHT = 0.02, 10.0
# By how much amplitudes may differ in all: a reconstruction that is scored against the object differs as much.
_TIMES = 1.25
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read the frames, by the names of :data:`WAYS`, and the squared error of each in Fourier space.

    In units of a mean frame's energy; without errors, where frames would lie outside the object.
    """

    ways: tuple[str, ...]
    squares: NDArray[np.float64] | None

    @property
    def error(self) -> float:
        """The relative error of all frames together."""
        return math.inf if self.squares is None else float(np.sqrt(self.squares.mean()))

    def beats(self, other: Reading, by: float) -> bool:
        """Whether it fits better than *other* by so many standard errors."""
        if self.squares is None or other.squares is None:
            return self.squares is not None
        gaps = other.squares - self.squares
        return float(gaps.mean()) > by * float(gaps.std()) / math.sqrt(len(gaps))


@dataclass(frozen=True, eq=False)
class Judgement:
    """The frames as they are, dealt out at random, and in the best other reading; ``odd`` ones by what they are."""

    given: Reading
    dealt: Reading
    best: Reading
    odd: Mapping[str, NDArray[np.int64]]
    placed: bool
    """Whether the frames as they are fit better than in each other's places."""
    brightness: float
    """How many times the amplitudes are those that object and probe give."""

    @property
    def undone(self) -> tuple[str, ...]:
        """The mistakes without which the frames would fit clearly better; none where they would not."""
        better = self.best.beats(self.given, _BETTER) and self.best.beats(self.dealt, _PLACED)
        return self.best.ways if better else ()

    @property
    def fits(self) -> bool:
        """Whether the frames are best read as they are, and belong to their places on the object."""
        return not self.odd and not self.undone and self.placed and self.is_as_bright

    @property
    def is_as_bright(self) -> bool:
        """Whether the amplitudes are about those that object and probe give."""
        return 1 / _TIMES < self.brightness < _TIMES

    def __str__(self) -> str:
        parts = [f"the error in Fourier space is {self.given.error:.3g} ({self.dealt.error:.3g} in wrong places)"]
        if self.undone:
            mistakes = " and ".join(f"{WAYS[way]} ({way})" for way in self.undone)
            parts.append(f"it would be {self.best.error:.3g} if the file has {mistakes}")
        elif not self.placed:
            parts.append("they fit no better than in each other's places, however they are read")
        elif not self.is_as_bright:
            parts.append(f"the amplitudes are {self.brightness:.3g} times those that object and probe give")
        return "; ".join([*parts, *map(self._described, self.odd)])

    def _described(self, word: str) -> str:
        places = self.odd[word]
        named = ", ".join(map(str, places[:_NAMED].tolist())) + (", ..." if len(places) > _NAMED else "")
        return f"{len(places)} frames are {word} (numbers {named})"


def judge(data: PtychographyData) -> Judgement:
    """Compare some frames of *data* with what its object and probe give, read in every way of :data:`WAYS`."""
    odd = odd_frames(data)
    usual = np.setdiff1d(np.arange(data.count), np.concatenate([np.empty(0, np.int64), *odd.values()]))
    looked_at = _some(usual, _LOOKED_AT)
    names = tuple(WAYS)
    readings = [
        Reading(ways, _squares(reread(data, ways).select(looked_at)))
        for taken in product((False, True), repeat=len(names))
        if (ways := tuple(name for name, each in zip(names, taken, strict=True) if each))
    ]
    # Of readings that are as good, the one with the fewest mistakes.
    best = min(readings, key=lambda each: each.error * 1.02 ** len(each.ways))
    kept, many = data.select(looked_at), data.select(_some(usual, _PIXELS // data.diffraction[0].size))
    given, dealt = (Reading((), _squares(many, deal=deal)) for deal in (False, True))
    own = (Reading((), _squares(kept)), Reading((), _squares(kept, deal=True)))
    return Judgement(*own, best, odd, given.beats(dealt, _PLACED), brightness(kept))


def brightness(data: PtychographyData) -> float:
    """How many times the amplitudes of *data* are those of its object and probe; infinite where those give none."""
    pair = _amplitudes(data)
    if pair is None or not pair[1].any():
        return math.inf
    return math.sqrt(float((pair[0] ** 2).sum()) / float((pair[1] ** 2).sum()))


def _some(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most *count* of *places*, evenly."""
    return places[np.linspace(0, len(places) - 1, min(len(places), max(count, 1))).astype(np.int64)]


def require_consistent(data: PtychographyData, where: str) -> None:
    """Raise :class:`DataError`, which says what would do, unless the frames of *data* fit its object and probe."""
    found = judge(data)
    if not found.fits:
        how = "convert it with: extractor-flow dose-overlap import, or go on with --accept-inconsistent"
        msg = f"{where}: diffraction: the frames do not fit objectGuess and probeGuess: {found}; {how}"
        raise DataError(msg)


def reread(data: PtychographyData, ways: tuple[str, ...]) -> PtychographyData:
    """*data* with the mistakes *ways* undone."""
    frames, x, y = data.diffraction, data.xcoords, data.ycoords
    if "shift" in ways:
        frames = np.fft.fftshift(frames, axes=(1, 2))
    if "sqrt" in ways:
        frames = np.sqrt(frames)
    if "swap" in ways:
        x, y = y, x
    if "flip-x" in ways:
        x = data.object_guess.shape[1] - x
    if "flip-y" in ways:
        y = data.object_guess.shape[0] - y
    return replace(data, diffraction=np.ascontiguousarray(frames), xcoords=x, ycoords=y)


def odd_frames(data: PtychographyData) -> dict[str, NDArray[np.int64]]:
    """The numbers of the frames that are much darker or brighter than the others, by what they are."""
    energy = (data.diffraction.astype(np.float64) ** 2).sum(axis=(1, 2))
    usual = float(np.median(energy))
    found = {
        "blank": np.flatnonzero(energy < _BLANK * usual),
        "far too bright": np.flatnonzero(energy > _BRIGHT * usual),
    }
    return {word: places for word, places in found.items() if len(places)}


def _squares(data: PtychographyData, *, deal: bool = False) -> NDArray[np.float64] | None:
    """|A - s M|² of each frame, with the best scale s of all; ``None`` where a frame lies outside the object."""
    pair = _amplitudes(data)
    if pair is None:
        return None
    frames, model = pair
    if deal:
        frames = np.roll(frames, max(len(frames) // 2, 1), axis=0)
    own, energy = float((model**2).sum()), float((frames**2).sum())
    if own == 0 or energy == 0:
        return None
    scale = float((frames * model).sum()) / own
    return np.asarray(((frames - scale * model) ** 2).sum(axis=1) / (energy / data.count))


def _amplitudes(data: PtychographyData) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """What was measured where the detector sees, and what object and probe give there, (n, pixels) each."""
    size = data.frame_size
    first = corners(data.xcoords, data.ycoords, size)
    if (first < 0).any() or (first + size > data.object_guess.shape).any():
        return None
    probes = probes_at(data.probe_guess, fractions(data.xcoords, data.ycoords))
    waves = cut(data.object_guess, first, size) * probes
    model = np.abs(np.fft.fftshift(np.fft.fft2(waves, norm="ortho"), axes=(-2, -1)))
    seen = np.ones((size, size), bool) if data.mask is None else data.mask
    return data.diffraction.astype(np.float64)[:, seen], model[:, seen]
