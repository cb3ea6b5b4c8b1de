"""What a job has published is never trained again, removed or overwritten, whatever the journal's last word is."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace

import pytest

from extractor_flow.cli import main
from extractor_flow.executors.lost_process import HELD, Stopwatch, conclude
from extractor_flow.files import read_json
from extractor_flow.layout import JOURNAL, LOG, UNPUBLISHED
from extractor_flow.run.job import EX_TEMPFAIL, run_job
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.run.publish import withhold
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Failed, Skipped
from extractor_flow.verify import verify
from extractor_flow.verify.verdict import Conclusion
from support.published import lines
from support.waiting import DEADLINE, outcomes, wait_until


@pytest.fixture(scope="module")
def finished(shared_run):
    """A run of two jobs that succeeded."""
    return shared_run(lines({"name": "a"}, {"name": "b", "degree": 2}))


@pytest.fixture
def run(finished, tmp_path):
    return RunDirectory(shutil.copytree(finished, tmp_path / finished.name))


def resume(run):
    return main(["run", "--resume", str(run.path), "--executor", "serial"])


def results(run):
    """Which files hold the jobs' results and models; a job that is trained again leaves others."""
    return {path: path.stat().st_ino for name in ("result.json", "weights.json") for path in run.path.rglob(name)}


def killed_before_the_journal(workbench):
    """Ctrl-C in a job; in the resumed run it publishes its result, and the controller is killed before its line."""
    gate = workbench.path / "gate"
    waiting = workbench.path / "gate.stuck.waiting"
    config = workbench.config({"name": "stuck", "fault": "wait", "until": str(gate)})
    first = workbench.start("run", config)
    wait_until(waiting, first)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=DEADLINE)
    run = workbench.latest()
    waiting.unlink()
    second = workbench.start("run", "--resume", run.path)
    wait_until(waiting, second)
    second.send_signal(signal.SIGSTOP)
    gate.touch()
    wait_until(run.path / "models/stuck/result.json", second)
    second.kill()
    second.communicate(timeout=DEADLINE)
    return run


def test_a_success_published_before_the_journals_line_is_kept_and_the_run_says_that_it_is_unpublished(workbench):
    run = killed_before_the_journal(workbench)
    before = results(run)
    last_word = outcomes(run)["stuck"]

    told = workbench.call("verify", run.path)
    violations = verify(run.path).violations
    archived = workbench.call("archive", run.path, workbench.path / "copy")
    reported = workbench.call("report", run.path)
    resumed = workbench.call("run", "--resume", run.path)

    assert (last_word.code, last_word.signal) == (Code.INTERRUPTED, "SIGINT")
    assert (told.code, violations, len(told.out.splitlines())) == (3, (), 1), told.out
    assert (archived.code, "is not published" in archived.err) == (1, True)
    assert (reported.code, resumed.code, results(run)) == (0, 0, before)
    assert [(record.status, record.attempt) for record in run.journal()] == [("failed", 1), ("success", 2)]
    assert verify(run.path).violations == ()


FAILED = Failed(Code.LOST, "its process ended with exit code 3 and left no result")
SKIPPED = Skipped(Code.MISSING_CAPABILITY, "needs a GPU")


@pytest.mark.parametrize("last_word", [None, FAILED, SKIPPED])
def test_what_stands_published_counts_whatever_the_journal_says(run, last_word):
    records, before = run.records(), results(run)
    (run.path / JOURNAL).write_bytes((run.path / JOURNAL).read_bytes().splitlines(keepends=True)[0])
    if last_word is not None:
        run.append(replace(records[1], outcome=last_word))

    code = resume(run)

    assert (code, results(run), run.records()) == (0, before, records)


def test_a_journal_torn_at_any_byte_of_its_last_line_costs_nothing(run):
    from extractor_flow.run.resume import settle_earlier_work

    journal = (run.path / JOURNAL).read_bytes()
    begin = journal.rindex(b"\n", 0, -1) + 1
    before, records = results(run), run.records()
    places = {record.job_key: record.directory for record in records}

    for cut in range(begin, len(journal)):
        (run.path / JOURNAL).write_bytes(journal[:cut])
        kept = settle_earlier_work(run, places)

        assert (list(kept.values()), (run.path / JOURNAL).read_bytes()) == (records, journal)
    assert results(run) == before


def test_a_truncated_result_is_written_again_from_the_journal_and_nothing_is_trained(run):
    result = run.path / "models/b/result.json"
    whole = result.read_bytes()
    models = {path: ino for path, ino in results(run).items() if path.name == "weights.json"}

    for size in range(0, len(whole), 97):
        result.write_bytes(whole[:size])
        if not size:
            result.unlink()
        assert main(["report", str(run.path)]) == 0
        assert result.read_bytes() == whole
    assert (resume(run), models.items() <= results(run).items(), len(run.journal())) == (0, True, 2)


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_truncated_result_whose_model_is_gone_is_trained_again(run, journal):
    before = read_json(run.path / "models/b/result.json")
    (run.path / "models/b/result.json").write_bytes(b'{"flow": ')
    (run.path / "models/b/weights.json").unlink()
    if journal == "lost":
        (run.path / JOURNAL).unlink()
        (run.path / LOG).unlink()

    code = resume(run)

    after = read_json(run.path / "models/b/result.json")
    assert (code, after["metrics"], after["attempt"]) == (0, before["metrics"], 2)
    assert verify(run.path).violations == ()


