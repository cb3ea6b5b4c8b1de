"""Photon-limited diffraction from an object and a probe, and the stages that a simulated data set goes through.

The physics: psi = P O; I = |FFT(psi)|² / N²; counts ~ Poisson(s² I) with s² = dose / mean(sum |psi|²); what is stored
is the amplitude sqrt(counts) / s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
from extractor_flow.flows.dose_overlap.data.scan_geometry import (
    corners,
    cut,
    fractions,
    frame_corners,
    probes_at,
    require_inside,
)
from extractor_flow.flows.dose_overlap.data.specimen import ProbeShape, defocused_probe, fly_scan, textured_object

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIMULATION_SEED = 42
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SyntheticSettings:
    """A synthetic experiment; lengths in pixels, the probe's defocus in radians at its rim."""

    object_size: int = 256
    frame_size: int = 32
    probe_diameter: float = 16.0
    probe_defocus: float = 3.0
    scan_step: float = 4.1


@dataclass(frozen=True, eq=False)
class Base:
    """What is measured: an object (M, M), a probe (N, N) and the middles of the frames, (n,) each."""

    object_guess: NDArray[np.complex64]
    probe_guess: NDArray[np.complex64]
    xcoords: NDArray[np.float64]
    ycoords: NDArray[np.float64]


def synthetic_base(settings: SyntheticSettings, *, seed: int = SIMULATION_SEED) -> Base:
    """A base made on the spot: the same settings and seed give the same bytes."""
    rng = np.random.default_rng([seed, 0])
    specimen = textured_object(settings.object_size, rng)
    probe = defocused_probe(settings.frame_size, ProbeShape(settings.probe_diameter, settings.probe_defocus))
    points = fly_scan(settings.object_size, settings.frame_size, settings.scan_step, rng)
    return Base(specimen, probe, points[:, 0].copy(), points[:, 1].copy())


def base_of(data: PtychographyData) -> Base:
    """Object, probe and positions of a data set; its frames are not used."""
    return Base(data.object_guess, data.probe_guess, data.xcoords, data.ycoords)


def diffract(waves: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The centred intensities |FFT(psi)|² / N² of (n, N, N) waves; a frame's sum is the sum of its |psi|²."""
    spectra = np.fft.fftshift(np.fft.fft2(waves), axes=(-2, -1))
    return np.asarray(np.abs(spectra) ** 2 / waves.shape[-1] ** 2)


def photon_scale(waves: NDArray[np.complex128], dose: float) -> float:
    """s² of the physics above: photons for each unit of intensity, so that a mean frame holds *dose* photons."""
    return float(dose / np.mean(np.sum(np.abs(waves) ** 2, axis=(-2, -1))))


def simulate(base: Base, dose: float, *, seed: int = SIMULATION_SEED) -> PtychographyData:
    """Measure *base* with *dose* photons in a mean frame; seed and dose together fix the noise.

    A dose that is not a positive number or a frame outside the object is a :class:`DataError`.
    """
    if not (np.isfinite(dose) and dose > 0):
        msg = f"dose: found {dose!r}; expected a positive number of photons a frame"
        raise DataError(msg)
    size = len(base.probe_guess)
    first = corners(base.xcoords, base.ycoords, size)
    require_inside(first, size, base.object_guess.shape)
    offsets = fractions(base.xcoords, base.ycoords)
    probes = probes_at(base.probe_guess, offsets) if offsets.any() else base.probe_guess.astype(np.complex128)
    waves = cut(base.object_guess, first, size) * probes
    scale = photon_scale(waves, dose)
    noise = np.random.default_rng([seed, 1, *np.array([dose], np.float64).view(np.uint32).tolist()])
    counts = noise.poisson(scale * diffract(waves))
    return PtychographyData(
        diffraction=np.asarray(np.sqrt(counts / scale), dtype=np.float32),
        object_guess=base.object_guess,
        probe_guess=base.probe_guess,
        xcoords=base.xcoords,
        ycoords=base.ycoords,
        metadata={"dose": float(dose), "photon_scale": scale, "simulation_seed": seed, "stage": "raw"},
    )


def canonical(data: PtychographyData) -> PtychographyData:
    """The same measurement with the object's largest amplitude at most 1; the probe takes up the factor.

    Frames fix only the product of probe and object, and a network with a bounded amplitude needs this choice.
    """
    peak = float(np.abs(data.object_guess).max())
    factor = np.float32(peak if peak > 1 + _ROUNDING else 1.0)
    return replace(
        data,
        object_guess=data.object_guess / factor,
        probe_guess=data.probe_guess * factor,
        metadata={**data.metadata, "stage": "canonical"},
    )


def with_patches(data: PtychographyData) -> PtychographyData:
    """*data* with the true object under each frame."""
    patches = cut(data.object_guess, frame_corners(data), data.frame_size)
    return replace(
        data, patches=np.asarray(patches, dtype=np.complex64), metadata={**data.metadata, "stage": "patched"}
    )


def split(data: PtychographyData) -> tuple[PtychographyData, PtychographyData]:
    """Train and test frames: below, and not below, the middle of the y coordinates' range.

    Near the middle frames of both sides light up the same pixels; an empty side is a :class:`DataError`.
    """
    middle = (data.ycoords.min() + data.ycoords.max()) / 2
    is_train = data.ycoords < middle
    if is_train.all() or not is_train.any():
        msg = f"ycoords: found all {data.count} frames on one side of {middle:g}; expected frames on both"
        raise DataError(msg)
    train, test = (data.select(np.flatnonzero(side)) for side in (is_train, ~is_train))
    return (
        replace(train, metadata={**data.metadata, "split": "train"}),
        replace(test, metadata={**data.metadata, "split": "test"}),
    )
