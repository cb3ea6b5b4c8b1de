"""Scores against scikit-image, torchmetrics and cases whose answer is known."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy import ndimage

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.specimen import textured_object
from extractor_flow.flows.dose_overlap.scoring.frc import RingCorrelation, ring_correlation
from extractor_flow.flows.dose_overlap.scoring.names import SCORES
from extractor_flow.flows.dose_overlap.scoring.scores import ImageScores, aligned, image_scores, psnr, score
from extractor_flow.flows.dose_overlap.scoring.ssim import Window, ms_ssim, ssim

WHOLE = 1.0


# Loaded where they are asked for: every worker imports every module of tests.
@pytest.fixture
def scikit_image():
    from skimage import metrics

    return metrics


@pytest.fixture
def torchmetrics():
    from torchmetrics.functional import image

    return image


def pair(size=64, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.abs(textured_object(size, rng)).astype(np.float64)
    return truth, truth + noise * rng.standard_normal(truth.shape)


def everywhere(image):
    return np.ones(image.shape, dtype=bool)


def disc(size, radius):
    axis = np.arange(size) - (size - 1) / 2
    return np.hypot(axis[:, None], axis[None, :]) <= radius


def test_every_score_of_an_image_is_a_metric_and_a_column_of_the_table():
    about_them = {"data_range", "ssim_pixels"}

    measured = {field.name for field in fields(ImageScores)} - about_them
    assert {score.measured for score in SCORES.values()} == measured


@pytest.mark.parametrize("data_range", [0.7, 1.0])
def test_psnr_is_scikit_images(scikit_image, data_range):
    truth, image = pair()

    assert psnr(truth, image, everywhere(truth), data_range=data_range) == pytest.approx(
        scikit_image.peak_signal_noise_ratio(truth, image, data_range=data_range)
    )


def test_psnr_looks_at_the_mask_alone():
    truth, image = pair()
    mask = disc(64, 20)
    image = np.where(mask, truth + 0.01, 1e6)

    assert psnr(truth, image, mask, data_range=1.0) == pytest.approx(40)


def test_a_perfect_image_has_no_psnr():
    truth, _ = pair()

    assert psnr(truth, truth, everywhere(truth), data_range=1.0) is None


@pytest.mark.parametrize("data_range", [0.7, 1.0])
def test_ssim_of_whole_windows_is_scikit_images(scikit_image, data_range):
    truth, image = pair()

    found = ssim(truth, image, everywhere(truth), Window(data_range, WHOLE))

    expected = scikit_image.structural_similarity(
        truth, image, data_range=data_range, gaussian_weights=True, use_sample_covariance=False
    )
    assert (found.value, found.pixels) == (pytest.approx(expected), 54 * 54)


def test_ssim_in_a_mask_is_that_of_its_pixels_alone(scikit_image):
    truth, image = pair()
    mask = disc(64, 20)
    _, expected = scikit_image.structural_similarity(
        truth, image, data_range=1.0, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    whole = ndimage.binary_erosion(mask, np.ones((11, 11)))

    found = ssim(truth, np.where(mask, image, 99.0), mask, Window(1.0, WHOLE))

    assert (found.value, found.pixels) == (pytest.approx(expected[whole].mean()), whole.sum())


def test_half_windows_count_along_the_rim():
    truth, image = pair()
    square = np.pad(np.ones((40, 40), bool), 12)
    counts = [ssim(truth, image, square, Window(1.0, share)).pixels for share in (1.0, 0.5, 0.0)]

    assert (counts[0], counts[2]) == (30**2, 40**2)
    # A corner pixel's window lies to a quarter inside, an edge pixel's to a half.
    assert 40**2 - 20 <= counts[1] < 40**2


def test_a_mask_without_a_window_has_no_ssim():
    truth, image = pair()

    assert ssim(truth, image, disc(64, 3), Window(1.0, WHOLE)) is None


@pytest.mark.parametrize("scales", [3, 5])
def test_ms_ssim_of_whole_windows_is_torchmetrics(torchmetrics, scales):
    truth, image = pair(192)
    usual = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)[:scales]
    expected = torchmetrics.multiscale_structural_similarity_index_measure(
        torch.from_numpy(image)[None, None],
        torch.from_numpy(truth)[None, None],
        data_range=1.0,
        betas=tuple(value / sum(usual) for value in usual),
        normalize="relu",
    )

    found = ms_ssim(truth, image, everywhere(truth), Window(1.0, WHOLE), scales=scales)

    # At its last scale torchmetrics also averages over the windows that hang over the edge.
    assert found == pytest.approx(float(expected), rel=2e-3)


def test_ms_ssim_does_not_exist_on_a_small_area():
    truth, image = pair()

    assert ms_ssim(truth, image, disc(64, 8), Window(1.0, WHOLE)) is None


def test_a_global_phase_costs_nothing():
    truth = textured_object(48, np.random.default_rng(0))
    mask = disc(48, 20)

    np.testing.assert_allclose(aligned(truth * np.exp(2.5j), truth, mask), truth, atol=1e-6)


def test_a_phase_that_wraps_costs_nothing():
    truth = textured_object(48, np.random.default_rng(0)).astype(complex)
    noisy = truth * np.exp(0.1j * np.random.default_rng(1).standard_normal(truth.shape))
    mask = disc(48, 20)

    near, far = score(truth, noisy, mask), score(truth * np.exp(3j), noisy * np.exp(-3j), mask)

    assert far.phase.ssim == pytest.approx(near.phase.ssim, abs=1e-6)


def test_a_wrong_scale_is_an_error_and_not_fitted_away():
    truth = textured_object(48, np.random.default_rng(0)).astype(complex)
    mask = disc(48, 20)
    amplitude = np.abs(truth)[mask]

    expected = 20 * np.log10(np.ptp(amplitude)) - 10 * np.log10(np.mean((0.1 * amplitude) ** 2))
    assert score(truth, 0.9 * truth, mask).amplitude.psnr == pytest.approx(expected)


def test_errors_are_measured_in_the_span_of_the_truth_on_the_mask():
    truth = textured_object(48, np.random.default_rng(0)).astype(complex)
    mask = disc(48, 20)
    phase = np.angle(truth)[mask]

    found = score(truth, truth * 1.01, mask)

    assert (found.amplitude.data_range, found.phase.data_range) == (
        pytest.approx(np.ptp(np.abs(truth)[mask])),
        pytest.approx(np.ptp(phase)),
    )
    assert (found.mask_pixels, found.mask_share) == (mask.sum(), pytest.approx(mask.mean()))


def test_what_lies_outside_the_mask_changes_no_score():
    truth = textured_object(64, np.random.default_rng(0)).astype(complex)
    noisy = truth + 0.05 * np.random.default_rng(1).standard_normal(truth.shape)
    mask = disc(64, 25)

    assert score(truth, np.where(mask, noisy, 7.0), mask).as_dict() == score(truth, noisy, mask).as_dict()


def test_a_constant_truth_has_no_scores():
    flat = np.ones((32, 32))

    assert image_scores(flat, flat + 1, everywhere(flat)).psnr is None


@pytest.mark.parametrize(
    ("truth", "image", "mask", "message"),
    [
        (np.ones((4, 4)), np.ones((4, 5)), np.ones((4, 4), bool), "expected one shape"),
        (np.ones((4, 4)), np.ones((4, 4)), np.zeros((4, 4), bool), "found no covered pixel"),
        (np.ones((4, 4)), np.full((4, 4), np.nan), np.ones((4, 4), bool), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, image, mask, message):
    with pytest.raises(DataError, match=message):
        score(truth, image, mask)


def test_identical_images_agree_up_to_the_pixel():
    truth, _ = pair()

    rings = ring_correlation(truth, truth, everywhere(truth))

    np.testing.assert_allclose(rings.correlation, 1)
    assert rings.cutoff() == 0.5


@pytest.mark.parametrize("shape", ["whole", "discs"])
def test_noise_does_not_correlate_with_noise_through_a_shared_mask(shape):
    rng = np.random.default_rng(0)
    mask = np.ones((128, 128), bool) if shape == "whole" else np.kron(np.ones((4, 4), bool), disc(32, 9))
    one, two = rng.standard_normal((2, 128, 128)) + 5

    rings = ring_correlation(one, two, mask)

    assert np.abs(rings.correlation[8:]).max() < 0.3
    assert rings.cutoff(0.8) is None


def test_detail_beyond_a_known_frequency_is_not_resolved():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((128, 128))
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    coarse = np.fft.ifft2(np.where(frequency < 0.2, np.fft.fft2(truth), 0)).real
    other = np.fft.ifft2(np.where(frequency < 0.2, 0, np.fft.fft2(rng.standard_normal((128, 128))))).real

    cutoff = ring_correlation(truth, coarse + other, everywhere(truth)).cutoff()

    assert cutoff == pytest.approx(0.2, abs=0.02)


def test_the_cutoff_lies_on_the_line_between_two_rings():
    rings = RingCorrelation(np.array([0.1, 0.2, 0.3]), np.array([0.9, 0.7, 0.3]))

    assert rings.cutoff() == pytest.approx(0.25)


def test_a_drift_in_the_coarsest_ring_does_not_hide_detail():
    rings = RingCorrelation(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.2, 0.9, 0.7, 0.3]))

    assert rings.cutoff() == pytest.approx(0.35)


@pytest.mark.parametrize("image", [np.full((64, 64), 0.7), np.zeros((64, 64))])
def test_a_constant_image_has_no_ring_correlation(image):
    truth, _ = pair()

    assert ring_correlation(truth, image, everywhere(truth)) is None


def test_a_tiny_area_has_no_ring_correlation():
    truth, image = pair()

    assert ring_correlation(truth, image, disc(64, 5)) is None