def test_a_result_of_another_job_or_with_other_files_does_not_count(run):
    shutil.copyfile(run.path / "models/a/result.json", run.path / "models/b/result.json")
    (run.path / JOURNAL).write_bytes((run.path / JOURNAL).read_bytes().splitlines(keepends=True)[0])
    (run.path / LOG).unlink()

    assert (resume(run), [record.attempt for record in run.records()]) == (0, [1, 2])
    assert verify(run.path).violations == ()


def test_a_run_under_way_or_left_alone_is_unpublished_until_every_job_has_a_record(run, capsys):
    withhold(run)
    lines = (run.path / JOURNAL).read_bytes().splitlines(keepends=True)
    (run.path / JOURNAL).write_bytes(lines[0])
    shutil.rmtree(run.path / "models/b")

    before = verify(run.path).conclusion
    reported = main(["report", str(run.path)])
    told = capsys.readouterr().out
    between = verify(run.path).conclusion
    marked = (run.path / UNPUBLISHED).exists()

    assert (before, reported, between, marked) == (Conclusion.UNPUBLISHED, 0, Conclusion.UNPUBLISHED, True)
    assert f"jobs have no record yet; train them: extractor-flow run --resume {run.path}\n" in told
    assert (resume(run), verify(run.path).violations, (run.path / UNPUBLISHED).exists()) == (0, (), False)


def test_a_run_is_watched_until_it_is_published(run, workbench):
    withhold(run)
    process = workbench.start("status", run.path, "--watch")
    first = process.stdout.readline()

    code = resume(run)

    rest, _ = process.communicate(timeout=DEADLINE)
    assert (code, process.returncode) == (0, 0)
    assert first == f"{run.path}: unpublished, 2 of 2 jobs recorded\n"
    assert rest.endswith(f"{run.path}: published, 2 of 2 jobs recorded\na seed 0: success\nb seed 0: success\n")


def test_the_second_of_two_processes_that_resume_a_run_leaves_it_alone(workbench):
    gate = workbench.path / "gate"
    waiting = workbench.path / "gate.stuck.waiting"
    config = workbench.config({"name": "first"}, {"name": "stuck", "fault": "wait", "until": str(gate)})
    process = workbench.start("run", config, "--jobs", 1)
    wait_until(waiting, process)
    run = next(path for path in (workbench.path / "runs").iterdir() if path.is_dir())

    codes = [main([*words, str(run)]) for words in (["run", "--resume"], ["report"])]
    gate.touch()
    process.communicate(timeout=DEADLINE)

    assert (codes, process.returncode, len(RunDirectory(run).journal())) == ([1, 1], 0, 2)
    assert verify(run).violations == ()


def test_a_lock_that_nobody_holds_any_more_is_taken(run):
    for place in (".lock", "models/a/.lock", "models/b/.lock"):
        (run.path / place).write_text("4194304\n")
    (run.path / "models/b/weights.json").unlink()

    assert (resume(run), [record.attempt for record in run.records()]) == (0, [1, 2])


def test_a_job_that_another_process_finishes_meanwhile_is_not_run_again(run):
    directory = JobDirectory.open(run.path / "models/b")
    result = directory.path / "result.json"
    whole = result.read_bytes()
    result.unlink()
    codes = []

    with directory.lock():
        codes.append(run_job(directory, capture=True))
        record = conclude(directory, Stopwatch(directory), exit_code=EX_TEMPFAIL)
        result.write_bytes(whole)
    codes.append(run_job(directory, capture=True))
    taken_over = conclude(directory, Stopwatch(directory), exit_code=EX_TEMPFAIL)

    assert (codes, result.read_bytes(), directory.attempts()) == ([EX_TEMPFAIL, 0], whole, 1)
    assert (record.outcome, record.end_time) == (HELD, None)
    assert isinstance(taken_over.outcome, Completed)


def test_a_resumed_run_leaves_a_job_alone_that_another_process_is_at(run):
    (run.path / "models/b/weights.json").unlink()
    directory = JobDirectory.open(run.path / "models/b")
    before = results(run)

    with directory.lock():
        code = resume(run)
        during = results(run)
    again = resume(run)

    assert (code, during, again) == (1, before, 0)
    assert [record.status for record in run.journal()] == ["success", "success", "failed", "success"]
    assert verify(run.path).violations == ()


DIES_ONCE = """\
import os, pathlib, sys
flag = pathlib.Path(__file__).with_name("died")
if any("spawn_main" in word for word in sys.orig_argv) and not flag.exists():
    flag.touch()
    os._exit(9)
"""


def test_a_process_that_dies_before_its_first_attempt_has_a_number_of_its_own(workbench, monkeypatch):
    config = workbench.config({"name": "a"}, start_method="spawn")
    (workbench.path / "sitecustomize.py").write_text(DIES_ONCE)
    monkeypatch.setenv("PYTHONPATH", str(workbench.path), prepend=os.pathsep)

    first = workbench.call("run", config)
    second = workbench.call("run", "--resume", workbench.latest().path)

    run = workbench.latest()
    assert (first.code, second.code) == (1, 0)
    assert [(record.status, record.attempt) for record in run.journal()] == [("failed", 1), ("success", 2)]
    assert verify(run.path).violations == ()
