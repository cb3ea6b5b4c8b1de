"""A synthetic experiment: a textured complex object, a defocused probe and a fly scan, all from given generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

PROBE_ENERGY = 64.0
"""The sum of the probe's intensity. With object amplitudes up to 1 no noise-free amplitude can exceed its root, 8."""

_AMPLITUDE_RANGE = (0.3, 1.0)
_PHASE_SPAN = 1.6
_LARGEST_FLAKE = 0.11
_FLAKES_PER_PIXEL = 0.014
_SHARE_OF_ELLIPSES = 0.6


@dataclass(frozen=True)
class ProbeShape:
    """A disc of *diameter* pixels with a soft rim and a quadratic phase of *defocus* radians at the rim.

    Without defocus a single frame cannot tell an object from its conjugate, point-mirrored twin.
    """

    diameter: float
    defocus: float = 3.0


def textured_object(size: int, rng: np.random.Generator) -> NDArray[np.complex64]:
    """A (size, size) object whose amplitude (0.3 to 1) and phase (within 0.8 rad of 0) have their own textures."""
    amplitude = _texture(size, rng)
    phase = 0.75 * _texture(size, rng) + 0.25 * amplitude
    low, high = _AMPLITUDE_RANGE
    complex_object = (low + (high - low) * amplitude) * np.exp(1j * _PHASE_SPAN * (phase - 0.5))
    return np.asarray(complex_object, dtype=np.complex64)


def defocused_probe(frame_size: int, shape: ProbeShape) -> NDArray[np.complex64]:
    """A (frame_size, frame_size) probe with the energy :data:`PROBE_ENERGY`."""
    axis = np.arange(frame_size) - (frame_size - 1) / 2
    radius = shape.diameter / 2
    distance = np.hypot(*np.meshgrid(axis, axis))
    softness = 0.06 * radius + 0.35
    amplitude = 1 / (1 + np.exp(np.clip((distance - 0.9 * radius) / softness, None, 60.0)))
    probe = amplitude * np.exp(1j * shape.defocus * (distance / radius) ** 2)
    return np.asarray(probe * np.sqrt(PROBE_ENERGY / (np.abs(probe) ** 2).sum()), dtype=np.complex64)


def fly_scan(object_size: int, frame_size: int, step: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The middles (x, y) of the frames, (n, 2), in scan order: lines flown to and fro about *step* pixels apart.

    Speed and height wander along a line; positions are whole pixels, and every frame lies inside the object.
    """
    low, high = frame_size / 2, object_size - frame_size / 2
    lines = int((high - low) // step) + 1
    along = np.linspace(low, high, lines)
    points = [_line(y, along if number % 2 == 0 else along[::-1], step, rng) for number, y in enumerate(along)]
    return np.clip(np.rint(np.concatenate(points)), np.ceil(low), np.floor(high))


def _line(y: float, along: Image, step: float, rng: np.random.Generator) -> Image:
    x = along + rng.normal(0, 0.18 * step, len(along))
    span = max(float(np.ptp(along)), 1.0)
    drift = 0.25 * step * np.sin(2 * np.pi * (2 * along / span + rng.random()))
    return np.stack([x, y + drift + rng.normal(0, 0.1 * step, len(along))], axis=1)


def _texture(size: int, rng: np.random.Generator) -> Image:
    """Overlapping flakes of many sizes with a fine grain, scaled to [0, 1]."""
    mixed = ndimage.gaussian_filter(_flakes(size, rng), 0.7) + 0.05 * _grain(size, rng)
    low, high = np.percentile(mixed, [0.5, 99.5])
    return np.asarray(np.clip((mixed - low) / (high - low), 0, 1))


def _flakes(size: int, rng: np.random.Generator) -> Image:
    """Ellipses and rectangles laid over each other; sizes follow a power law: there is detail at every scale."""
    image = np.full((size, size), 0.5)
    number = max(int(_FLAKES_PER_PIXEL * size**2), 1)
    largest = max(_LARGEST_FLAKE * size, 4.0)
    radii = (2.0**-1.5 + rng.random(number) * (largest**-1.5 - 2.0**-1.5)) ** (-1 / 1.5)
    for radius in radii:
        row, column = rng.random(2) * size
        _lay_flake(image, (row, column), float(radius), rng)
    return image


def _lay_flake(image: Image, middle: tuple[float, float], radius: float, rng: np.random.Generator) -> None:
    reach = int(np.ceil(1.5 * radius))
    top, left = (max(int(at) - reach, 0) for at in middle)
    tile = image[top : int(middle[0]) + reach + 1, left : int(middle[1]) + reach + 1]
    rows, columns = np.ogrid[: tile.shape[0], : tile.shape[1]]
    down, right = rows + top - middle[0], columns + left - middle[1]
    angle, flatness = rng.random() * np.pi, rng.uniform(0.4, 1.0)
    major = (np.cos(angle) * right + np.sin(angle) * down) / radius
    minor = (np.cos(angle) * down - np.sin(angle) * right) / (flatness * radius)
    is_ellipse, value = rng.random() < _SHARE_OF_ELLIPSES, rng.random()
    inside = np.hypot(major, minor) < 1 if is_ellipse else np.maximum(np.abs(major), np.abs(minor)) < 1
    tile[inside] = value


def _grain(size: int, rng: np.random.Generator) -> Image:
    axis = np.fft.fftfreq(size)
    frequency = np.hypot(*np.meshgrid(axis, axis))
    frequency[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((size, size))) * frequency**-1.2 * np.exp(-((frequency / 0.25) ** 2))
    field = np.fft.ifft2(spectrum).real
    return np.asarray(field / field.std())
