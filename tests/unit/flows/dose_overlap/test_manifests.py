"""The matrix of a batch, what narrows it, what it skips, and the two files that say so; nothing is trained."""

from __future__ import annotations

import json

import pytest

from extractor_flow.errors import DataError, RequestError
from extractor_flow.flows.dose_overlap.cli.manifests import (
    Filters,
    Roots,
    SkippedView,
    TrainingManifest,
    matrix,
    measured_doses,
    narrowed,
    trained_jobs,
    without_data,
)
from extractor_flow.flows.dose_overlap.plan import VIEWS, Cell

DOSES = (1000, 10000, 100000)


@pytest.fixture
def roots(tmp_path):
    """Directories with a file in each place where the phases before put one."""
    found = Roots(tmp_path / "c", tmp_path / "d", tmp_path / "a")
    for dose in DOSES:
        for view in VIEWS:
            for split in ("train", "test"):
                path = found.data_path(Cell(dose, view), split)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    manifest = {f"dose_{dose}": {"dose": dose} for dose in DOSES}
    (found.measured / "run_manifest.json").write_text(json.dumps(manifest))
    return found


def test_three_doses_have_nine_jobs_dose_by_dose(roots):
    assert [job.title for job in matrix(roots, measured_doses(roots.measured))] == [
        "baseline (dose=1e+03, gridsize=1)",
        "dense (dose=1e+03, gridsize=2)",
        "sparse (dose=1e+03, gridsize=2)",
        "baseline (dose=1e+04, gridsize=1)",
        "dense (dose=1e+04, gridsize=2)",
        "sparse (dose=1e+04, gridsize=2)",
        "baseline (dose=1e+05, gridsize=1)",
        "dense (dose=1e+05, gridsize=2)",
        "sparse (dose=1e+05, gridsize=2)",
    ]


def test_a_job_names_its_data_its_results_and_its_log(roots):
    job = matrix(roots, DOSES)[1]

    assert job.as_dict() == {
        "dose": 1000,
        "view": "dense",
        "gridsize": 2,
        "train_data_path": str(roots.views / "dose_1000/dense/dense_train.npz"),
        "test_data_path": str(roots.views / "dose_1000/dense/dense_test.npz"),
        "artifact_dir": str(roots.artifacts / "dose_1000/dense/gs2"),
        "log_path": str(roots.artifacts / "dose_1000/dense/gs2/train.log"),
    }


def test_the_baseline_takes_what_was_measured_and_a_view_what_was_thinned(roots):
    jobs = matrix(roots, DOSES)

    assert [job.train.relative_to(roots.measured.parent).as_posix() for job in jobs[:2]] == [
        "c/dose_1000/patched_train.npz",
        "d/dose_1000/dense/dense_train.npz",
    ]


@pytest.mark.parametrize(
    ("name", "wanted", "left"),
    [("dose", 1000, 3), ("view", "dense", 3), ("gridsize", 1, 3), ("gridsize", 2, 6)],
)
def test_a_filter_keeps_what_it_names(roots, name, wanted, left):
    kept = narrowed(matrix(roots, DOSES), name, wanted)

    assert (len(kept), {getattr(job.cell, name) for job in kept}) == (left, {wanted})


@pytest.mark.parametrize(
    ("name", "wanted", "there"),
    [("dose", 7, "1000, 10000, 100000"), ("view", "denser", "baseline, dense, sparse"), ("gridsize", 3, "1, 2")],
)
def test_a_filter_that_matches_nothing_names_what_there_is(roots, name, wanted, there):
    with pytest.raises(RequestError, match=f"--{name} {wanted}: matches no job; there are: {there}"):
        narrowed(matrix(roots, DOSES), name, wanted)


def test_missing_measured_frames_are_an_error_that_says_how_to_make_them(roots):
    path = roots.measured / "dose_10000/patched_test.npz"
    path.unlink()

    with pytest.raises(
        DataError, match=f"{path}: found no such file; make it with: extractor-flow dose-overlap generate"
    ):
        matrix(roots, DOSES)


def test_a_root_without_measurements_is_an_error_that_says_how_to_make_them(tmp_path):
    with pytest.raises(DataError, match="make it with: extractor-flow dose-overlap generate"):
        measured_doses(tmp_path)


