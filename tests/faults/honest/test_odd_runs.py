"""No false alarms: honest runs that were asked for, stopped and resumed in odd ways verify."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from extractor_flow import layout
from extractor_flow.cli import main
from extractor_flow.verify import Conclusion, verify
from support.lies.kinds.kind import lines_of
from support.published import lines

GOOD, BAD, GONE = {"name": "a"}, {"name": "bad", "fault": "raise"}, {"name": "gone", "requires": ["telescope"]}
STUDIES = {
    "one job": [GOOD],
    "one seed of many models": [{"name": f"m{number}", "degree": number % 4} for number in range(12)],
    "all failed": [BAD, {**BAD, "name": "worse"}],
    "all skipped": [GONE],
    "some of each": [GOOD, BAD, GONE],
    "no artifact": [{"name": "lazy", "fault": "no_artifact"}],
    "another metric than declared": [{"name": "lucky", "fault": "undeclared"}],
    "numbers without end": [{"name": "wild", "fault": "diverge"}, GOOD],
    "hostile names": [{"name": "a|b`<i>\u202e🙂"}, {"name": "../up"}, {"name": "con"}, {"name": "-x"}, {"name": "."}],
    "names that differ in case": [{"name": "Model"}, {"name": "other"}],
    "long names": [{"name": "n" * 300}],
    "names in other scripts": [{"name": "модель"}, GOOD],
}
OPTIONS = {
    "rehearsed": ["--dry-run"],
    "one model": ["--only", "a"],
    "other seeds": ["--seed", "7", "--seed", "8"],
    "a huge seed": ["--seed", str(2**32 - 1)],
    "another name": ["--run-id", "Ünï | `name` {}"],
    "a long name": ["--run-id", "x" * 200],
    "a name that begins with dots": ["--run-id", "...a"],
}
REPOSITORIES = {
    "no commit": ["git init -q ."],
    "a commit": ["git init -q .", "git commit -q --allow-empty -m a"],
    "uncommitted changes": ["git init -q .", "git add study.yaml", "git commit -q -m a", "echo '#' >> study.yaml"],
    "a detached head": ["git init -q .", "git commit -q --allow-empty -m a", "git checkout -q --detach"],
    "a worktree": ["git init -q b", "git -C b commit -q --allow-empty -m a", "git -C b worktree add -q ../w"],
    "a broken repository": ["mkdir .git", "echo x > .git/HEAD"],
    "a repository that ignores the runs": ["git init -q .", "echo runs > .gitignore"],
}


def run(folder: Path, *words: str, models=(GOOD, BAD), **options) -> Path:
    """The run of *models* in *folder*, made in this process."""
    if not (folder / "study.yaml").exists():
        (folder / "study.yaml").write_text(yaml.safe_dump(lines(*models, **options)), encoding="utf-8")
    main(["run", f"{folder}/study.yaml", "--output-root", f"{folder}/runs", "--executor", "serial", *words])
    return (folder / "runs" / "latest").resolve()


def judged(path: Path) -> tuple[object, Conclusion]:
    verdict = verify(path)
    return verdict.violations, verdict.conclusion


HONEST = ((), Conclusion.VERIFIED)


@pytest.mark.parametrize("models", STUDIES.values(), ids=STUDIES)
def test_a_study_of_any_outcome_verifies(tmp_path, models):
    assert judged(run(tmp_path, models=models)) == HONEST


@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
def test_a_study_with_any_options_verifies(tmp_path, words):
    assert judged(run(tmp_path, *words)) == HONEST


@pytest.mark.parametrize("commands", REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_study_in_any_state_of_git_verifies(tmp_path, commands, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(lines(GOOD)), encoding="utf-8")
    for command in commands:
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)

    assert judged(run(tmp_path)) == HONEST


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o177 & 0o027])
def test_a_study_under_any_umask_verifies(tmp_path, mask):
    before = os.umask(mask)
    try:
        assert judged(run(tmp_path)) == HONEST
    finally:
        os.umask(before)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC+11"])
def test_a_study_in_one_time_zone_verifies_in_another(tmp_path, zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        path = run(tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert judged(path) == HONEST


@pytest.mark.parametrize("root", ["a b", "-x", "{}", "%s", "Ünï", "a/b/../c"])
def test_a_study_verifies_wherever_its_runs_are(tmp_path, root):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(lines(GOOD)), encoding="utf-8")
    place = tmp_path / root
    main(["run", f"{tmp_path}/study.yaml", "--output-root", str(place), "--executor", "serial"])

    assert judged((place / "latest").resolve()) == HONEST


def test_many_runs_side_by_side_verify(tmp_path):
    paths = {run(tmp_path, "--run-id", f"run-{number}") for number in range(3)}

    assert [judged(path) for path in paths] == [HONEST] * 3


def published(path: Path) -> list[Path]:
    names = (layout.SUMMARY, layout.MARKDOWN, layout.MANIFEST, layout.SKIPS, layout.HISTORICAL, layout.TABLE)
    return [path / name for name in (*names, layout.PAGE, layout.SUBJECTS)]


def unpublished(path: Path, count: int = 0) -> None:
    """Killed when *count* of its files were published."""
    for file in published(path)[count:]:
        file.unlink()
    (path / layout.UNPUBLISHED).touch()


def unrecorded(path: Path, lines_left: int, torn: int = 0) -> None:
    """Killed when the journal had so many lines, and *torn* bytes of the next one."""
    told = (path / layout.JOURNAL).read_bytes().splitlines(keepends=True)
    (path / layout.JOURNAL).write_bytes(b"".join(told[:lines_left]) + b"".join(told[lines_left:])[:torn])
    logged = (path / layout.LOG).read_bytes().splitlines(keepends=True)  # a line each, after the journal's
    (path / layout.LOG).write_bytes(b"".join(logged[:lines_left]))
    unpublished(path)


def before_its_result(path: Path) -> None:
    """Killed while the second job ran."""
    unrecorded(path, 1)
    (path / "models/bad/result.json").unlink()


def before_its_attempt(path: Path) -> None:
    """Killed when the second job's directory had just been made."""
    before_its_result(path)
    (path / "models/bad/attempt-1.json").unlink()


