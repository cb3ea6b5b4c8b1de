"""Real training with tiny budgets: it learns, from photons alone, and does it twice the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from extractor_flow.errors import ConfigError, DataError, Interrupted, JobError
from extractor_flow.files import sha256_of
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.validation_split import validation_block
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle, tensor_bytes, write_bundle
from extractor_flow.flows.dose_overlap.reconstruction.network_inputs import prepare
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import (
    initial_network,
    recipe_of,
    reconstruct,
    reconstruct_constant,
    reconstruct_with,
)
from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan, total_variation
from extractor_flow.flows.dose_overlap.reconstruction.task import TrainingTask
from extractor_flow.flows.dose_overlap.scoring.scores import score
from extractor_flow.flows.dose_overlap.training.loop import train
from extractor_flow.flows.dose_overlap.training_config import TrainingConfig
from support.flows.dose_bench import DOSE, tiny_config, tiny_scan, tiny_view, without_truth


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A training of three epochs that many tests look at, its directory, and what was told of it as it went."""
    folder, told = tmp_path_factory.mktemp("once"), []
    return train(tiny_config(), tiny_scan()[0], folder, progress=told.append), folder, told


def amplitude_psnr(data, found):
    return score(data.object_guess, found.image, found.mask).amplitude.psnr


@pytest.mark.parametrize("kind", ["frame", "scan"])
def test_training_beats_what_the_network_was_given(tmp_path, kind):
    learned, held_out = tiny_scan()
    config = tiny_config(input=kind, projections=2, refinements=0, epochs=4, steps_per_epoch=30, width=12)

    outcome = train(config, learned, tmp_path)

    bundle = read_bundle(outcome.bundle_path)
    given = reconstruct_with(None, prepare(held_out, recipe_of(bundle)), held_out)
    found, floor = reconstruct(bundle, held_out), amplitude_psnr(held_out, reconstruct_constant(held_out))
    assert amplitude_psnr(held_out, found) > max(amplitude_psnr(held_out, given), floor + 4)
    assert outcome.best_validation_loss < outcome.curves[0].validation_loss


def test_a_network_that_is_shown_a_share_of_the_photons_explains_the_others():
    task = TrainingTask.of(tiny_config(split=0.7), tiny_scan()[0])
    one, two = task.to_learn(1), task.to_learn(2)
    scale = task.recipe.calibration.photon_scale

    told = [frames.measured.amplitudes.numpy().astype(float) ** 2 * 0.3 * scale for frames in (one, two)]

    counts = task.learned.diffraction.astype(float) ** 2 * scale
    for each in told:
        np.testing.assert_allclose(each, np.rint(each), atol=1e-2)
        assert ((each <= counts + 0.1).all(), each.sum() / counts.sum()) == (True, pytest.approx(0.3, abs=0.01))
    assert not np.array_equal(*told)


def test_with_a_spread_the_network_also_sees_the_start_and_a_rougher_and_a_smoother_object():
    data = tiny_scan()[0]

    def seen(**changes):
        frames = TrainingTask.of(tiny_config(**({"refinements": 20} | changes)), data).to_learn(1)
        return frames.picture.inputs[0, 1:].unflatten(0, (-1, 2))

    likely, start, rougher, smoother = seen(spread=3.0)
    variation = [float(total_variation(each.permute(1, 2, 0))) for each in (rougher, likely, smoother)]

    assert variation == sorted(variation, reverse=True)
    assert torch.equal(torch.stack([start]), seen(refinements=0))
    assert torch.equal(torch.stack([likely]), seen(spread=1.0))


def test_where_little_light_fell_little_of_the_correction_counts():
    network = initial_network(tiny_config())
    torch.nn.init.ones_(network.head.bias)

    def correction(dim):
        task = TrainingTask.of(tiny_config(dim=dim, split=1.0), tiny_scan()[0])
        picture = task.to_learn(1).picture
        with torch.no_grad():
            return picture.drawn(network) - picture.estimate, Scan.of(task.learned).light()

    whole, light = correction(0.0)

    torch.testing.assert_close(correction(0.5)[0], whole * light / (light + 0.5), atol=1e-5, rtol=1e-4)


