"""Whole objects from patches, from the iterative solver, and as pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.calibration import Calibration, constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, cut, frame_corners
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, simulate, synthetic_base
from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import Optics
from extractor_flow.flows.dose_overlap.reconstruction.likelihood import Prior, most_likely
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import Recipe, prepare
from extractor_flow.flows.dose_overlap.reconstruction.phase_sync import synchronised
from extractor_flow.flows.dose_overlap.reconstruction.pie import iterate
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import (
    assemble,
    coverage,
    initial_network,
    patch_weights,
    reconstruct,
    reconstruct_with,
)
from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan
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

    found = assemble(synchronised(turned(patches), patch_weights(optics), first), first, optics, data)

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
    reach = min(2.5 * np.sqrt(weights.sum() / weights.max() / np.pi), optics.box - 1)

    found = synchronised(noisy, weights, first)

    canvas = np.zeros((len(found), len(data.object_guess), len(data.object_guess)), complex)
    for layer, (row, column), patch in zip(canvas, first, found * weights, strict=True):
        layer[row : row + optics.box, column : column + optics.box] = patch
    products = np.einsum("aij,bij->ab", canvas, canvas.conj())
    gaps = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1))
    pulls = np.where((gaps <= reach) & ~np.eye(len(found), dtype=bool), np.abs(products) * np.angle(products), 0)
    assert np.abs(pulls.sum(axis=1)).max() < 1e-3 * np.abs(pulls).sum(axis=1).max()


def test_a_lone_frame_covers_the_bright_part_of_its_probe():
    probe = tiny_scan()[0].probe_guess
    mask = covered(probe, np.array([[3, 5]]), (40, 40), threshold=0.5)

    intensity = np.abs(probe.astype(complex)) ** 2
    assert np.array_equal(mask[3:19, 5:21], intensity >= 0.5 * intensity.max())
    assert mask.sum() == mask[3:19, 5:21].sum()


def test_the_constant_is_as_bright_as_the_frames():
    data = tiny_scan()[1]
    image = np.full_like(data.object_guess, constant_level(data))
    waves = cut(image, frame_corners(data), data.frame_size) * data.probe_guess

    energy = np.sum(np.abs(waves.astype(complex)) ** 2, axis=(1, 2)).mean()
    assert energy == pytest.approx(np.sum(data.diffraction.astype(float) ** 2, axis=(1, 2)).mean(), rel=1e-5)


SMALL = synthetic_base(SyntheticSettings(80, 16, 8, 3.0, 3))


def solved(dose, **changes):
    """The PSNR of PIE and of the most likely object from there."""
    data = simulate(SMALL, dose)
    scan = Scan.of(data)
    pie = iterate(scan, **({"passes": 15} | changes))
    scale = Calibration.of(data, dose).photon_scale
    likely = most_likely(scan, pie, Prior(smoothness=3.0), photon_scale=scale, steps=30)
    images = [image.unflatten(0, scan.shape).numpy() for image in (pie, likely)]
    return [score(data.object_guess, image, coverage(data)).amplitude.psnr for image in images]


def test_the_solvers_find_the_object_when_photons_are_many():
    assert min(solved(1e7)) > 33


def test_where_photons_are_few_knowing_the_noise_is_worth_decibels():
    pie, likely = solved(1e3)

    assert likely > pie + 1.5


def test_momentum_gets_the_iterations_further():
    assert solved(1e7, passes=8, momentum=0.5)[0] > solved(1e7, passes=8)[0] + 1


def test_the_most_likely_object_stays_near_the_one_that_is_trusted():
    scan = Scan.of(simulate(SMALL, 1e3))
    near = scan.constant() * 1.1
    weak, strong = (
        most_likely(scan, near, Prior(trust=trust, near=near), photon_scale=1.0, steps=5) for trust in (0.0, 1e6)
    )

    assert float((strong - near).abs().max()) < 0.2 * float((weak - near).abs().max())


def test_the_seed_decides_the_order_of_the_iterations():
    scan = Scan.of(tiny_scan()[1])
    one, same, other = (iterate(scan, passes=1, seed=seed) for seed in (0, 0, 1))

    assert (torch.equal(one, same), torch.equal(one, other)) == (True, False)


def test_pixels_without_light_keep_the_constant():
    data = tiny_scan()[1]

    assert float(iterate(Scan.of(data), passes=1)[0].real) == pytest.approx(constant_level(data))


def dark_columns(data):
    """*data* with three dead columns of the detector that read nonsense, and the mask that says so."""
    mask = np.ones((data.frame_size, data.frame_size), bool)
    mask[:, 7:10] = False
    return replace(data, diffraction=np.where(mask, data.diffraction, np.float32(3)), mask=mask)


@pytest.mark.parametrize("solver", ["pie", "likely"])
def test_what_a_dead_column_reads_changes_nothing(solver):
    data = dark_columns(simulate(SMALL, 1e5))
    other = replace(data, diffraction=np.where(data.mask, data.diffraction, np.float32(0)))

    def solve(each):
        scan = Scan.of(each)
        if solver == "pie":
            return iterate(scan, passes=2)
        return most_likely(scan, scan.constant(), Prior(smoothness=1.0), photon_scale=50.0, steps=2)

    torch.testing.assert_close(solve(data), solve(other))


def test_frames_of_another_size_are_refused():
    config, data = tiny_config(), tiny_scan()[1]
    small = data.probe_guess[4:12, 4:12]
    bundle = Bundle(config, Calibration(1, 1, 1), small, initial_network(config).state_dict())

    with pytest.raises(DataError, match="found frames of 16 pixels; expected 8, as the probe has"):
        reconstruct(bundle, data)


def test_every_frame_has_its_place_in_the_prepared_groups():
    config, data = tiny_config(gridsize=2, groups_per_frame=2, input="frame"), tiny_scan()[1]
    optics = Optics.of(data.probe_guess)

    frames = prepare(data, Recipe(config, Calibration.of(data, config.dose), optics))

    assert frames.inputs.shape == (2 * data.count, 4, 3, optics.box, optics.box)
    assert sorted(frames.groups[:, 0].tolist()) == sorted([*range(data.count)] * 2)
    assert np.array_equal(frames.first, (frame_corners(data) + optics.margin)[frames.groups.numpy()])


def test_weights_of_another_width_are_refused():
    config, data = tiny_config(), tiny_scan()[1]
    weights = initial_network(replace(config, width=4)).state_dict()

    with pytest.raises(DataError, match="do not fit a network of width 8"):
        Bundle(config, Calibration(1, 1, 1), data.probe_guess, weights).network()


def recipe(data, **changes):
    config = tiny_config(**changes)
    return Recipe(config, Calibration.of(data, config.dose), Optics.of(data.probe_guess))


@pytest.mark.parametrize("kind", ["frame", "scan"])
def test_before_its_first_step_the_network_gives_its_input_back(kind):
    data = tiny_scan()[1]
    frames = prepare(data, recipe(data, input=kind))
    given, untrained = (
        reconstruct_with(network, frames, data).image for network in (None, initial_network(frames.recipe.config))
    )

    np.testing.assert_allclose(untrained, given, atol=1e-5)


@pytest.mark.parametrize("kind", ["frame", "scan"])
def test_more_steps_of_the_estimate_give_a_better_input(kind):
    data = tiny_scan()[1]
    few, many = (
        reconstruct_with(None, prepare(data, recipe(data, input=kind, projections=each, refinements=0)), data)
        for each in (1, 8)
    )
    psnr = [score(data.object_guess, found.image, found.mask).amplitude.psnr for found in (few, many)]

    assert psnr[1] > psnr[0] + 1


def test_an_object_of_any_shape_has_its_picture():
    data = tiny_scan()[1]
    narrow = replace(data, object_guess=data.object_guess[:, :-3]).select(np.flatnonzero(data.xcoords < 80))
    frames = prepare(narrow, recipe(narrow))

    found = reconstruct_with(initial_network(frames.recipe.config), frames, narrow)

    assert (found.image.shape, frames.picture.inputs.shape[2] % 4, frames.picture.inputs.shape[3] % 4) == (
        (96, 93),
        0,
        0,
    )
