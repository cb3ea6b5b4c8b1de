"""What `extractor-flow verify` comes to: its exit code, and its one line about what is no run."""

from __future__ import annotations

import shutil

import pytest

from extractor_flow.cli import main
from extractor_flow.run.archive import archive

STUDY = {
    "flow": "line_fit",
    "run": {"steps": 5},
    "models": [{"name": "a"}, {"name": "gone", "requires": ["telescope"]}],
}


@pytest.fixture(scope="module")
def genuine(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine, tampering_with):
    return tampering_with(genuine)


def verified(path, *words):
    return main(["verify", str(path), *words])


def rename_the_flow(run, name):
    """Everywhere, with the better loss that no check of an unknown flow contradicts."""
    for file in [*run.path.rglob("*.json"), *run.path.rglob("*.jsonl"), *run.path.rglob("*.log")]:
        file.write_text(file.read_text(encoding="utf-8").replace("line_fit", name), encoding="utf-8")


def unpublish(run):
    (run.path / "UNPUBLISHED").touch()


def leave_out_the_weights(run):
    slim = run.path.with_name("slim")
    archive(run.path, slim, largest=0)
    shutil.rmtree(run.path)
    slim.rename(run.path)


def contradict(run):
    run.replace("summary.md", "# Line Fit", "# Verified Line Fit")


@pytest.mark.parametrize(
    ("change", "words", "outcome"),
    [
        (lambda run: None, (), (0, "verified: ")),
        (contradict, ("--strict",), (1, "contradicted: ")),
        (unpublish, ("--strict",), (1, "unpublished: ")),
        (leave_out_the_weights, ("--archived",), (3, "inconclusive: ")),
    ],
)
def test_the_exit_code_says_what_it_comes_to(run, capsys, change, words, outcome):
    change(run)
    code, conclusion = outcome

    assert verified(run.path, *words) == code

    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{run.path}: {conclusion}")


def test_an_unpublished_run_is_one_line(run, capsys):
    unpublish(run)
    code = verified(run.path)

    lines = capsys.readouterr().out.splitlines()
    assert (code, lines[-1].startswith(f"{run.path}: unpublished: ")) == (3, True)
    assert [line for line in lines if not line.startswith(("note: ", "root: "))] == [lines[-1]]


def test_no_renamed_flow_is_ever_verified(run):
    rename_the_flow(run, "unheard_of")

    assert verified(run.path) == 1  # the jobs' keys are made of the name, too


def test_an_archive_that_is_not_expected_is_told_once(run, capsys):
    leave_out_the_weights(run)
    code = verified(run.path)

    told = capsys.readouterr().out
    assert (code, told.splitlines()[-1].startswith(f"{run.path}: contradicted: 1 violation in ")) == (1, True)
    assert ("accept that with --archived" in told, told.count("left-out")) == (True, 1)


@pytest.mark.parametrize(("name", "found"), [("file", "it is no directory"), ("gone", "there is no such directory")])
def test_what_is_no_directory_is_a_wrong_request_of_one_line(tmp_path, capsys, name, found):
    (tmp_path / "file").touch()

    assert verified(tmp_path / name) == 2

    assert capsys.readouterr().err == f"extractor-flow: {tmp_path / name}: not a run directory: {found}\n"


@pytest.mark.parametrize("words", [(), *(("--format", form) for form in ("json", "junit", "github"))])
def test_every_form_names_the_check_that_found_it(run, capsys, words):
    contradict(run)

    assert verified(run.path, *words) == 1

    told = capsys.readouterr().out
    in_text = told.splitlines()[-1].startswith(f"{run.path}: contradicted: 2 violations in ")
    assert ("markdown-made-again" in told, in_text) == (True, not words)


def test_a_workflow_gets_annotations_and_a_page(tmp_path, monkeypatch, capsys):
    from extractor_flow.cli import main
    from support import ROOT

    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))

    assert main(["verify", str(ROOT / "docs/samples/gpu_batch_skipped"), "--archived", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith("::notice file=")
    assert "gpu_batch_skipped: verified: " in page.read_text(encoding="utf-8")
