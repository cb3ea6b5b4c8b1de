"""The simulation against independent physics: energy, analytic patterns, photon statistics, stages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.dataset import write_data
from extractor_flow.flows.dose_overlap.data.scan_geometry import fractions, whole_pixels
from extractor_flow.flows.dose_overlap.data.simulation import (
    Base,
    SyntheticSettings,
    canonical,
    diffract,
    photon_scale,
    simulate,
    split,
    synthetic_base,
    with_patches,
)
from extractor_flow.flows.dose_overlap.data.specimen import ProbeShape, defocused_probe, fly_scan, textured_object

SMALL = SyntheticSettings(object_size=64, frame_size=16, probe_diameter=8, scan_step=6)


@pytest.fixture(scope="module")
def small():
    return synthetic_base(SMALL)


def test_a_frame_holds_as_much_as_its_wave():
    rng = np.random.default_rng(1)
    waves = rng.standard_normal((5, 12, 12)) + 1j * rng.standard_normal((5, 12, 12))

    np.testing.assert_allclose(diffract(waves).sum(axis=(1, 2)), (np.abs(waves) ** 2).sum(axis=(1, 2)), rtol=1e-12)


def test_a_gaussian_wave_diffracts_into_the_gaussian_of_theory():
    size, sigma = 64, 3.0
    axis = np.arange(size) - size // 2
    wave = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * sigma**2)).astype(complex)

    # The transform of exp(-r²/2σ²) is 2πσ² exp(-2π²σ²q²), with q in cycles a pixel.
    frequency = axis / size
    squared = frequency[:, None] ** 2 + frequency[None, :] ** 2
    expected = (2 * np.pi * sigma**2 * np.exp(-2 * np.pi**2 * sigma**2 * squared)) ** 2 / size**2
    np.testing.assert_allclose(diffract(wave[None])[0], expected, atol=1e-12 * expected.max())


def test_a_phase_ramp_shifts_the_pattern_by_whole_pixels():
    rng = np.random.default_rng(2)
    wave = rng.standard_normal((16, 16)) + 0j
    rows = np.arange(16)[:, None]

    np.testing.assert_allclose(
        diffract((wave * np.exp(2j * np.pi * 3 * rows / 16))[None])[0],
        np.roll(diffract(wave[None])[0], 3, axis=0),
        atol=1e-10,
    )


def test_a_global_phase_cannot_be_seen():
    rng = np.random.default_rng(3)
    wave = (rng.standard_normal((1, 8, 8)) + 1j)[:, :, :]

    np.testing.assert_allclose(diffract(wave * np.exp(0.7j)), diffract(wave), atol=1e-12)


def test_counts_are_whole_numbers_with_the_mean_and_variance_of_photons():
    dose, frames = 2000.0, 4000
    base = Base(
        np.full((16, 16), 0.8, np.complex64),
        defocused_probe(16, ProbeShape(8)),
        np.full(frames, 8.0),
        np.full(frames, 8.0),
    )

    data = simulate(base, dose)

    counts = data.diffraction.astype(np.float64) ** 2 * data.metadata["photon_scale"]
    np.testing.assert_allclose(counts, np.rint(counts), atol=2e-4 * counts.max())
    expected = data.metadata["photon_scale"] * diffract(0.8 * base.probe_guess[None].astype(complex))[0]
    standard_error = np.sqrt(expected / frames) + 1e-6
    assert np.abs((counts.mean(axis=0) - expected) / standard_error).max() < 5
    bright = expected > 1
    # The variance of a Poisson sample's variance is (2 m² + m) / n.
    scatter = np.sqrt((2 * expected**2 + expected) / frames)
    assert np.abs((counts.var(axis=0, ddof=1) - expected) / np.where(bright, scatter, np.inf)).max() < 5
    assert abs(counts.sum(axis=(1, 2)).mean() - dose) < 5 * np.sqrt(dose / frames)


def test_the_mean_frame_holds_the_dose_though_frames_differ():
    waves = np.stack([np.full((4, 4), 1.0 + 0j), np.full((4, 4), 3.0 + 0j)])

    assert photon_scale(waves, 800.0) * np.mean([16 * 1, 16 * 9]) == pytest.approx(800.0)


def test_the_same_seed_and_dose_give_the_same_bytes(tmp_path, small):
    for name in ("a", "b"):
        write_data(tmp_path / name, simulate(synthetic_base(SMALL), 500.0))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("change", [{"seed": 43}, {"dose": 500.5}])
def test_another_seed_or_dose_gives_other_noise(small, change):
    found = simulate(small, **({"dose": 500.0} | change))

    assert not np.array_equal(found.diffraction, simulate(small, 500.0).diffraction)


@pytest.mark.parametrize("dose", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_dose_is_refused(small, dose):
    with pytest.raises(DataError, match=r"dose: found .* expected a positive number"):
        simulate(small, dose)


def test_a_frame_outside_the_object_is_refused(small):
    with pytest.raises(DataError, match=r"found 1 frames outside the object, the first, number 2, at y = \d+, x = 3;"):
        simulate(replace(small, xcoords=np.where(np.arange(len(small.xcoords)) == 2, 3.0, small.xcoords)), 100.0)


@pytest.mark.parametrize("frame_size", [16, 32, 128])
def test_every_probe_keeps_noise_free_amplitudes_below_eight(frame_size):
    probe = defocused_probe(frame_size, ProbeShape(frame_size / 2, defocus=0.0)).astype(complex)

    assert np.sqrt(diffract(probe[None]).max()) < 8


def test_the_scan_stays_inside_and_on_whole_pixels():
    points = fly_scan(64, 16, 5.0, np.random.default_rng(0))

    assert (points.shape, points.min(), points.max(), (points % 1).max()) == ((100, 2), 8, 56, 0)


def test_the_object_is_textured_within_its_bounds():
    specimen = textured_object(96, np.random.default_rng(0))
    amplitude, phase = np.abs(specimen), np.angle(specimen)

    assert amplitude.min() >= 0.3 - 1e-6
    assert amplitude.max() <= 1 + 1e-6
    assert np.abs(phase).max() <= 0.8 + 1e-6
    assert (amplitude.std() > 0.1, phase.std() > 0.1) == (True, True)
    assert abs(np.corrcoef(amplitude.ravel(), phase.ravel())[0, 1]) < 0.7


def test_canonical_data_measures_the_same_with_amplitudes_up_to_one(small):
    bright = replace(small, object_guess=small.object_guess * np.float32(3))

    data = canonical(simulate(bright, 1e4))

    assert float(np.abs(data.object_guess).max()) == pytest.approx(1)
    waves = with_patches(data).patches[0].astype(complex) * data.probe_guess
    original = with_patches(simulate(bright, 1e4)).patches[0].astype(complex) * bright.probe_guess
    np.testing.assert_allclose(diffract(waves[None]), diffract(original[None]), rtol=1e-4, atol=1e-6)


def test_canonical_data_with_small_amplitudes_stays_as_it_is(small):
    data = simulate(small, 1e4)

    assert np.array_equal(canonical(data).object_guess, data.object_guess)


def test_patches_are_the_object_under_the_frames(small):
    data = with_patches(simulate(small, 1e4))
    row, column = int(data.ycoords[7]) - 8, int(data.xcoords[7]) - 8

    assert np.array_equal(data.patches[7], small.object_guess[row : row + 16, column : column + 16])


def test_the_split_is_at_half_the_range_of_y(small):
    data = simulate(small, 1e4)
    middle = (data.ycoords.min() + data.ycoords.max()) / 2

    train, test = split(data)

    assert (train.count + test.count, train.ycoords.max() < middle, test.ycoords.min() >= middle) == (
        data.count,
        True,
        True,
    )
    assert (train.metadata["split"], test.metadata["split"]) == ("train", "test")


def test_frames_on_one_line_cannot_be_split(small):
    flat = replace(small, ycoords=np.full_like(small.ycoords, 20.0))

    with pytest.raises(DataError, match="on one side of 20; expected frames on both"):
        split(simulate(flat, 1e4))


def test_a_frame_between_pixels_is_that_of_a_probe_moved_there():
    rng = np.random.default_rng(3)
    specimen = (0.5 + rng.random((60, 57))) * np.exp(1j * rng.random((60, 57)))
    down, right = np.mgrid[:24, :24]

    def light(off_down, off_right):
        return np.exp(-((down - 12 - off_down) ** 2 + (right - 12 - off_right) ** 2) / 10) + 0j

    x, y = np.array([20.3, 30.0, 25.5]), np.array([19.9, 40.25, 30.5])
    waves = [
        specimen[row - 12 : row + 12, column - 12 : column + 12] * light(off_down, off_right)
        for row, column, off_down, off_right in ((20, 20, -0.1, 0.3), (40, 30, 0.25, 0.0), (31, 26, -0.5, -0.5))
    ]
    expected = np.array([np.abs(np.fft.fftshift(np.fft.fft2(wave))) for wave in waves]) / 24

    found = simulate(Base(specimen.astype(np.complex64), light(0, 0).astype(np.complex64), x, y), 1e9).diffraction

    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize(
    ("coordinates", "expected"),
    [
        ([3.5, 4.5, 7.5], [4, 5, 8]),
        ([3.5 - 1e-9, 4.5 + 1e-9, 7.5], [4, 5, 8]),
        ([3.3, 4.3], [3, 4]),
        ([2.5, 3.1, 4.5], [3, 3, 5]),
    ],
)
def test_half_a_pixel_is_rounded_up_everywhere(coordinates, expected):
    assert whole_pixels(np.array(coordinates)).tolist() == expected


def test_a_fraction_that_all_frames_share_is_a_matter_of_the_origin():
    shared, own = np.array([3.5, 4.5, 9.5]), np.array([3.25, 4.5, 9.0])

    assert fractions(shared, own).tolist() == [[0.25, 0.0], [-0.5, 0.0], [0.0, 0.0]]
