"""``extractor-flow dose-overlap``: the phases one by one, on directories of the user's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from extractor_flow.files import sha256_of
from extractor_flow.flows.dose_overlap.cli import command
from extractor_flow.flows.dose_overlap.data.dataset import read_data, write_data
from support.flows.dose_study import Answer, config, module

SIZES = ["--object-size", "64", "--frame-size", "16", "--probe-diameter", "8", "--scan-step", "2.2"]
QUICK = ["--epochs", "1", "--steps-per-epoch", "3", "--width", "2", "--projections", "1", "--batch-frames", "8"]


@pytest.fixture
def call(capfd):
    """Run the command in this process."""

    def run(*words):
        code = command.main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two doses measured and thinned to a dense and a sparse view; never to be changed."""
    root = tmp_path_factory.mktemp("measured")
    assert command.main(["generate", "--output-root", str(root), "--dose", "1e3", "--dose", "1e5", *SIZES]) == 0
    assert command.main(["overlap", "--phase-c-root", str(root), "--dense", "0.6", "--sparse", "0.2"]) == 0
    return root


@pytest.fixture
def training(measured, tmp_path):
    """The words of a quick training on those data, with results in a directory of the test's."""
    return ["train", "--phase-c-root", measured, "--artifact-root", tmp_path / "a", *QUICK]


def manifests(tmp_path):
    return [json.loads((tmp_path / "a" / name).read_text()) for name in ("training_manifest.json", "skip_summary.json")]


def test_a_resumed_training_logs_each_epoch_once_and_trains_what_is_missing(call, training, tmp_path):
    log = tmp_path / "a/dose_1000/dense/gs2/train.log"
    trained = call(*training, "--dose", "1e3", "--view", "dense")
    lines = log.read_text().splitlines()
    resumed = call(*training, "--dose", "1e3", "--resume")

    assert [trained.code, resumed.code] == [0, 0]
    assert [line for line in lines if "epoch done {'epoch': 1, 'train_loss': 0." in line] != []
    assert "epoch 1/1" not in resumed.out.partition("dense (dose=1e+03, gridsize=2)")[2].partition("[3/3]")[0]
    assert "epoch 1/1" in resumed.out.partition("baseline (dose=1e+03, gridsize=1)")[2].partition("[2/3]")[0]


@pytest.mark.parametrize("words", [["generate", "--scan-step", "nan"], ["train", "--learning-rate", "inf"]])
def test_a_number_without_end_is_refused(words, capfd):
    with pytest.raises(SystemExit) as caught:
        command.main(words)

    assert (caught.value.code, "is not a finite number" in capfd.readouterr().err) == (2, True)


