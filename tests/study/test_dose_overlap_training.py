"""A study run as a user runs it: what is there afterwards, what was skipped, and that it comes out the same again."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest

from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle
from extractor_flow.readers.images import read_png
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.records import Completed, Skipped
from extractor_flow.verify import verify
from support.flows.dose_study import BASELINE, DENSE, DENSE_NAME, OTHER_DENSE, SPARSE, command, config, run

IMAGES = "reconstructions.npz"


def outcomes(directory):
    return {record.directory: record.outcome for record in directory.records()}


def arrays(directory, job):
    with np.load(directory.path / job / "reconstructions.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_every_cell_is_trained_or_skipped(finished):
    assert {job: type(outcome) for job, outcome in outcomes(finished).items()} == {
        BASELINE: Completed,
        DENSE: Completed,
        SPARSE: Skipped,
        "dose_100000/baseline/gs1": Completed,
        OTHER_DENSE: Completed,
        "dose_100000/sparse/gs2": Skipped,
    }


def test_a_rejected_view_is_skipped_with_every_number_of_the_decision(finished):
    manifest = json.loads((finished.path / "data" / "overlap_manifest.json").read_text())
    metrics = json.loads((finished.path / "data/dose_1000/sparse/train_metrics.json").read_text())

    reason = outcomes(finished)[SPARSE].reason

    assert reason == manifest["dose_1000"]["sparse"]["reason"]
    assert reason.startswith(
        f"OVERSAMPLING-001: of {metrics['n_positions']} positions a spacing of {metrics['threshold']:g} px keeps"
    )
    assert f"{metrics['acceptance_rate']:.4%} greedily" in reason
    assert f"{metrics['effective_min_acceptance']:.4%} is wanted" in reason
    assert f"the smallest spacing is {metrics['min_spacing']:g} px" in reason


def test_skips_stand_in_the_skip_summary_and_in_the_manifest_alike(finished):
    summary, manifest = (
        json.loads((finished.path / name).read_text()) for name in ("skip_summary.json", "training_manifest.json")
    )

    assert summary["skipped_jobs"] == manifest["skipped_jobs"]
    assert [each["config_name"] for each in summary["skipped_jobs"]] == ["sparse (dose=1e+03)", "sparse (dose=1e+05)"]
    assert summary["skipped_views"] == manifest["skipped_views"]
    told = [(each["dose"], each["view"], each["reason"]) for each in summary["skipped_views"]]
    assert told == [
        (dose, "sparse", each["reason"]) for dose, each in zip((1000, 100000), summary["skipped_jobs"], strict=True)
    ]


def test_the_steps_recorded_are_the_steps_done(finished):
    assert {outcome.training_steps for outcome in outcomes(finished).values() if isinstance(outcome, Completed)} == {12}


def test_a_finished_run_is_verified_with_nothing_left_unchecked(finished):
    verdict = verify(finished.path, deep=True)

    assert (verdict.violations, verdict.unchecked) == ((), ())


def test_the_data_of_every_phase_lie_under_the_names_of_the_contract(finished):
    root = finished.path / "data"
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    stages = ["simulated_raw", "canonical", "patched", "patched_train", "patched_test"]
    metrics = ["train_metrics.json", "test_metrics.json", "metrics_bundle.json"]
    assert names == {
        "run_manifest.json",
        "overlap_manifest.json",
        *(f"dose_{dose}/{stage}.npz" for dose in (1000, 100000) for stage in stages),
        *(f"dose_{dose}/{view}/{name}" for dose in (1000, 100000) for view in ("dense", "sparse") for name in metrics),
        *(f"dose_{dose}/dense/dense_{split}.npz" for dose in (1000, 100000) for split in ("train", "test")),
    }


def test_the_views_of_all_doses_have_the_same_positions(finished):
    few, many = (read_data(finished.path / f"data/dose_{dose}/dense/dense_test.npz") for dose in (1000, 100000))

    assert np.array_equal(few.xcoords, many.xcoords)
    assert not np.array_equal(few.diffraction, many.diffraction)


def test_the_run_manifest_names_every_dose_and_its_files(finished):
    assert json.loads((finished.path / "data/run_manifest.json").read_text())["dose_1000"] == {
        "dose": 1000,
        "train": "dose_1000/patched_train.npz",
        "test": "dose_1000/patched_test.npz",
        "intermediate_dir": "dose_1000",
    }


def test_the_stored_objects_are_of_one_size_and_the_trained_differs_from_the_untrained(finished):
    stored = arrays(finished, DENSE)

    assert {array.shape for array in stored.values()} == {(112, 112)}
    assert not np.array_equal(stored["trained"], stored["untrained"])


def test_a_bundle_carries_the_config_of_its_job(finished):
    job = json.loads((finished.path / DENSE / "job.json").read_text())

    assert read_bundle(finished.path / DENSE / "bundle.safetensors").config.as_dict() == job["parameters"]["training"]


def test_no_metric_is_a_wall_clock(finished):
    assert not [name for name in outcomes(finished)[DENSE].metrics if "time" in name or "second" in name]


def test_the_log_has_a_line_an_epoch(finished):
    assert (finished.path / DENSE / "train.log").read_text().count("epoch done") == 3


def test_every_figure_is_a_whole_picture(finished):
    assert {name: min(read_png(BytesIO(data), name)[:2]) > 300 for name, data in finished.figures().items()} == {
        "learning_curves.png": True,
        "quality_over_dose.png": True,
        "images_amplitude.png": True,
        "images_phase.png": True,
        "images_input.png": True,
        "images_iterative.png": True,
        "images_map.png": True,
        "images_error.png": True,
        "rings.png": True,
        "frames.png": True,
        "scan.png": True,
    }


def test_the_same_cell_of_another_study_has_the_same_data_bundle_and_metrics_bit_for_bit(finished, studied):
    first, (_, second) = finished, studied
    names = [f"{DENSE}/bundle.safetensors", f"{DENSE}/reconstructions.npz", f"{DENSE}/metrics.json"]
    names += ["data/dose_1000/simulated_raw.npz", "data/dose_1000/dense/dense_train.npz"]

    assert [name for name in names if (first.path / name).read_bytes() != (second.path / name).read_bytes()] == []


def test_a_cell_trained_again_is_certified_by_its_weights_and_its_reconstructions(finished, tmp_path):
    answer = command("verify", finished.path, "--replay", DENSE_NAME, "--format", "json", cwd=tmp_path)

    (certificate,) = json.loads(answer.out)["reproduced"]
    files = [each.partition(" ")[0] for each in certificate["equal"]]
    assert files[:3] == [f"{DENSE}/{name}" for name in ("bundle.safetensors", "checkpoint.safetensors", IMAGES)]


@pytest.mark.usefixtures("undrawn")
def test_a_resumed_run_trains_what_is_missing_and_makes_the_data_no_second_time(copied, tmp_path):
    directory = RunDirectory(copied)
    journal = copied / "records.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if json.loads(line)["directory"] == OTHER_DENSE)
    journal.write_text("".join(lines[:first]))
    before = (copied / OTHER_DENSE / "bundle.safetensors").read_bytes()
    for path in (copied / OTHER_DENSE).iterdir():
        if path.name != "job.json":
            path.unlink()
    made = (copied / "data/run_manifest.json").stat().st_mtime_ns

    answer = command("run", "--resume", copied, "--executor", "serial", cwd=tmp_path)

    assert (answer.code, (copied / OTHER_DENSE / "bundle.safetensors").read_bytes() == before) == (0, True), answer
    assert (copied / "data/run_manifest.json").stat().st_mtime_ns == made
    assert verify(directory.path).ok


def test_a_rehearsal_makes_no_data(tmp_path):
    answer, directory = run(tmp_path, "--dry-run")

    assert (answer.code, (directory.path / "data").exists()) == (0, False)
    assert all(isinstance(outcome, Skipped) for outcome in outcomes(directory).values())


def test_a_base_with_another_content_than_planned_fails_every_job_and_names_both_digests(tmp_path):
    base = tmp_path / "scan.npz"
    base.write_bytes(b"no archive")
    wrong = "0" * 64
    path = config(tmp_path, simulation={"base_npz": str(base), "base_sha256": wrong})

    answer = command("run", path, "--executor", "serial", "--output-root", "runs", cwd=tmp_path)

    assert answer.code == 1
    assert wrong in answer.out.replace("\n", "")