def test_without_a_split_all_photons_are_shown_and_explained():
    task = TrainingTask.of(tiny_config(split=1.0), tiny_scan()[0])

    assert np.array_equal(task.to_learn(1).measured.amplitudes.numpy(), task.learned.diffraction)


def test_the_same_training_twice_gives_the_same_bytes(once, tmp_path):
    first, _, _ = once
    torch.manual_seed(7)  # the caller's generator must not matter, nor be changed
    before = torch.get_num_threads(), torch.random.get_rng_state()
    second = train(tiny_config(), tiny_scan()[0], tmp_path)

    assert (torch.get_num_threads(), torch.equal(torch.random.get_rng_state(), before[1])) == (before[0], True)
    one, two = (outcome.bundle_path.read_bytes() for outcome in (first, second))
    assert one == two
    assert first.curves == second.curves
    assert first.bundle_sha256 == sha256_of(first.bundle_path)
    assert first.bundle_size_bytes == len(one)


def test_the_seed_decides_the_first_weights():
    first, again, other = (initial_network(tiny_config(seed=seed)).outer[0].weight for seed in (1, 1, 2))

    assert (torch.equal(first, again), torch.equal(first, other)) == (True, False)


def test_the_truth_changes_nothing_but_the_curves(once, tmp_path):
    learned, held_out = tiny_scan()
    seeing, _, _ = once

    blind = train(tiny_config(), without_truth(learned), tmp_path)

    assert seeing.bundle_sha256 == blind.bundle_sha256
    assert [record.amplitude_psnr for record in blind.curves] == [None] * 4
    assert all(record.amplitude_psnr is not None for record in seeing.curves)
    image = reconstruct(read_bundle(seeing.bundle_path), held_out).image
    assert np.array_equal(image, reconstruct(read_bundle(seeing.bundle_path), without_truth(held_out)).image)


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(once, tmp_path):
    expected, _, _ = once

    def interrupt(record):
        if record.epoch == 1:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        train(tiny_config(), tiny_scan()[0], tmp_path, progress=interrupt)
    found = train(tiny_config(), tiny_scan()[0], tmp_path, resume=True)

    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".tmp"] == []
    assert (found.bundle_sha256, found.curves) == (expected.bundle_sha256, expected.curves)


def test_a_finished_training_is_not_trained_again(once):
    first, folder, _ = once
    told = []

    again = train(tiny_config(), tiny_scan()[0], folder, progress=told.append, resume=True)

    assert (told, again) == ([], first)


def test_a_checkpoint_of_another_training_is_refused(once):
    with pytest.raises(DataError, match="the state of another training"):
        train(tiny_config(epochs=4), tiny_scan()[0], once[1], resume=True)


def test_what_was_done_is_what_is_recorded(once):
    outcome, _, told = once

    assert tuple(told) == outcome.curves
    assert [record.epoch for record in told] == [0, 1, 2, 3]
    assert (told[0].train_loss, told[0].learning_rate) == (None, None)
    assert (outcome.epochs_completed, outcome.steps_completed, outcome.stopped_early) == (3, 36, False)
    assert outcome.final_loss == told[-1].train_loss
    assert outcome.best_validation_loss == min(record.validation_loss for record in told)
    assert outcome.training_frames + outcome.validation_frames == tiny_scan()[0].count


def test_the_recorded_loss_is_that_of_the_network_before_its_first_step(once):
    config = tiny_config()
    task = TrainingTask.of(config, tiny_scan()[0])

    assert once[0].curves[0] == task.look(initial_network(config), 0, None, 0.0)


def test_a_training_that_stops_getting_better_stops_early_and_keeps_the_best(tmp_path):
    config = tiny_config(epochs=40, steps_per_epoch=1, patience=2, learning_rate=1.0)

    outcome = train(config, tiny_scan()[0], tmp_path)

    assert outcome.stopped_early
    assert outcome.steps_completed == outcome.epochs_completed == outcome.best_epoch + 2 < 40
    task, network = TrainingTask.of(config, tiny_scan()[0]), read_bundle(outcome.bundle_path).network()
    assert task.look(network, 0, None, 0.0).validation_loss == pytest.approx(outcome.best_validation_loss)


