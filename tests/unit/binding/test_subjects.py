"""subjects.json lists every file of a published run, and verification misses none of them."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from extractor_flow.contracts import violations
from extractor_flow.evidence.findings import Why
from extractor_flow.files import read_json, sha256_of, write_json
from extractor_flow.run.archive import archive
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify

RESULT = "models/a/seed-0/result.json"


def found_by(check, path):
    return [(each.file, each.kind) for each in verify(path).violations if each.check == check]


def test_every_file_is_listed_with_its_size_and_digest_but_locks_and_the_list_itself(published):
    files = [path for path in published.rglob("[!.]*") if path.is_file() and path.name != "subjects.json"]

    listed = read_json(published / "subjects.json")

    expected = [
        {"path": str(path.relative_to(published)), "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
        for path in files
    ]
    assert violations(listed, "subjects") == []
    assert listed["files"] == sorted(expected, key=lambda each: each["path"])
    assert {"run.json", "records.jsonl", "run.log", "models/a/seed-0/attempt-1.json"} <= {
        each["path"] for each in listed["files"]
    }


def test_the_root_is_the_digest_of_the_list_in_the_run_the_verdict_and_its_documents(published, workbench):
    root = sha256((published / "subjects.json").read_bytes()).hexdigest()

    told = workbench.call("verify", published)
    document = json.loads(workbench.call("verify", published, "--format", "json").out)
    junit = workbench.call("verify", published, "--format", "junit").out

    assert (RunDirectory(published).root(), verify(published).root, document["root"]) == (root, root, root)
    assert f"\nroot: {root}\n" in told.out
    assert f'<property name="root" value="{root}" />' in junit
    assert violations(document, "verdict") == []


def test_the_command_tells_the_root(workbench):
    answer = workbench.call("run", workbench.config({"name": "a"}), "--jobs", "1")

    assert f"root: {workbench.latest().root()}" in answer.out.splitlines()


def test_publishing_again_gives_the_same_root(run, workbench):
    before = RunDirectory(run.path).root()

    workbench.call("report", run.path)

    assert RunDirectory(run.path).root() == before


def test_a_slim_copy_keeps_the_root_also_when_it_is_published_again(run, workbench):
    archive(run.path, run.path.parent / "slim", largest=0)
    before = RunDirectory(run.path).root()

    workbench.call("report", run.path.parent / "slim")

    slim = verify(run.path.parent / "slim", archived=True)
    assert (slim.root, slim.violations) == (before, ())


def test_what_was_left_out_of_a_slim_copy_is_bound_by_the_run(run):
    slim = run.path.parent / "slim"
    archive(run.path, slim, largest=0)
    listed = read_json(slim / "archive.json")
    log = next(entry for entry in listed["left_out"] if entry["path"].endswith("train.log"))
    log["size_bytes"] += 1
    write_json(slim / "archive.json", listed)

    found = [each for each in verify(slim, archived=True).violations if each.check == "subjects"]
    assert [(each.file, each.path) for each in found] == [("archive.json", f"left_out: {log['path']}")]


@pytest.mark.parametrize("name", ["run.log", "report.html", RESULT, "models/a/seed-0/train.log", "records.jsonl"])
def test_a_file_that_was_changed_has_another_digest(run, name):
    content = (run.path / name).read_bytes()
    (run.path / name).write_bytes(content.swapcase())

    assert (name, "digest") in found_by("subjects", run.path)


def test_files_that_were_added_taken_away_or_cut_are_one_violation_each(run):
    (run.path / "models" / "more.txt").write_text("x", encoding="utf-8")
    (run.path / "run.log").unlink()
    log = run.path / "models/a/seed-0/attempt-1.json"
    log.write_bytes(log.read_bytes() + b" ")

    assert found_by("subjects", run.path) == [
        ("models/a/seed-0/attempt-1.json", "size"),
        ("models/more.txt", "unbound"),
        ("run.log", "missing"),
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "schema"),
        (b"[]", "schema"),
        (b'{"files": [], "schema_version": 1}', "schema"),
        (b'{"files": [{"path": "../x", "sha256": "0", "size_bytes": -1}], "schema_version": 1}', "schema"),
        (b'{"files": [7], "schema_version": 1}', "schema"),
        (b'{"files": {"path": 1}, "schema_version": 1}', "schema"),
        (b"not json", "not-json"),
        (b"\xff", "not-utf8"),
    ],
)
def test_what_is_no_list_of_files_is_told(run, content, kind):
    (run.path / "subjects.json").write_bytes(content)

    assert {("subjects.json", kind)} == set(found_by("subjects", run.path))


def test_a_run_of_this_version_without_the_list_is_contradicted(run):
    (run.path / "subjects.json").unlink()

    assert found_by("subjects", run.path) == [("subjects.json", "missing")]


def test_a_run_of_another_version_without_the_list_is_not_verified_but_not_contradicted_by_that(run):
    request = read_json(run.path / "run.json")
    (run.path / "subjects.json").unlink()
    write_json(run.path / "run.json", {**request, "packages": {"pytest-extractor-flow": "0.1.0"}})

    verdict = verify(run.path)

    assert found_by("subjects", run.path) == []
    assert [each.code for each in verdict.unchecked if each.check == "subjects"] == [Why.OTHER_VERSION]


def test_a_damaged_request_is_found_by_its_digest_too(run):
    (run.path / "run.json").write_text("{}", encoding="utf-8")

    assert found_by("subjects", run.path) == [("run.json", "size")]


def test_text_whose_line_ends_git_has_rewritten_is_the_text_that_was_bound(run):
    for file in run.path.rglob("*"):
        if file.suffix in {".json", ".jsonl", ".md", ".html", ".log"}:
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    verdict = verify(run.path)

    assert (verdict.violations, verdict.root) == ((), RunDirectory(run.path).root())
    assert Why.LINE_ENDS in {each.code for each in verdict.unchecked}
