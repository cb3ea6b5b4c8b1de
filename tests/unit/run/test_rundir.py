"""Run and job directories: exclusive names, a journal that survives, nothing claimed that was not written."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from extractor_flow.errors import DataError, JobError, RunDirectoryError
from extractor_flow.layout import JOURNAL
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Artifact, JobRecord, Skipped
from support import ROOT

REQUEST = ROOT / "contracts/examples/valid/run.one_job.json"
KEYS = K1, K2, K3 = "1" * 64, "2" * 64, "3" * 64
MOMENT = datetime(2026, 11, 21, 10, 15, 0, tzinfo=UTC)
JOB = Job(flow="line_fit", name="a", directory="models/a", parameters={"steps": 1}, seed=1)


def record(key: str, name: str = "a", reason: str = "x") -> JobRecord:
    return JobRecord(
        "line_fit", name, None, key, f"models/{name}", Skipped(Code.DRY_RUN, reason), "2026-11-21T10:15:00.000Z", "x"
    )


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory.create(tmp_path / "runs", "mac-smoke", MOMENT)
    request = json.loads(REQUEST.read_text(encoding="utf-8"))
    run.write_request({**request, "jobs": [{**request["jobs"][0], "job_key": key} for key in KEYS]})
    return run


def test_two_runs_in_one_second_get_directories_of_their_own(tmp_path):
    names = [RunDirectory.create(tmp_path, "mac smoke/..", MOMENT).path.name for _ in range(3)]

    assert names == [f"20261121-101500-mac_smoke_{suffix}" for suffix in ("", "-2", "-3")]


def test_a_root_in_a_home_that_no_shell_has_named_is_no_directory_called_tilde(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RunDirectoryError, match=r"^~/runs: only a shell knows what ~ is"):
        RunDirectory.create(Path("~/runs"), "x", MOMENT)

    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(RunDirectoryError) as caught:
        RunDirectory.create(tmp_path / "file", "x", MOMENT)

    assert str(caught.value).startswith(
        f"{tmp_path}/file: no run directory can be made there: File exists; name another"
    )


@pytest.mark.parametrize(("make", "found"), [(False, "there is no such directory"), (True, "it has no run.json")])
def test_what_is_not_a_run_directory_is_named(tmp_path, make, found):
    path = tmp_path / "x"
    if make:
        path.mkdir()

    with pytest.raises(RunDirectoryError, match=found) as caught:
        RunDirectory.open(path)

    assert caught.value.exit_code == 2


def test_latest_points_to_the_newest_run(tmp_path):
    for run_id in ("one", "two"):
        RunDirectory.create(tmp_path, run_id, MOMENT).point_latest_here()

    assert (tmp_path / "latest").resolve().name == "20261121-101500-two"


def test_a_run_opened_by_its_link_is_the_run_itself(run):
    run.point_latest_here()

    again = RunDirectory.open(run.path.parent / "latest")
    again.point_latest_here()

    assert (again.path, (run.path.parent / "latest").resolve()) == (run.path, run.path)


def test_the_latest_record_of_each_job_counts_in_the_order_of_the_study(run):
    for entry in (record(K3), record(K1, reason="first"), record(K1, reason="second")):
        run.append(entry)

    assert run.records() == [record(K1, reason="second"), record(K3)]


def test_a_torn_last_line_is_left_out_and_cut_off(run):
    run.append(record(K1))
    whole = (run.path / JOURNAL).read_bytes()
    for cut in (1, 20, len(whole) - 1):
        (run.path / JOURNAL).write_bytes(whole + whole[:cut])

        assert run.records() == [record(K1)]
        assert run.repair_journal()
        assert (run.path / JOURNAL).read_bytes() == whole
    assert not run.repair_journal()


@pytest.mark.parametrize("line", [b"{}", b"[]", b"not json", b"\xff", b'{"status": "success"}'])
def test_a_bad_line_in_the_middle_is_named(run, line):
    (run.path / JOURNAL).write_bytes(line + b"\n")

    with pytest.raises(DataError, match=rf"{JOURNAL}:1: not a job record"):
        run.records()


def test_a_full_disk_leaves_the_journal_as_it_was(run, monkeypatch):
    run.append(record(K1))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.append(record(K2))

    assert run.journal() == [record(K1)]


def test_one_process_at_a_time_holds_a_run(run):
    with run.exclusively(), pytest.raises(RunDirectoryError, match="another process"), run.exclusively():
        pass


def test_who_holds_a_run_removes_what_a_killed_process_left_unfinished_of_it_and_nothing_of_a_job(run):
    own = [".summary.json", "charts/.ranking_best_score.svg", "models/a/.failure.html"]
    left = [run.path / f"{name}.0123456789ab.tmp" for name in [*own, "models/a/.weights.json"]]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    with run.exclusively():
        assert [path for path in left if path.exists()] == left[-1:]


def test_a_job_directory_is_found_again_by_its_path(run):
    made = run.job_directory(JOB)

    opened = JobDirectory.open(made.path)

    assert (opened.job, opened.run_path, opened.path) == (JOB, run.path.resolve(), made.path.resolve())


def test_an_artifact_is_recorded_with_what_is_on_the_disk(run):
    directory = run.job_directory(JOB)
    (directory.path / "model.zip").write_bytes(b"abc")

    artifacts = directory.artifacts({"model": "model.zip"})

    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert artifacts == {"model": Artifact("models/a/model.zip", digest, 3)}


@pytest.mark.parametrize(
    ("relative", "complaint"),
    [
        ("gone.zip", "missing or empty"),
        ("empty.zip", "missing or empty"),
        ("../../run.json", "outside"),
        ("link", "outside"),
        ("/etc/hostname", "outside"),
    ],
)
def test_a_job_cannot_claim_what_it_did_not_write(run, relative, complaint):
    directory = run.job_directory(JOB)
    (directory.path / "empty.zip").touch()
    (directory.path / "link").symlink_to("/etc/hostname")

    with pytest.raises(JobError, match=complaint):
        directory.artifacts({"model": relative})


def test_a_retry_keeps_the_earlier_logs_and_nothing_else(run):
    directory = run.job_directory(JOB)
    directory.begin_attempt({})
    directory.log_path.write_text("first try")
    (directory.path / "checkpoints").mkdir()
    (directory.path / "checkpoints" / "a.zip").write_bytes(b"x")
    (directory.path / "result.json").write_text("{}")

    directory.clear_for_retry()

    assert sorted(entry.name for entry in directory.path.iterdir()) == ["attempt-1.json", "attempt-1.log", "job.json"]


def test_the_end_of_a_log_is_printable(run):
    directory = run.job_directory(JOB)
    directory.log_path.write_bytes(b"start\n" + b"x\n" * 100_000 + b"\x1b[31mred\xff\n\n")

    assert directory.log_tail(2) == ("x", "\\x1b[31mred�")


def test_one_process_at_a_time_holds_a_job(run):
    directory = run.job_directory(JOB)

    with directory.lock() as mine, directory.lock() as second:
        assert (mine, second) == (True, False)