def test_a_training_that_diverges_fails_and_leaves_no_bundle(tmp_path):
    with pytest.raises(JobError, match="the training diverged"):
        train(tiny_config(learning_rate=1.0, epochs=2), tiny_scan()[0], tmp_path)

    assert not (tmp_path / layout.BUNDLE).exists()


@pytest.mark.parametrize("overlap", [0.7, 0.2])
def test_groups_of_four_are_trained_on_every_view(tmp_path, overlap):
    learned, held_out = tiny_view(overlap)
    config = tiny_config(gridsize=2, input="frame", projections=2, split=1.0)

    outcome = train(config, learned, tmp_path)

    found = reconstruct(read_bundle(outcome.bundle_path), held_out)
    assert outcome.final_loss < outcome.curves[1].train_loss
    assert amplitude_psnr(held_out, found) > amplitude_psnr(held_out, reconstruct_constant(held_out))


def test_the_frames_set_aside_are_neighbours_and_never_learned_from():
    data, config = tiny_scan()[0], tiny_config()
    block = validation_block(data, config)
    task = TrainingTask.of(config, data)

    points = np.stack([data.xcoords, data.ycoords], axis=1)
    spread = np.hypot(*np.ptp(points[block], axis=0)) / np.hypot(*np.ptp(points, axis=0))
    assert (block.sum(), spread < 0.7) == (round(0.1 * data.count), True)
    assert np.array_equal(task.learned.xcoords, data.xcoords[~block])
    assert np.array_equal(task.judged.diffraction, data.diffraction[block])


def test_an_epoch_visits_every_group_before_it_repeats_one():
    config = tiny_config(steps_per_epoch=7, batch_frames=16)
    task = TrainingTask.of(config, tiny_scan()[0])

    rows = torch.cat(list(task.batches(task.to_learn(1), np.random.default_rng(0))))

    count = task.training_frames
    assert len(rows) == 7 * 16
    assert len(set(rows[:count].tolist())) == min(count, len(rows))


def test_too_few_frames_are_refused():
    data = tiny_scan()[0].select(np.arange(7))

    with pytest.raises(DataError, match="found 7 frames; expected at least 8: 4 are set aside"):
        TrainingTask.of(tiny_config(gridsize=2), data)


def test_a_bundle_is_read_back_as_it_was_written(once, tmp_path):
    outcome, _, _ = once
    bundle = read_bundle(outcome.bundle_path)

    again = write_bundle(tmp_path / "again.safetensors", bundle)

    assert (again.sha256, bundle.config) == (outcome.bundle_sha256, tiny_config())
    assert np.array_equal(bundle.probe, tiny_scan()[0].probe_guess)


@pytest.mark.parametrize(
    "content",
    [b"", b"not tensors", tensor_bytes({"a": torch.zeros(1)}, {}), tensor_bytes({"a": torch.zeros(1)}, {"config": {}})],
)
def test_a_file_that_is_no_bundle_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(DataError, match=r"not a readable safetensors file|not the bundle of a trained network"):
        read_bundle(tmp_path / "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dose": 0.0}, "dose is 0.0; expected more than 0"),
        ({"dose": float("nan")}, "dose is NaN (a number); expected a number"),
        ({"epochs": 0}, "epochs is 0; expected at least 1"),
        ({"epochs": 2.0}, "epochs is 2.0; expected an integer"),
        ({"seed": True}, "seed is true (a boolean); expected an integer"),
        ({"validation_share": 1.0}, "validation_share is 1.0; expected at most 0.5"),
        ({"gridsize": 3}, "gridsize is 3; expected one of 1, 2"),
        ({"gridsize": 2, "neighbor_count": 3}, "neighbor_count is 3; expected at least the group size 4"),
    ],
)
def test_an_impossible_training_cannot_be_asked_for(changes, message):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**({"dose": DOSE} | changes))

    assert str(caught.value) == message


def test_a_config_survives_its_mapping():
    config = tiny_config(gridsize=2)

    assert (TrainingConfig.from_dict(config.as_dict()), config.digest) == (config, tiny_config(gridsize=2).digest)


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match="missing or unknown: lr"):
        TrainingConfig.from_dict(tiny_config().as_dict() | {"lr": 1})
