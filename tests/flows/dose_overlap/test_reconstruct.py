"""Whole objects from patches, from the iterative solver, and as pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.calibration import Calibration, constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, cut, frame_corners
from extractor_flow.flows.dose_overlap.data.simulation import (
    SyntheticSettings,
    canonical,
    simulate,
    synthetic_base,
    with_patches,
)
from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import prepare
from extractor_flow.flows.dose_overlap.reconstruction.phase_sync import synchronised
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import (
    assemble,
    coverage,
    initial_network,
    reconstruct,
    reconstruct_constant,
    reconstruct_input,
    reconstruct_iteratively,
    reconstruct_untrained,
)
from extractor_flow.flows.dose_overlap.scoring.scores import aligned, score
from support.flows.dose_bench import tiny_config, tiny_scan, tiny_view


def true_patches(data, optics):
    first = frame_corners(data) + optics.margin
    return cut(data.object_guess, first, optics.box).astype(np.complex128), first


def turned(patches, seed=0):
    return patches * np.exp(1j * np.random.default_rng(seed).uniform(-3, 3, len(patches)))[:, None, None]


def test_true_patches_with_lost_phases_give_the_true_object():
    data = tiny_scan()[1]
    optics = Optics.of(data.probe_guess)
    patches, first = true_patches(data, optics)

    found = assemble(turned(patches), first, optics, data)

    image = aligned(found.image, data.object_guess, found.mask)
    np.testing.assert_allclose(image[found.mask], data.object_guess[found.mask], atol=1e-5)


def test_patches_that_do_not_overlap_keep_their_phases():
    data = tiny_view(0.2)[1]
    optics = Optics.of(data.probe_guess)
    patches, first = true_patches(data, optics)
    weights = np.zeros((optics.box, optics.box))
    weights[5:7, 5:7] = 1

    assert np.array_equal(synchronised(patches, weights, first), patches)


def test_islands_keep_their_mean_phase_and_agree_within():
    data = tiny_scan()[1]
    optics = Optics.of(data.probe_guess)
    patches, first = true_patches(data, optics)
    island = first[:, 1] < 20
    far = np.where(island[:, None], first, first + np.array([0, 1000]))
    weights = np.abs(optics.crop(optics.probe).numpy()) ** 2

    found = synchronised(turned(patches), weights, far)

    angles = np.angle(np.sum(found * patches.conj(), axis=(1, 2)))
    for side in (island, ~island):
        np.testing.assert_allclose(np.exp(1j * (angles[side] - angles[side][0])), 1, atol=1e-3)


def test_noisy_phases_settle_where_no_patch_is_pulled_any_more():
    data = tiny_scan()[1].select(np.arange(60))
    optics = Optics.of(data.probe_guess)
    patches, first = true_patches(data, optics)
    noisy = turned(patches + 0.5 * np.random.default_rng(0).standard_normal(patches.shape))
    weights = np.abs(optics.crop(optics.probe).numpy().astype(complex)) ** 2
    reach = 2 * np.sqrt(weights.sum() / weights.max() / np.pi)

    found = synchronised(noisy, weights, first)

    canvas = np.zeros((len(found), len(data.object_guess), len(data.object_guess)), complex)
    for layer, (row, column), patch in zip(canvas, first, found * weights, strict=True):
        layer[row : row + optics.box, column : column + optics.box] = patch
    products = np.einsum("aij,bij->ab", canvas, canvas.conj())
    gaps = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1))
    pulls = np.where((gaps <= reach) & ~np.eye(len(found), dtype=bool), np.abs(products) * np.angle(products), 0)
    assert np.abs(pulls.sum(axis=1)).max() < 1e-3 * np.abs(pulls).sum(axis=1).max()


def test_the_covered_area_is_a_matter_of_scan_and_probe():
    data = tiny_scan()[1]
    untrained = reconstruct_untrained(tiny_config(), data)

    assert np.array_equal(untrained.mask, coverage(data))
    assert np.array_equal(reconstruct_constant(data).mask, coverage(data))


def test_a_lone_frame_covers_the_bright_part_of_its_probe():
    probe = tiny_scan()[0].probe_guess
    mask = covered(probe, np.array([[3, 5]]), 40, threshold=0.5)

    intensity = np.abs(probe.astype(complex)) ** 2
    assert np.array_equal(mask[3:19, 5:21], intensity >= 0.5 * intensity.max())
    assert mask.sum() == mask[3:19, 5:21].sum()


def test_the_constant_is_as_bright_as_the_frames():
    data = tiny_scan()[1]
    image = np.full_like(data.object_guess, constant_level(data))
    waves = cut(image, frame_corners(data), data.frame_size) * data.probe_guess

    energy = np.sum(np.abs(waves.astype(complex)) ** 2, axis=(1, 2)).mean()
    assert energy == pytest.approx(np.sum(data.diffraction.astype(float) ** 2, axis=(1, 2)).mean(), rel=1e-5)


def test_the_iterative_solver_finds_the_object_when_photons_are_many():
    data = with_patches(canonical(simulate(synthetic_base(SyntheticSettings(80, 16, 8, 3.0, 3)), 1e7)))

    found = reconstruct_iteratively(data, iterations=15)

    assert score(data.object_guess, found.image, found.mask).amplitude.psnr > 33


def test_the_iterative_solver_needs_photons():
    found = [
        reconstruct_iteratively(data, iterations=5)
        for data in (simulate(synthetic_base(SyntheticSettings(80, 16, 8, 3.0, 3)), dose) for dose in (1e2, 1e5))
    ]
    truth = synthetic_base(SyntheticSettings(80, 16, 8, 3.0, 3)).object_guess

    poor, good = (score(truth, each.image, each.mask).amplitude.psnr for each in found)
    assert good > poor + 6


def test_the_seed_decides_the_iterative_solvers_order():
    data = tiny_scan()[1]
    one, same, other = (reconstruct_iteratively(data, iterations=1, seed=seed).image for seed in (0, 0, 1))

    assert (np.array_equal(one, same), np.array_equal(one, other)) == (True, False)


def test_pixels_without_light_keep_the_constant():
    data = tiny_scan()[1]

    assert reconstruct_iteratively(data, iterations=1).image[0, 0] == constant_level(data)


def test_reconstructing_twice_gives_the_same_image():
    data = tiny_scan()[1]

    one, two = (reconstruct_untrained(tiny_config(gridsize=2), data).image for _ in range(2))

    assert np.array_equal(one, two)


def test_frames_of_another_size_are_refused():
    config, data = tiny_config(), tiny_scan()[1]
    small = data.probe_guess[4:12, 4:12]
    bundle = Bundle(config, Calibration(1, 1, 1), small, initial_network(config).state_dict())

    with pytest.raises(DataError, match="found frames of 16 pixels; expected 8, as the probe has"):
        reconstruct(bundle, data)


def test_every_frame_has_its_place_in_the_prepared_groups():
    config, data = tiny_config(gridsize=2, groups_per_frame=2), tiny_scan()[1]
    optics = Optics.of(data.probe_guess)

    frames = prepare(data, config, Calibration.of(data, config.dose), optics)

    assert frames.inputs.shape == (2 * data.count, 4, 3, optics.box, optics.box)
    assert sorted(frames.groups[:, 0].tolist()) == sorted([*range(data.count)] * 2)
    assert np.array_equal(frames.first, (frame_corners(data) + optics.margin)[frames.groups.numpy()])


def test_weights_of_another_width_are_refused():
    config, data = tiny_config(), tiny_scan()[1]
    weights = initial_network(replace(config, width=4)).state_dict()

    with pytest.raises(DataError, match="do not fit a network of width 8"):
        Bundle(config, Calibration(1, 1, 1), data.probe_guess, weights).network()


def test_the_input_depends_on_no_learned_weight():
    config, data = tiny_config(gridsize=2), tiny_scan()[1]
    calibration = Calibration.of(data, config.dose)

    one, other = (
        reconstruct_input(Bundle(config, calibration, data.probe_guess, network.state_dict()), data).image
        for network in (initial_network(config), initial_network(replace(config, seed=99)))
    )

    assert np.array_equal(one, other)


def test_more_steps_of_the_estimate_give_a_better_input():
    data = tiny_scan()[1]
    few, many = (
        reconstruct_input(Bundle(config, Calibration.of(data, config.dose), data.probe_guess, {}), data)
        for config in (tiny_config(projections=1), tiny_config(projections=8))
    )
    psnr = [score(data.object_guess, found.image, found.mask).amplitude.psnr for found in (few, many)]

    assert psnr[1] > psnr[0] + 1
