"""The differentiable forward model against the simulator, finite differences and hand-made canvases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from extractor_flow.flows.dose_overlap.data.calibration import input_scale
from extractor_flow.flows.dose_overlap.data.simulation import diffract
from extractor_flow.flows.dose_overlap.data.specimen import ProbeShape, defocused_probe, textured_object
from extractor_flow.flows.dose_overlap.reconstruction.forward_model import (
    Canvas,
    Measured,
    Optics,
    box_side,
    excess_nll,
    merge,
    project,
)
from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork, network_inputs
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import turned, turned_back

PROBE = defocused_probe(16, ProbeShape(8))
FIRST = np.array([[[0, 0], [0, 3], [2, 1], [5, 4]]])


def optics(probe=PROBE):
    return Optics.of(probe)


def patches(count=3, side=12, seed=0):
    rng = np.random.default_rng(seed)
    return 0.3 + 0.6 * rng.random((count, side, side)) * np.exp(1j * rng.random((count, side, side)))


def test_the_box_holds_nearly_all_of_the_probe_and_no_less():
    energy = np.abs(PROBE.astype(complex)) ** 2
    share = [energy[8 - half : 8 + half, 8 - half : 8 + half].sum() / energy.sum() for half in (4, 6)]

    assert (box_side(PROBE), share[0] < 0.9999 <= share[1]) == (12, True)


@pytest.mark.parametrize(("size", "expected"), [(16, 16), (18, 16), (7, 4)])
def test_a_probe_that_fills_the_frame_gets_the_largest_box(size, expected):
    assert box_side(np.ones((size, size), np.complex64)) == expected


def test_the_forward_model_is_the_simulators():
    lens = optics()
    pieces = torch.from_numpy(patches())

    found = lens.diffract(pieces).numpy()

    waves = lens.pad(pieces).numpy() * PROBE
    np.testing.assert_allclose(found, diffract(waves), rtol=1e-5, atol=1e-9)


def test_crop_undoes_pad():
    lens = optics()
    pieces = torch.from_numpy(patches())

    assert torch.equal(lens.crop(lens.pad(pieces)), pieces)


def test_the_likelihoods_gradient_is_that_of_finite_differences():
    lens = Optics(torch.from_numpy(PROBE.astype(np.complex128)), 12)
    amplitudes = torch.from_numpy(np.sqrt(np.random.default_rng(1).poisson(3.0, (1, 4, 16, 16)) / 40.0))
    canvas = Canvas.of(FIRST, 12)
    start = patches(4)[None]
    numbers = torch.from_numpy(np.stack([start.real, start.imag]))[..., :3, :3].clone().requires_grad_()

    def loss(corner):
        whole = torch.from_numpy(start).clone()
        whole[..., 4:7, 4:7] = torch.complex(corner[0], corner[1])
        return excess_nll(lens.diffract(merge(whole, canvas, lens)), amplitudes, 40.0)

    assert torch.autograd.gradcheck(loss, numbers, eps=1e-6, atol=1e-7)


def test_the_loss_is_the_poisson_likelihood_above_a_perfect_fit():
    rng = np.random.default_rng(2)
    scale, rate = 50.0, 0.2 + rng.random((2, 8, 8))
    counts = rng.poisson(scale * rate)

    found = float(excess_nll(torch.from_numpy(rate), torch.from_numpy(np.sqrt(counts / scale)), scale))

    nll = -stats.poisson.logpmf(counts, scale * rate) + stats.poisson.logpmf(counts, np.maximum(counts, 1e-300))
    assert found == pytest.approx(float(nll.mean()), rel=1e-4)


def test_the_true_rates_score_half_a_nat_a_pixel_where_photons_are_many():
    rng = np.random.default_rng(3)
    rate = np.full((20, 64, 64), 100.0)
    amplitudes = torch.from_numpy(np.sqrt(rng.poisson(rate)))

    assert float(excess_nll(torch.from_numpy(rate), amplitudes, 1.0)) == pytest.approx(0.5, rel=0.02)


def test_a_dark_prediction_of_a_bright_pixel_is_bad_but_finite():
    loss = excess_nll(torch.zeros(1, 2, 2), torch.ones(1, 2, 2), 1.0)

    assert 1 < float(loss) < 100


def test_pieces_of_one_object_are_not_changed_by_merging():
    lens, canvas = optics(), Canvas.of(FIRST, 12)
    whole = patches(1, 20)[0]
    pieces = np.stack([whole[row : row + 12, column : column + 12] for row, column in FIRST[0]])

    merged = merge(torch.from_numpy(pieces[None]), canvas, lens)

    np.testing.assert_allclose(merged.numpy()[0], pieces, rtol=1e-6)


def test_merged_pieces_are_the_weighted_mean_of_all_that_see_a_pixel():
    lens, canvas = optics(), Canvas.of(FIRST, 12)
    pieces = patches(4)
    light = np.abs(lens.crop(lens.probe).numpy().astype(complex)) ** 2 / np.abs(PROBE).max() ** 2 + 1e-3
    total, weight = np.zeros((20, 20), complex), np.zeros((20, 20))
    for (row, column), piece in zip(FIRST[0], pieces, strict=True):
        total[row : row + 12, column : column + 12] += light * piece
        weight[row : row + 12, column : column + 12] += light

    merged = merge(torch.from_numpy(pieces[None]), canvas, lens).numpy()[0]

    expected = [(total / np.maximum(weight, 1e-9))[row : row + 12, column : column + 12] for row, column in FIRST[0]]
    np.testing.assert_allclose(merged, np.stack(expected), rtol=1e-5)


def test_groups_do_not_see_each_other():
    lens = optics()
    both = np.concatenate([FIRST, FIRST[:, ::-1] + 7])
    pieces = torch.from_numpy(np.stack([patches(4, seed=1), patches(4, seed=2)]))

    together = merge(pieces, Canvas.of(both, 12), lens)
    alone = [merge(pieces[[number]], Canvas.of(both[[number]], 12), lens) for number in (0, 1)]

    torch.testing.assert_close(together, torch.cat(alone))


def test_the_classical_estimate_explains_the_frames_better_with_each_step():
    lens = optics()
    specimen = textured_object(40, np.random.default_rng(0))
    pieces = np.stack([specimen[row : row + 16, column : column + 16] for row, column in FIRST[0]])
    amplitudes = torch.from_numpy(np.sqrt(diffract(pieces.astype(complex) * PROBE)).astype(np.float32))[None]
    canvas = Canvas.of(FIRST + lens.margin, lens.box)

    losses = []
    for steps in (1, 5, 40):
        probes = lens.crop(lens.probe).expand(*amplitudes.shape[:2], lens.box, lens.box)
        estimate = project(Measured(amplitudes, probes), canvas, lens, level=0.6, steps=steps)
        losses.append(float(excess_nll(lens.diffract(estimate), amplitudes, 1e4)))

    assert losses[0] > 2 * losses[1] > 4 * losses[2]


@pytest.mark.parametrize(("side", "estimates"), [(4, 1), (12, 2), (32, 4)])
def test_before_its_first_step_the_network_repeats_its_first_estimate_however_bright(side, estimates):
    torch.manual_seed(0)
    given = torch.complex(*(9 * torch.randn(2, estimates, 3, side, side)))

    with torch.no_grad():
        found = PatchNetwork(4, estimates)(network_inputs(torch.zeros(3, side, side), *given))

    torch.testing.assert_close(found, given[0])


@pytest.mark.parametrize("turns", range(8))
def test_turning_is_undone(turns):
    picture = torch.arange(16.0).reshape(1, 4, 4)

    assert torch.equal(turned_back(turned(picture, turns), turns), picture)


def test_the_eight_ways_to_turn_a_picture_differ():
    picture = torch.arange(16.0).reshape(1, 4, 4)

    assert len({tuple(turned(picture, turns).flatten().tolist()) for turns in range(8)}) == 8


def test_scaled_frames_have_the_energy_of_a_quarter_of_their_pixels():
    assert input_scale(32, 100.0) ** 2 * 100 == pytest.approx(16**2)
