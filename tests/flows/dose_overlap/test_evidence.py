"""Tampering with a study's files: every kind is found, also when the lie is told everywhere with digests that fit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from extractor_flow.files import sha256_of
from extractor_flow.flows.dose_overlap.data.dataset import npz_bytes, read_data, write_data
from extractor_flow.verify import verify
from support.flows.dose_study import DENSE, OTHER_DENSE, SPARSE
from support.lies.tampering import Tampering
from support.whole import one_of_a_kind

AGAIN = "dose-images-again"
BUNDLE, CURVES = f"{DENSE}/bundle.safetensors", f"{DENSE}/curves.json"
RECONSTRUCTIONS, TEST = f"{DENSE}/reconstructions.npz", "data/dose_1000/dense/dense_test.npz"
JOURNAL = "records.jsonl"


def lying(*steps, to):
    """Set what *steps* lead to in the record of the dense cell, everywhere it is told."""

    def change(run):
        with run.lying(DENSE) as record:
            place = record
            for step in steps[:-1]:
                place = place[step]
            place[steps[-1]] = to(place.get(steps[-1])) if callable(to) else to

    return change


def curved(edit):
    """Edit the learning curve, in the file and in the record."""

    def change(run):
        with run.json(CURVES) as data:
            edit(data["curves"])
            with run.lying(DENSE) as record:
                record["details"]["curves"] = data["curves"]
        run.digested(DENSE)

    return change


def imaged(**edits):
    """Change stored arrays, and set all digests right."""

    def change(run):
        with np.load(run.path / RECONSTRUCTIONS) as stored:
            arrays = {name: stored[name].copy() for name in stored.files}
        for name, edit in edits.items():
            arrays[name] = edit(arrays)
        (run.path / RECONSTRUCTIONS).write_bytes(npz_bytes(arrays))
        run.digested(DENSE)

    return change


def bundled(edit):
    """Change the bundle's tensors or settings, and set all digests right."""

    def change(run):
        path = run.path / BUNDLE
        with safe_open(path, "numpy") as archive:
            metadata = dict(archive.metadata())
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        edit(tensors, metadata)
        path.write_bytes(save(tensors, metadata))
        with run.lying(DENSE) as record:
            record["details"] |= {"bundle_size_bytes": path.stat().st_size, "bundle_sha256": sha256_of(path)}

    return change


def _nan(tensors, _):
    name = next(name for name in tensors if name.startswith("network."))
    tensors[name] = np.full_like(tensors[name], np.nan)


def _drop(tensors, _):
    del tensors[next(name for name in tensors if name.startswith("network."))]


def _other_config(_, metadata):
    header = json.loads(metadata["dose_overlap"])
    header["config"]["epochs"] = 2000
    metadata["dose_overlap"] = json.dumps(header)


def _measured_again(run):
    """Darker frames in place of the measured ones, with the digest in the record."""
    data = read_data(run.path / TEST)
    write_data(run.path / TEST, replace(data, diffraction=data.diffraction * np.float32(0.5)))
    with run.lying(DENSE) as record:
        record["details"]["data_sha256"]["test"] = sha256_of(run.path / TEST)


def _copied_job(run):
    shutil.copy(run.path / OTHER_DENSE / "bundle.safetensors", run.path / BUNDLE)
    run.digested(DENSE)


def _skip_of_a_possible_view(run):
    with run.lying(DENSE) as record:
        for name in ("metrics", "artifacts", "training_steps", "details", "end_time", "duration_seconds"):
            record.pop(name, None)
        record.pop("hardware_profile", None)
        record.update(status="skipped", code="missing-data", reason="OVERSAMPLING-001: too many positions")


def _other_reason(run):
    with run.record(SPARSE) as record:
        record["reason"] = record["reason"].replace("OVERSAMPLING-001: of", "OVERSAMPLING-001: of 1")
    run.republish()


def _careless(run):
    with run.record(DENSE) as record:
        record["metrics"]["amplitude_psnr"] += 1


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


