"""Whole runs of the line_fit flow: genuine ones verify, wherever they are; what is no run is told."""

import shutil

import pytest

from extractor_flow.errors import RunDirectoryError
from extractor_flow.evidence.findings import Why
from extractor_flow.run.archive import archive
from extractor_flow.verify import Conclusion, verify

PUBLISHED = (
    "summary.json",
    "summary.md",
    "summary.csv",
    "training_manifest.json",
    "skip_summary.json",
    "complete_results.json",
    "report.html",
)
GENUINE = {
    "mixed": [{"name": "a"}, {"name": "bad", "fault": "raise"}, {"name": "gone", "requires": ["telescope"]}],
    "killed": [{"name": "bad", "fault": "kill"}, {"name": "worse", "fault": "exit"}],
}


@pytest.fixture
def finished(workbench):
    """The path of a run of *models*."""

    def run(models, *words, **options):
        workbench.call("run", workbench.config(*models, **options), "--jobs", "1", *words)
        return workbench.latest().path

    return run


@pytest.mark.parametrize("models", GENUINE.values(), ids=GENUINE)
def test_a_genuine_run_of_processes_verifies(finished, models):
    verdict = verify(finished(models))

    assert (verdict.violations, verdict.unchecked, verdict.conclusion) == ((), (), Conclusion.VERIFIED)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "it has no run.json"),
        ("runs", "it has no run.json"),
        ("file", "it is no directory"),
        ("gone", "there is no such directory"),
    ],
)
def test_what_is_no_run_directory_is_told_with_its_exit_code(tmp_path, name, found):
    (tmp_path / "file").touch()
    (tmp_path / "runs" / "20260101-000000-first").mkdir(parents=True)
    (tmp_path / "runs" / "latest").symlink_to("20260101-000000-first")

    with pytest.raises(RunDirectoryError, match=rf"not a run directory: {found}") as caught:
        verify(tmp_path / name)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["summary.json", "records.jsonl"])
def test_what_a_run_publishes_is_no_run_without_its_request(finished, name, tmp_path):
    path = finished([{"name": "a"}])
    (tmp_path / "torso").mkdir()
    shutil.copy(path / name, tmp_path / "torso")

    verdict = verify(tmp_path / "torso")

    assert ("run.json", "missing", "json-contracts") in [
        (each.file, each.kind, each.check) for each in verdict.violations
    ]


def test_a_run_that_was_never_published_says_so(finished):
    path = finished([{"name": "a"}])
    for name in PUBLISHED:
        (path / name).unlink()

    verdict = verify(path)

    assert (verdict.violations, verdict.conclusion, [each.code for each in verdict.unchecked]) == (
        (),
        Conclusion.UNPUBLISHED,
        [Why.UNPUBLISHED],
    )


def test_a_run_that_says_itself_that_it_is_unpublished_is(finished):
    path = finished([{"name": "a"}])
    (path / "UNPUBLISHED").touch()

    assert verify(path).conclusion is Conclusion.UNPUBLISHED


def test_a_published_file_that_is_missing_is_named(finished):
    path = finished([{"name": "a"}])
    (path / "summary.md").unlink()

    assert [(each.file, each.kind) for each in verify(path).violations] == [("summary.md", "missing")]


def test_a_flow_that_is_not_installed_leaves_its_part_unchecked(finished):
    path = finished([{"name": "a"}])
    for file in [*path.glob("*.json"), path / "records.jsonl", *path.glob("models/*/*.json")]:
        file.write_text(file.read_text(encoding="utf-8").replace("line_fit", "unheard_of"), encoding="utf-8")

    verdict = verify(path)

    assert (verdict.unchecked[-1].code, verdict.ok) == (Why.UNKNOWN_FLOW, False)


def test_a_file_left_out_of_an_archive_is_unchecked_only_where_that_is_allowed(finished, tmp_path):
    slim = tmp_path / "slim"
    archive(finished([{"name": "a"}]), slim, largest=0)

    strict, lenient = verify(slim), verify(slim, archived=True)

    name = "models/a/weights.json"
    assert [(each.file, each.kind) for each in strict.violations] == [("archive.json", "left-out")]
    assert (lenient.violations, lenient.unchecked[0].what, lenient.conclusion) == ((), name, Conclusion.INCONCLUSIVE)
    assert [each.what for each in lenient.unchecked if each.code is Why.UNJUDGED] == ["a seed 0"]