def test_a_study_of_another_flows_config_is_one_complaint(call, tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("run: {seeds: [1]}\nextractors: [{name: a, preset: mlp_small}]\n")

    answer = call("study", path)

    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "names no flow; expected 'flow: dose_overlap'" in answer.err


def test_the_result_of_a_job_is_what_was_done(call, training, tmp_path):
    call(*training, "--dose", "1e3", "--view", "dense")
    manifest, _ = manifests(tmp_path)
    (job,) = manifest["jobs"]
    bundle = tmp_path / "a/dose_1000/dense/gs2/bundle.safetensors"

    assert {key: value for key, value in job["result"].items() if key not in {"curves", "final_loss"}} == {
        "status": "success",
        "epochs_completed": 1,
        "training_steps": 3,
        "checkpoint_path": str(bundle.with_name("checkpoint.safetensors")),
        "bundle_path": str(bundle),
        "bundle_sha256": sha256_of(bundle),
        "bundle_size_bytes": bundle.stat().st_size,
    }
    assert job["result"]["final_loss"] == job["result"]["curves"][-1]["train_loss"] > 0


def test_the_console_counts_what_each_filter_leaves(call, training, tmp_path):
    answer = call(*training, "--view", "dense", "--dose", "1e3", "--dry-run")

    assert answer.out.splitlines()[1:] == [
        "3 jobs remain after --dose 1000",
        "1 jobs remain after --view dense",
        "[1/1] dense (dose=1e+03, gridsize=2)",
        "[1/1] skipped: dry run: nothing was trained; run again without --dry-run",
        f"manifest written: {tmp_path / 'a' / 'training_manifest.json'}",
        f"skip summary written: {tmp_path / 'a' / 'skip_summary.json'} (0 views skipped)",
    ]


def test_a_rehearsal_is_recorded_as_skipped_and_trains_nothing(call, training, tmp_path):
    answer = call(*training, "--dry-run")
    manifest, _ = manifests(tmp_path)

    assert (answer.code, manifest["dry_run"], {job["result"]["status"] for job in manifest["jobs"]}) == (
        0,
        True,
        {"skipped"},
    )
    assert list((tmp_path / "a").rglob("*.safetensors")) == []


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        (["--dose", "7"], "--dose 7: matches no job; there are: 1000, 100000"),
        (["--view", "baseline", "--gridsize", "2"], "--gridsize 2: matches no job; there are: 1"),
    ],
)
def test_a_filter_that_matches_nothing_exits_with_2_and_leaves_a_manifest(call, training, tmp_path, filters, complaint):
    answer = call(*training, *filters)
    manifest, skips = manifests(tmp_path)

    assert (answer.code, answer.err) == (2, f"extractor-flow dose-overlap: {complaint}\n")
    assert (manifest["jobs"], manifest["skipped_count"], skips["skipped_count"]) == ([], 0, 0)


@pytest.mark.parametrize("dose", ["many", "0", "-1000", "0.5", "nan", "inf"])
def test_a_dose_that_is_none_is_refused(call, training, dose, capfd):
    with pytest.raises(SystemExit) as caught:
        call(*training, f"--dose={dose}")

    assert (caught.value.code, "is not a whole number of photons" in capfd.readouterr().err) == (2, True)


def test_a_rejected_view_is_a_skip_in_both_files_with_every_number(call, tmp_path):
    sizes = ["--object-size", "112", "--frame-size", "16", "--probe-diameter", "8", "--scan-step", "3"]
    call("generate", "--output-root", tmp_path / "c", "--dose", 1000, *sizes)
    thinned = call("overlap", "--phase-c-root", tmp_path / "c", "--output-root", tmp_path / "d", "--dense", 0.6)
    answer = call(
        "train", "--phase-c-root", tmp_path / "c", "--phase-d-root", tmp_path / "d", "--artifact-root", tmp_path / "a",
        "--view", "sparse",
    )  # fmt: skip
    manifest, skips = manifests(tmp_path)

    assert (thinned.code, answer.code, manifest["jobs"]) == (0, 0, [])
    assert "rejected: OVERSAMPLING-001: of 533 positions a spacing of 12.8 px keeps" in thinned.out
    assert manifest["skipped_views"] == skips["skipped_views"]
    assert skips["skipped_views"][0]["reason"].startswith("OVERSAMPLING-001: of 533 positions")
    assert "(1 views skipped)" in answer.out


def test_a_missing_view_is_an_error_where_that_was_asked_for(call, training, measured, tmp_path):
    answer = call(*training, "--phase-d-root", tmp_path, "--view", "sparse", "--strict")

    assert answer.code == 2
    assert f"make it with: extractor-flow dose-overlap overlap --phase-c-root {measured}" in answer.err


def test_what_was_trained_and_not_reconstructed_cannot_be_compared(call, training, tmp_path):
    call(*training, "--dose", "1e3", "--view", "dense")
    answer = call("compare", "--artifact-root", tmp_path / "a")

    assert answer.code == 2
    assert answer.err.endswith(
        f"make it with: extractor-flow dose-overlap reconstruct --artifact-root {tmp_path / 'a'}\n"
    )