def test_without_a_manifest_the_layout_itself_is_enough(roots):
    (roots.measured / "run_manifest.json").unlink()
    (roots.measured / "dose_007").mkdir()
    (roots.measured / "dose_9").mkdir()

    assert measured_doses(roots.measured) == list(DOSES)


@pytest.mark.parametrize("text", ["[]", "{}", '{"dose_1": {}}', '{"dose_1": {"dose": "1e3"}}'])
def test_a_manifest_without_doses_is_refused(tmp_path, text):
    (tmp_path / "run_manifest.json").write_text(text)

    with pytest.raises(DataError, match=r"run_manifest\.json: found doses"):
        measured_doses(tmp_path)


def test_a_view_that_was_never_made_is_a_skip_that_says_how_to_make_it(roots):
    (roots.views / "dose_1000/dense/dense_test.npz").unlink()

    (skip,) = without_data(roots, matrix(roots, DOSES))

    assert skip.cell == Cell(1000, "dense")
    assert skip.reason.endswith(
        f"dense_test.npz: found no such file; make it with: extractor-flow dose-overlap overlap "
        f"--phase-c-root {roots.measured} --output-root {roots.views}"
    )


def test_a_rejected_view_is_a_skip_with_the_reason_of_its_rejection(roots):
    (roots.views / "dose_1000/sparse/sparse_train.npz").unlink()
    rejected = {"dose_1000": {"sparse": {"status": "rejected", "reason": "OVERSAMPLING-001: too dense"}}}
    (roots.views / "overlap_manifest.json").write_text(json.dumps(rejected))

    assert without_data(roots, matrix(roots, DOSES)) == [
        SkippedView(Cell(1000, "sparse"), "OVERSAMPLING-001: too dense")
    ]


def test_the_manifest_and_the_skip_summary_tell_of_the_same_skips(roots):
    skipped = [SkippedView(Cell(1000, "sparse"), "OVERSAMPLING-001: too dense")]
    paths = TrainingManifest(roots, Filters(view="sparse"), dry_run=True, skipped=skipped).write()
    manifest, skips = (json.loads(path.read_text()) for path in paths)

    assert manifest == {
        "timestamp": manifest["timestamp"],
        "phase_c_root": str(roots.measured),
        "phase_d_root": str(roots.views),
        "artifact_root": str(roots.artifacts),
        "filters": {"dose": None, "view": "sparse", "gridsize": None},
        "dry_run": True,
        "jobs": [],
        "skipped_views": [{"dose": 1000, "view": "sparse", "reason": "OVERSAMPLING-001: too dense"}],
        "skipped_count": 1,
        "skip_summary_path": "skip_summary.json",
    }
    assert skips == {key: manifest[key] for key in ("timestamp", "skipped_views", "skipped_count")}


def test_what_earlier_calls_wrote_about_other_cells_stays(roots):
    one, two, three = matrix(roots, DOSES)[:3]

    def write(job, status, *skipped):
        manifest = TrainingManifest(roots, Filters(), dry_run=False, skipped=skipped)
        manifest.jobs = [{**job.as_dict(), "result": {"status": status}}]
        manifest.write()

    write(two, "failed", SkippedView(three.cell, "too dense"))
    write(one, "success")
    write(two, "success")

    told = json.loads((roots.artifacts / "training_manifest.json").read_text())
    assert [(job["view"], job["result"]["status"]) for job in told["jobs"]] == [
        ("baseline", "success"),
        ("dense", "success"),
    ]
    assert (told["skipped_count"], told["skipped_views"][0]["view"]) == (1, "sparse")


def test_only_jobs_that_succeeded_can_be_reconstructed(roots):
    jobs = matrix(roots, DOSES)[:3]
    manifest = TrainingManifest(roots, Filters(), dry_run=False)
    results = [{"status": "success"}, {"status": "failed"}, {"status": "skipped"}]
    manifest.jobs = [{**job.as_dict(), "result": result} for job, result in zip(jobs, results, strict=True)]
    manifest.write()

    assert trained_jobs(roots.artifacts) == jobs[:1]


def test_a_manifest_of_a_rehearsal_has_nothing_to_reconstruct(roots):
    TrainingManifest(roots, Filters(), dry_run=True).write()

    with pytest.raises(RequestError, match="no job that succeeded"):
        trained_jobs(roots.artifacts)
