"""Ctrl-C at any moment loses nothing that was finished, and --resume trains just what is missing."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from extractor_flow.files import read_json
from extractor_flow.layout import JOURNAL, SUMMARY
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Failed
from support.waiting import DEADLINE, outcomes, wait_until


def why(outcome: object) -> tuple[Code, str | None]:
    assert isinstance(outcome, Failed), outcome
    return outcome.code, outcome.signal


def measured(run: RunDirectory) -> dict[str, dict[str, float]]:
    return {r.name: dict(r.outcome.metrics) for r in run.records() if isinstance(r.outcome, Completed)}


@pytest.fixture
def study(workbench):
    """Three models; the second stands still until a file appears."""
    gate = workbench.path / "gate"
    stuck = {"name": "stuck", "fault": "wait", "until": str(gate)}
    return workbench.config({"name": "first"}, stuck, {"name": "third"}), gate


@pytest.mark.parametrize("executor", ["local", "serial"])
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_run_publishes_what_is_finished_and_owns_up_to_the_rest(
    workbench, study, signum, code, executor
):
    config, gate = study
    process = workbench.start("run", config, "--jobs", 1, "--executor", executor)
    wait_until(gate.with_name("gate.stuck.waiting"), process)

    process.send_signal(signum)
    process.communicate(timeout=DEADLINE)

    found = outcomes(workbench.latest())
    assert process.returncode == code
    assert isinstance(found["first"], Completed)
    assert why(found["stuck"]) == (Code.INTERRUPTED, signal.Signals(signum).name)
    assert why(found["third"]) == (Code.NOT_STARTED, signal.Signals(signum).name)
    assert read_json(workbench.latest().path / SUMMARY)["interrupted"] is True


def test_a_signal_to_the_whole_process_group_interrupts_each_job_in_its_own_time(workbench, study):
    config, gate = study
    process = workbench.start("run", config, "--jobs", 1)
    wait_until(gate.with_name("gate.stuck.waiting"), process)

    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=DEADLINE)

    assert (process.returncode, *why(outcomes(workbench.latest())["stuck"])) == (143, Code.INTERRUPTED, "SIGTERM")


def test_a_run_that_nohup_started_outlives_its_terminal(workbench, study):
    config, gate = study
    process = workbench.start("run", config, "--executor", "serial", under=("nohup",))
    wait_until(gate.with_name("gate.stuck.waiting"), process)

    os.killpg(process.pid, signal.SIGHUP)
    gate.touch()
    process.communicate(timeout=DEADLINE)

    assert (process.returncode, len(measured(workbench.latest()))) == (0, 3)


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_ctrl_c_again_and_again_shows_no_traceback(workbench, start_method):
    """To the whole process group, as a terminal sends it, from the first line of output to the end of the process."""
    gate = workbench.path / "gate"
    models = [{"name": name, "fault": "wait", "until": str(gate)} for name in "abc"]
    process = workbench.start("run", workbench.config(*models, start_method=start_method), "--jobs", 2)
    assert process.stdout.readline().startswith("run directory: ")

    for _ in range(DEADLINE * 50):
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGINT)
        threading.Event().wait(0.02)
    _, told = process.communicate(timeout=DEADLINE)

    assert (process.returncode, told) == (130, "")
    assert all(outcome.interrupted for outcome in outcomes(workbench.latest()).values())


@pytest.mark.parametrize("executor", ["local", "serial"])
def test_a_run_trains_on_when_nobody_reads_its_output_any_more(workbench, study, executor):
    config, gate = study
    process = workbench.start("run", config, "--jobs", 1, "--executor", executor)
    wait_until(gate.with_name("gate.stuck.waiting"), process)

    process.stdout.close()
    gate.touch()
    _, told = process.communicate(timeout=DEADLINE)

    assert (process.returncode, told, len(measured(workbench.latest()))) == (0, "", 3)


def test_a_job_deaf_to_the_interruption_is_killed_when_asked_twice(workbench):
    gate = workbench.path / "gate"
    config = workbench.config({"name": "deaf", "fault": "wait_deaf", "until": str(gate)})
    process = workbench.start("run", config)
    wait_until(gate.with_name("gate.deaf.waiting"), process)

    process.send_signal(signal.SIGINT)
    threading.Event().wait(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)

    assert process.returncode == 130
    assert why(outcomes(workbench.latest())["deaf"]) == (Code.INTERRUPTED, "SIGINT")


def test_a_resumed_run_ends_with_the_summary_of_an_uninterrupted_one(workbench, study):
    config, gate = study
    process = workbench.start("run", config, "--jobs", 1)
    wait_until(gate.with_name("gate.stuck.waiting"), process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    run = workbench.latest()
    first_result = (run.path / "models/first/result.json").stat().st_ino
    gate.touch()

    resumed = workbench.call("run", "--resume", run.path)
    whole = workbench.call("run", config)

    assert (resumed.code, whole.code) == (0, 0)
    assert measured(run) == measured(workbench.latest())
    assert (run.path / "models/first/result.json").stat().st_ino == first_result
    assert read_json(run.path / SUMMARY)["interrupted"] is False


def test_a_journal_cut_anywhere_is_resumed_to_the_same_summary(workbench):
    workbench.call("run", workbench.config({"name": "a"}, {"name": "b"}))
    run = workbench.latest()
    journal = (run.path / JOURNAL).read_bytes()
    complete = measured(run)
    lines = journal.splitlines(keepends=True)

    for cut in (0, 1, len(lines[0]) - 1, len(lines[0]), len(journal) - 1):
        (run.path / JOURNAL).write_bytes(journal[:cut])
        (run.path / "models/b/weights.json").unlink(missing_ok=True)

        assert workbench.call("run", "--resume", run.path).code == 0
        assert measured(run) == complete


def test_a_success_whose_files_were_changed_is_trained_again(workbench):
    workbench.call("run", workbench.config({"name": "a"}))
    run = workbench.latest()
    weights = run.path / "models/a/weights.json"
    before = weights.read_bytes()
    weights.write_bytes(b"{}")

    answer = workbench.call("run", "--resume", run.path)

    assert (answer.code, weights.read_bytes() == before, run.records()[0].attempt) == (0, True, 2)


def test_a_job_whose_process_died_before_its_first_attempt_is_trained_when_resumed(workbench):
    config = workbench.config({"name": "a", "fault": "raise"})
    workbench.call("run", config)
    place = workbench.latest().path / "models/a"
    before = (place / "result.json").read_bytes()
    for name in ("attempt-1.json", "train.log", "progress.json"):
        (place / name).unlink(missing_ok=True)

    workbench.call("run", config, "--resume", workbench.latest().path)

    assert (place / "attempt-1.json").is_file()
    assert (place / "result.json").read_bytes() != before


def test_resuming_with_other_settings_is_refused(workbench):
    workbench.call("run", workbench.config({"name": "a"}))
    run = workbench.latest()

    answer = workbench.call("run", workbench.config({"name": "a"}, steps=6), "--resume", run.path)

    assert (answer.code, "was made from other settings" in answer.err) == (2, True)


def test_resuming_with_the_same_config_and_other_command_line_names_goes_on(workbench):
    config = workbench.config({"name": "a"})
    workbench.call("run", config, "--run-id", "named", "--seed", 7)
    run = workbench.latest()

    answer = workbench.call("run", config, "--resume", run.path)

    assert (answer.code, len(run.journal())) == (0, 1)


def test_a_job_that_finished_unnoticed_is_taken_over(workbench):
    workbench.call("run", workbench.config({"name": "a"}))
    run = workbench.latest()
    record = run.records()
    (run.path / JOURNAL).unlink()

    answer = workbench.call("run", "--resume", run.path)

    assert (answer.code, run.records()) == (0, record)


def test_jobs_end_with_a_controller_that_was_killed(workbench, study):
    config, gate = study
    process = workbench.start("run", config, "--jobs", 1)
    wait_until(gate.with_name("gate.stuck.waiting"), process)
    run = RunDirectory.open(next(path for path in (workbench.path / "runs").iterdir() if path.is_dir()))
    attempt = read_json(run.path / "models/stuck/attempt-1.json")

    process.kill()
    process.communicate(timeout=DEADLINE)

    for _ in range(DEADLINE * 20):
        try:
            os.kill(attempt["pid"], 0)
        except ProcessLookupError:
            break
        threading.Event().wait(0.05)
    else:
        pytest.fail("the job outlived its controller")
    gate.touch()
    assert workbench.call("run", "--resume", run.path).code == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.whole)])
def test_an_interrupted_replay_says_so_and_leaves_nothing_behind(workbench, study, tmp_path, monkeypatch, signum):
    config, gate = study
    gate.touch()
    workbench.call("run", config, "--jobs", 1)
    gate.unlink()
    (waiting := gate.with_name("gate.stuck.waiting")).unlink(missing_ok=True)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    process = workbench.start("verify", workbench.latest().path, "--replay", "stuck")
    wait_until(waiting, process)

    process.send_signal(signum)
    _, told = process.communicate(timeout=DEADLINE)

    left = [path.name for path in scratch.glob("extractor-flow-replay-*")]
    assert (process.returncode, told.splitlines()[-1], left) == (128 + signum, "extractor-flow: interrupted", [])
