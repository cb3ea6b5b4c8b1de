"""Slim copies of runs: small evidence stays, digests of the rest, and only --archived accepts them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from extractor_flow.contracts import violations
from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.files import read_json, sha256_of, write_json
from extractor_flow.run.archive import archive
from extractor_flow.verify import verify
from support.published import lines

RESULT = "models/a/weights.json"
KEPT = ("job.json", "result.json", "attempt-1.json", "failure.html", ".svg")


@pytest.fixture
def run(shared_run, tampering_with):
    return tampering_with(shared_run(lines({"name": "a"}, {"name": "bad", "fault": "raise"}))).path


@pytest.fixture
def slim(run, tmp_path):
    """A copy that keeps as little of a job as a copy can."""
    archive(run, tmp_path / "slim", largest=0)
    return tmp_path / "slim"


def relabel(slim, change):
    """Let *change* work on the list of files left out."""
    listed = read_json(slim / "archive.json")
    change(listed["left_out"])
    write_json(slim / "archive.json", listed)


def found_in(slim):
    return [(each.file, each.path, each.found) for each in verify(slim, archived=True).violations]


def test_every_file_of_the_run_is_kept_and_every_large_one_of_a_job_is_listed_with_its_digest(run, slim):
    listed = read_json(slim / "archive.json")
    files = {str(path.relative_to(run)): path for path in run.rglob("[!.]*") if path.is_file()}
    kept = {str(path.relative_to(slim)): path.read_bytes() for path in slim.rglob("*") if path.is_file()}
    large = {name for name in files if "/" in name and not name.endswith(KEPT) and files[name].stat().st_size}

    assert (violations(listed, "archive"), listed["largest"]) == ([], 0)
    assert {each["path"]: each["sha256"] for each in listed["left_out"]} == {
        name: sha256_of(files[name]) for name in large
    }
    del kept["archive.json"], kept[".gitattributes"]
    assert kept == {name: path.read_bytes() for name, path in files.items() if name not in large}


def test_small_evidence_is_kept(run, tmp_path):
    copy = archive(run, tmp_path / "copy")

    assert (RESULT in copy.kept, copy.left_out) == (True, {})
    assert verify(tmp_path / "copy").violations == ()


def test_a_slim_copy_verifies_with_archived_only_and_what_is_left_out_is_unchecked(slim):
    strict, lenient = verify(slim), verify(slim, archived=True)

    assert {each.kind for each in strict.violations} == {"left-out"}
    assert (lenient.violations, RESULT in {each.what for each in lenient.unchecked}) == ((), True)


def test_a_slim_copy_checked_out_from_git_verifies(slim, tmp_path):
    subprocess.run(["git", "init", "-q", slim], check=True)
    for words in (["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a run"]):
        subprocess.run(["git", "-C", slim, *words], check=True)
    subprocess.run(["git", "clone", "-q", slim, tmp_path / "clone"], check=True)
    shutil.rmtree(tmp_path / "clone" / ".git")

    assert verify(tmp_path / "clone", archived=True).violations == ()


def test_a_digest_on_the_list_that_the_run_was_not_bound_with_is_found(slim):
    def change(left_out):
        next(each for each in left_out if each["path"] == RESULT)["sha256"] = "0" * 64

    relabel(slim, change)

    found = [(file, path, told.partition(" has ")[0]) for file, path, told in found_in(slim)]
    assert found == [("archive.json", f"left_out: {RESULT}", "subjects.json")]


def test_a_file_of_the_run_itself_cannot_be_left_out(slim):
    (slim / "summary.md").unlink()
    relabel(slim, lambda left_out: left_out.append({"path": "summary.md", "sha256": "0" * 64, "size_bytes": 9}))

    assert ("archive.json", "left_out: summary.md", "a file of the run itself is never left out") in found_in(slim)


def test_a_file_that_is_listed_and_there_is_found(run, slim):
    shutil.copy(run / RESULT, slim / RESULT)

    assert found_in(slim) == [("archive.json", f"left_out: {RESULT}", "it is there")]


def test_the_command_tells_what_it_kept_and_how_to_check_it(workbench, run):
    answer = workbench.call("archive", run, "slim", "--largest", 0)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == "check it with: extractor-flow verify --archived slim"
    # Nothing is contradicted, and nothing is verified either: the only evidence of the job was left out.
    assert workbench.call("verify", "--archived", "slim").code == 3


@pytest.mark.parametrize("place", ["run/inside", "taken"])
def test_a_destination_that_is_taken_or_inside_the_run_is_refused(run, tmp_path, place):
    moved = run.rename(tmp_path / "run")
    (tmp_path / "taken").mkdir()

    with pytest.raises(RequestError, match=r"exists already|is inside the run"):
        archive(moved, tmp_path / place)


def test_a_run_with_a_link_in_it_is_not_copied_and_nothing_is_left(run, tmp_path):
    (run / "models/link").symlink_to("/etc/hosts")
    target = tmp_path / "place" / "slim"

    with pytest.raises(RunDirectoryError, match=r"symbolic link"):
        archive(run, target)

    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_what_was_never_published_or_is_a_slim_copy_already_is_refused(run, slim, tmp_path):
    (run / "summary.json").unlink()

    for source, complaint in ((run, "is not published"), (slim, "slim copy already")):
        with pytest.raises(RunDirectoryError, match=complaint):
            archive(source, tmp_path / "again")