def before_its_order(path: Path) -> None:
    """Killed before the second job."""
    unrecorded(path, 1)
    shutil.rmtree(path / "models/bad")


def before_the_first(path: Path) -> None:
    """Killed when nothing but run.json was there."""
    unpublished(path)
    shutil.rmtree(path / "models")
    for name in (layout.JOURNAL, layout.LOG):
        (path / name).unlink()


MOMENTS = {
    "before the first job": before_the_first,
    "with no record": lambda path: unrecorded(path, 0),
    "in the middle of the first record": lambda path: unrecorded(path, 0, torn=40),
    "with all but the end of the first line": lambda path: unrecorded(path, 0, torn=900),
    "before the second job": before_its_order,
    "before the second job's attempt": before_its_attempt,
    "in the second job": before_its_result,
    "before the second record": lambda path: unrecorded(path, 1),
    "in the middle of the second record": lambda path: unrecorded(path, 1, torn=7),
    **{f"with {count} published files": lambda path, count=count: unpublished(path, count) for count in range(9)},
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A finished run, of which each test makes one that was killed at some moment."""
    return run(tmp_path_factory.mktemp("stopped"))


@pytest.mark.parametrize("kill", MOMENTS.values(), ids=MOMENTS)
def test_a_run_that_was_killed_is_called_unpublished_and_verifies_when_it_was_resumed(stopped, tmp_path, kill):
    path = shutil.copytree(stopped, tmp_path / stopped.name)
    kill(path)
    before = judged(path)

    main(["run", "--executor", "serial", "--resume", str(path)])
    again = judged(path)
    main(["run", "--executor", "serial", "--resume", str(path)])

    assert (before, again, judged(path)) == (((), Conclusion.UNPUBLISHED), HONEST, HONEST)


def test_a_rehearsal_that_was_resumed_to_train_verifies(tmp_path):
    path = run(tmp_path, "--dry-run")

    main(["run", "--executor", "serial", "--resume", str(path)])

    assert (judged(path), [each["status"] for each in lines_of(path / layout.JOURNAL)][2:]) == (
        HONEST,
        ["success", "failed"],
    )


def test_a_report_that_was_made_again_verifies(tmp_path):
    path = run(tmp_path)
    unpublished(path)

    main(["report", str(path)])

    assert judged(path) == HONEST
