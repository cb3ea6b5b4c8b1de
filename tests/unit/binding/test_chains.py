"""The journal and the list of starts are chains: nothing can be taken out of them, put in or changed unnoticed."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from extractor_flow.binding import chain
from extractor_flow.binding.starts import read_starts, record_start
from extractor_flow.contracts import violations
from extractor_flow.files import dump_line, read_json
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify

START = json.loads(
    (Path(__file__).parents[3] / "contracts/examples/valid/run_start.begun.json").read_text(encoding="utf-8")
)


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def rewrite(path, change):
    """Let *change* work on the lines of the journal, and bind the run again as a liar would."""
    lines = [json.loads(line) for line in lines_of(path / "records.jsonl")]
    change(lines)
    (path / "records.jsonl").write_text("".join(map(dump_line, lines)), encoding="utf-8")
    RunDirectory(path).bind()


def breaks(path):
    return [each.path for each in verify(path).violations if each.check == "journal-chain"]


def test_each_line_carries_the_digest_of_the_line_before_and_the_first_that_of_the_request(published):
    before = (published / "run.json").read_bytes()
    for line in lines_of(published / "records.jsonl"):
        assert json.loads(line)["previous"] == sha256(before).hexdigest()
        before = line


def test_a_resumed_run_goes_on_with_the_chain(run, workbench):
    workbench.call("run", "--resume", run.path, "--jobs", "1")

    assert (len(lines_of(run.path / "records.jsonl")) > 4, breaks(run.path)) == (True, [])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda lines: lines.pop(0), "line 1: $.previous"),
        (lambda lines: lines.pop(1), "line 2: $.previous"),
        (lambda lines: lines.insert(1, lines[0]), "line 2: $.previous"),
        (lambda lines: lines.reverse(), "line 1: $.previous"),
        (lambda lines: lines[0].update(attempt=2), "line 2: $.previous"),
        (lambda lines: lines[1].pop("previous"), "line 2: $.previous"),
    ],
    ids=["first taken out", "taken out", "put in", "reversed", "rewritten", "unchained"],
)
def test_a_journal_that_was_changed_is_broken_there(run, change, place):
    rewrite(run.path, change)

    assert breaks(run.path)[:1] == [place]


def test_a_request_that_was_changed_after_the_start_is_not_what_the_journal_continues(run):
    run.replace("run.json", '"notes": []', '"notes": ["nicer"]')

    assert breaks(run.path) == ["line 1: $.previous"]


def test_a_torn_line_is_cut_off_and_a_long_one_continued(tmp_path):
    path = tmp_path / "chain.jsonl"
    first = chain.append(path, {"text": "x" * 200_000}, lambda: chain.NOTHING)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"text": "to')

    assert (chain.cut_torn_line(path), path.read_bytes()) == (True, whole)
    assert not chain.cut_torn_line(path)
    chain.append(path, {"text": "y"}, lambda: chain.NOTHING)
    assert [json.loads(line)["previous"] for line in lines_of(path)] == [chain.NOTHING, first]


def starts(root):
    return read_starts(ConfinedDirectory(root))


def test_every_start_is_noted_before_anything_is_trained_rehearsals_and_resumes_too(workbench):
    config = workbench.config({"name": "bad", "fault": "raise"})
    workbench.call("run", config, "--dry-run")
    workbench.call("run", config, "--jobs", "1", "--run-id", "second")
    workbench.call("run", "--resume", workbench.latest().path, "--jobs", "1")

    noted = [json.loads(line) for line in lines_of(workbench.path / "runs" / "runs.jsonl")]
    assert [violations(each, "run_start") for each in noted] == [[], [], []]
    assert [(each["dry_run"], each["resumed"]) for each in noted] == [(True, False), (False, False), (False, True)]
    assert noted[1]["run_directory"] == noted[2]["run_directory"] == workbench.latest().path.name


def test_the_run_knows_the_line_of_its_start(workbench):
    workbench.call("run", workbench.config({"name": "a"}), "--dry-run")

    (start,) = starts(workbench.path / "runs")
    assert read_json(workbench.latest().path / "run.json")["start_sha256"] == start.sha256


def test_other_starts_with_the_same_settings_are_told_and_which_of_them_are_gone(workbench):
    config = workbench.config({"name": "a"})
    paths = []
    for _ in range(3):
        workbench.call("run", config, "--dry-run")
        paths.append(workbench.latest().path)
    shutil.rmtree(paths[0])

    verdict = verify(paths[1])

    assert (verdict.violations, verdict.notes) == (
        (),
        (
            "no job completed (1 skipped): what is judged is that nothing else is claimed",
            "runs.jsonl: with these settings, 1 runs were started before this one and 1 after it",
            f"runs.jsonl: of those, 1 are not there any more: {paths[0].name}",
        ),
    )


def test_a_run_that_was_moved_is_not_accused_and_it_is_said(published, tmp_path):
    record_start(tmp_path, {key: value for key, value in START.items() if key != "previous"})
    shutil.copytree(published, tmp_path / "moved")

    verdict = verify(tmp_path / "moved")

    assert (verdict.violations, [note.partition(" beside")[0] for note in verdict.notes]) == ((), ["runs.jsonl"])


def test_a_start_that_was_taken_out_of_the_list_breaks_it(workbench):
    config = workbench.config({"name": "a"})
    for _ in range(3):
        workbench.call("run", config, "--dry-run")
    file = workbench.path / "runs" / "runs.jsonl"
    lines = lines_of(file)
    file.write_bytes(lines[0] + lines[2])

    verdict = verify(workbench.latest().path)

    assert [(each.check, each.file, each.kind) for each in verdict.violations] == [
        ("run-starts", "runs.jsonl", "chain")
    ]


def test_a_list_that_was_made_again_is_not_the_one_that_the_run_was_noted_in(workbench):
    config = workbench.config({"name": "a"})
    for _ in range(2):
        workbench.call("run", config, "--dry-run")
    file = workbench.path / "runs" / "runs.jsonl"
    last = json.loads(lines_of(file)[1])
    file.unlink()
    chain.append(file, last, lambda: chain.NOTHING)

    verdict = verify(workbench.latest().path)

    assert [(each.check, each.path) for each in verdict.violations] == [("run-starts", "$.start_sha256")]


@pytest.mark.parametrize("content", [b"{}\n", b"nonsense\n", b"\xff\n"])
def test_a_list_that_is_none_is_told_and_breaks_nothing(tmp_path, content):
    (tmp_path / "runs.jsonl").write_bytes(content)

    with pytest.raises(ReadError):
        starts(tmp_path)


def test_a_list_that_cannot_be_written_stops_no_run(workbench):
    (workbench.path / "runs").mkdir()
    (workbench.path / "runs" / "runs.jsonl").mkdir()

    answer = workbench.call("run", workbench.config({"name": "a"}), "--jobs", "1")

    assert (answer.code, "this start was not noted" in answer.err, "Traceback" in answer.err) == (0, True, False)