CARELESS = {
    "a metric in the journal": (_careless, JOURNAL),
    "a bundle of other bytes": (lambda run: (run.path / BUNDLE).write_bytes(b"x" * 100), BUNDLE),
    "a bundle that is gone": (lambda run: (run.path / BUNDLE).unlink(), BUNDLE),
    "a checkpoint that is gone": (
        lambda run: (run.path / DENSE / "checkpoint.safetensors").unlink(),
        f"{DENSE}/checkpoint.safetensors",
    ),
    "data that are gone": (lambda run: (run.path / TEST).unlink(), TEST),
    "a reconstruction that is cut short": (lambda run: _cut(run.path / RECONSTRUCTIONS), RECONSTRUCTIONS),
}


CAREFUL = {
    "a better PSNR": (lying("metrics", "amplitude_psnr", to=lambda value: value + 1), JOURNAL, {"dose-scores"}),
    "a PSNR with the range 255": (
        lying("metrics", "amplitude_psnr", to=lambda value: value + 48.13),
        JOURNAL,
        {"dose-scores"},
    ),
    "a better phase SSIM": (lying("metrics", "phase_ssim", to=0.99), JOURNAL, {"dose-scores"}),
    "a worse constant": (lying("metrics", "constant_amplitude_psnr", to=1.0), JOURNAL, {"dose-scores"}),
    "a worse untrained network": (lying("metrics", "untrained_amplitude_psnr", to=1.0), JOURNAL, {"dose-scores"}),
    "a better gain": (lying("metrics", "gain_over_constant", to=20.0), JOURNAL, {"dose-scores"}),
    "an invented score": (lying("metrics", "amplitude_sharpness", to=1.0), JOURNAL, {"dose-scores"}),
    "more coverage": (lying("metrics", "coverage", to=0.99), JOURNAL, {"dose-scores"}),
    "more covered pixels": (lying("metrics", "covered_pixels", to=112 * 112), JOURNAL, {"dose-scores"}),
    "a lower loss": (lying("metrics", "final_loss", to=0.001), JOURNAL, {"dose-curve"}),
    "a lower validation loss": (lying("metrics", "best_validation_loss", to=0.001), JOURNAL, {"dose-curve"}),
    "more epochs": (lying("metrics", "epochs_completed", to=20), JOURNAL, {"dose-curve"}),
    "more steps": (lying("training_steps", to=960), JOURNAL, {"dose-curve"}),
    "more parameters": (lying("metrics", "total_parameters", to=119_000), JOURNAL, {"dose-bundle"}),
    "more frames": (lying("metrics", "training_frames", to=1540), JOURNAL, {"dose-frames"}),
    "another cell": (lying("details", "cell", to={"dose": 100000, "view": "dense"}), JOURNAL, {"dose-record"}),
    "another number of threads": (lying("details", "torch_threads", to=64), JOURNAL, {"dose-record"}),
    "another device": (lying("details", "device", to="cuda"), JOURNAL, {"dose-record"}),
    "a better gain over the input": (lying("metrics", "gain_over_input", to=5.0), JOURNAL, {"dose-scores"}),
    "another digest of the data": (lying("details", "data_sha256", "train", to="0" * 64), JOURNAL, {"dose-frames"}),
    "another digest of the bundle": (lying("details", "bundle_sha256", to="0" * 64), JOURNAL, {"dose-record"}),
    "an early stop that was none": (lying("details", "stopped_early", to=True), JOURNAL, {"dose-record"}),
    "an artifact that is not claimed": (
        lying("artifacts", to=lambda value: _without(value, "curves")),
        JOURNAL,
        {"job-contract"},
    ),
    "a curve with a lower loss": (
        curved(lambda curves: curves[2].update(validation_loss=1e-6)),
        JOURNAL,
        {"dose-curve"},
    ),
    "a curve without its last epoch": (curved(lambda curves: curves.pop()), JOURNAL, {"dose-curve", "dose-record"}),
    "a curve that begins trained": (curved(lambda curves: curves.pop(0)), CURVES, {"dose-record"}),
    "weights that are not finite": (bundled(_nan), BUNDLE, {"dose-bundle"}),
    "a network without a layer": (bundled(_drop), JOURNAL, {"dose-bundle"}),
    "a bundle with other settings": (bundled(_other_config), BUNDLE, {"dose-bundle"}),
    "the truth as reconstruction": (imaged(trained=lambda arrays: arrays["truth"]), RECONSTRUCTIONS, {"dose-images"}),
    "the iterative solver's image as the network's": (
        imaged(trained=lambda arrays: arrays["iterative"]),
        JOURNAL,
        {"dose-scores"},
    ),
    "the reconstruction as the truth": (
        imaged(truth=lambda arrays: arrays["trained"] * 1.01),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "the untrained image as the trained": (
        imaged(trained=lambda arrays: arrays["untrained"]),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "a smaller area": (imaged(mask=lambda arrays: _half(arrays["mask"])), RECONSTRUCTIONS, {"dose-images"}),
    "an area that holds nothing": (
        imaged(mask=lambda arrays: np.zeros_like(arrays["mask"])),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "an image that is not finite": (
        imaged(trained=lambda arrays: arrays["trained"] * np.nan),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "a constant that is none": (imaged(constant=lambda arrays: arrays["untrained"]), RECONSTRUCTIONS, {"dose-images"}),
    "an image of another size": (
        imaged(trained=lambda arrays: arrays["trained"][:64, :64]),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "an image in another precision": (
        imaged(trained=lambda arrays: arrays["trained"].astype(complex)),
        RECONSTRUCTIONS,
        {"dose-images"},
    ),
    "frames that were not measured": (_measured_again, TEST, {"dose-data"}),
    "a skip of a view that the scan has": (_skip_of_a_possible_view, JOURNAL, {"dose-refusals"}),
    "a skip for another reason": (_other_reason, JOURNAL, {"dose-refusals"}),
}


def _without(artifacts, role):
    return {name: value for name, value in artifacts.items() if name != role}


def _half(mask):
    smaller = mask.copy()
    smaller[: len(mask) // 4 * 3] = False
    return smaller


@pytest.mark.parametrize("title", CARELESS)
def test_tampering_is_found_in_the_file_that_lies(some_cells, title):
    change, file = CARELESS[title]
    change(Tampering(some_cells))

    assert file in {violation.file for violation in verify(some_cells).violations}


@pytest.mark.parametrize("title", one_of_a_kind(CAREFUL, lambda title: CAREFUL[title][1:]))
def test_a_lie_told_with_fitting_digests_is_found_by_its_check_in_the_file_that_lies(some_cells, title):
    change, file, checks = CAREFUL[title]
    change(Tampering(some_cells))
    found = verify(some_cells).violations

    assert checks & {violation.check for violation in found if violation.file == file}, found


def test_the_bundle_of_another_dose_is_found(copied):
    _copied_job(Tampering(copied))

    assert (BUNDLE, "dose-bundle") in {(violation.file, violation.check) for violation in verify(copied).violations}


def test_an_untampered_copy_is_verified(some_cells):
    assert verify(some_cells).violations == ()


def test_retelling_the_truth_everywhere_is_no_violation(copied):
    Tampering(copied).digested(DENSE)
    Tampering(copied).digested(OTHER_DENSE)

    assert verify(copied).violations == ()


@pytest.mark.parametrize("name", one_of_a_kind(["trained", "input", "map", "refined"], lambda _: AGAIN))
def test_a_deep_look_finds_an_image_that_its_method_does_not_give_with_scores_that_fit_it(some_cells, name):
    from extractor_flow.flows.dose_overlap.scoring.cell_metrics import measured

    path = some_cells / RECONSTRUCTIONS
    with np.load(path) as stored:
        arrays = {key: stored[key].copy() for key in stored.files}
    arrays[name] = (0.5 * arrays[name] + 0.5 * arrays["truth"]).astype(np.complex64)
    path.write_bytes(npz_bytes(arrays))
    run = Tampering(some_cells)
    with run.lying(DENSE) as record:
        record["metrics"] |= measured(arrays)
    run.digested(DENSE)

    found = [each for each in verify(some_cells, deep=[AGAIN]).violations if each.check == AGAIN]

    assert [(violation.file, violation.path) for violation in found] == [(RECONSTRUCTIONS, name)]


def test_a_deep_look_finds_a_digest_of_untrained_weights_that_the_seed_does_not_give(some_cells):
    with Tampering(some_cells).lying(DENSE) as record:
        record["details"]["untrained_weights_sha256"] = "0" * 64

    found = verify(some_cells, deep=[AGAIN, "dose-losses-again"]).violations

    assert [violation.file for violation in found] == [JOURNAL]