def test_data_that_break_the_contract_fail_their_job_and_no_other(call, training, measured, tmp_path):
    for split in ("train", "test"):
        source, target = (root / f"dose_1000/dense/dense_{split}.npz" for root in (measured, tmp_path / "d"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes() if split == "test" else b"PK no archive")
    words = ["--phase-d-root", tmp_path / "d", "--dose", "1e3"]
    answer = call(*training, *words)
    manifest, skips = manifests(tmp_path)

    assert answer.code == 1
    assert [job["result"]["status"] for job in manifest["jobs"]] == ["success", "failed"]
    assert "13 bytes are too few for an archive" in manifest["jobs"][1]["result"]["reason"]
    assert skips["skipped_count"] == 1
    assert "Traceback" not in answer.err + answer.out


def test_too_few_neighbours_are_refused_before_anything_starts(call, training, tmp_path):
    answer = call(*training, "--neighbor-count", 3)

    assert (answer.code, answer.err) == (
        2,
        "extractor-flow dose-overlap: neighbor_count is 3; expected at least the group size 4\n",
    )
    assert list((tmp_path / "a").rglob("train.log")) == []


def test_an_object_is_taken_from_any_data_set_and_brought_to_the_contract(call, measured, tmp_path):
    data = read_data(measured / "dose_1000" / "patched.npz")
    bright = tmp_path / "bright.npz"
    object.__setattr__(data, "object_guess", data.object_guess * np.complex64(30))
    write_data(bright, data)

    answer = call("generate", "--output-root", tmp_path / "c", "--dose", 1000, "--base-npz", bright)
    made = read_data(tmp_path / "c/dose_1000/canonical.npz")

    assert (answer.code, made.count) == (0, data.count)
    assert np.abs(made.object_guess).max() == pytest.approx(1)


def test_frames_that_break_the_contract_are_refused_with_what_brings_them_there(call, measured, tmp_path):
    with np.load(measured / "dose_1000" / "canonical.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(tmp_path / "double.npz", **{**arrays, "diffraction": arrays["diffraction"].astype(float)})

    answer = call("generate", "--frames", tmp_path / "double.npz", "--output-root", tmp_path / "c")

    assert (answer.code, "diffraction: found float64; expected float32\n" in answer.err) == (2, True)
    assert answer.err.endswith(f"dose-overlap import {tmp_path / 'double.npz'} --output FILE\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--object-size", 40, "--frame-size", 32], "--object-size is 40, and a frame has 32 pixels"),
        (["--frame-size", 33], "--frame-size is 33"),
        (["--base-npz", "no/such.npz"], "no/such.npz: found no such file"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(call, tmp_path, words, complaint):
    answer = call("generate", "--output-root", tmp_path / "c", *words)

    assert (answer.code, answer.err.startswith(f"extractor-flow dose-overlap: {complaint}")) == (2, True), answer.err


def test_the_modules_own_door_takes_the_same_options(measured, tmp_path):
    words = ["--phase-c-root", measured, "--artifact-root", tmp_path / "a", "--dry-run"]
    answer = module("extractor_flow.flows.dose_overlap.train", *words, cwd=tmp_path)

    assert (answer.code, len(manifests(tmp_path)[0]["jobs"]), answer.err) == (0, 6, "")


def test_a_study_of_which_a_cell_is_skipped_for_a_stated_reason_ends_well_and_is_verified(studied):
    answer, _ = studied

    assert answer.code == 0, answer
    assert ": verified: " in answer.out


def test_the_table_of_a_run_has_a_line_for_each_method(studied, call):
    shown = call("compare", "--artifact-root", studied[1].path)

    methods = ["constant", "untrained", "input", "trained", "iterative", "map", "refined"]
    assert (shown.code, [line.split()[2] for line in shown.out.splitlines()[1:]]) == (0, methods)


def test_a_study_of_a_bad_config_starts_nothing(tmp_path):
    path = config(tmp_path, design={"doses": [0]})
    answer = module("extractor_flow.cli", "dose-overlap", "study", path, cwd=tmp_path)

    assert (answer.code, "design.doses.0" in answer.err or "design.doses[0]" in answer.err) == (2, True), answer.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiny.yaml"]
