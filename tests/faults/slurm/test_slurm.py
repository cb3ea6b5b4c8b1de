"""A run that Slurm trains: left alone, asked for twice, resumed, refused."""

from __future__ import annotations

import signal

import pytest

from extractor_flow.files import read_json
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed
from extractor_flow.verify import verify
from support.waiting import DEADLINE

GOOD = ({"name": "a"}, {"name": "b", "degree": 2}, {"name": "c", "degree": 3})


def codes(records):
    return {name: getattr(record.outcome, "code", None) for name, record in records.items()}


def measured(records):
    return {name: record.outcome.metrics for name, record in records.items() if isinstance(record.outcome, Completed)}


def results(run):
    """When each job's result was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in run.path.glob("models/*/result.json")}


def test_a_run_left_to_slurm_is_trained_published_and_resumed_as_any_other(bench):
    bad = ({"name": "raises", "fault": "raise"}, {"name": "dies", "fault": "kill"})
    run = bench.submit(*GOOD, *bad)
    records = bench.published(run)
    before, verdict = results(run), verify(run.path)
    note = read_json(run.path / "models/a/attempt-1.json")
    resumed = bench.resubmit(run)
    settled = bench.published(run)
    locally = bench.workbench.call("run", bench.workbench.config(*GOOD), "--executor", "serial")
    local = {record.name: record for record in bench.workbench.latest().records()}

    assert codes(records) == dict.fromkeys("abc") | {"raises": Code.RAISED, "dies": Code.LOST}
    assert (verdict.violations, {"node", "packages", "slurm_task"} <= note.keys()) == ((), True)
    assert "Slurm has 2 jobs" in resumed
    assert sorted(name for name in before if results(run)[name] == before[name]) == [*"abc"]
    assert [settled[name].attempt for name in settled] == [1, 1, 1, 2, 2]
    assert (locally.code, measured(local), verify(run.path).violations) == (0, measured(settled), ())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["partition=nowhere"], 1, "invalid partition specified: nowhere"),
        (["parti=nowhere"], 2, "--executor-option parti: unknown key 'parti'"),
        (["cpus=many"], 2, "--executor-option cpus: "),
        (["partition"], 2, "--executor-option 'partition': expected KEY=VALUE"),
    ],
)
def test_what_cannot_be_submitted_is_one_message_and_leaves_nothing_in_the_queue(bench, words, code, told):
    options = [part for word in words for part in ("--executor-option", word)]

    answer = bench.workbench.call("run", bench.workbench.config({"name": "a"}), "--executor", "slurm", *options)

    assert (answer.code, told in answer.err, len(answer.err.splitlines())) == (code, True, 1)
    assert bench.cluster.queue() == []


@pytest.mark.usefixtures("without_slurm")
def test_without_slurm_nothing_is_started(workbench):
    answer = workbench.call("run", workbench.config({"name": "a"}), "--executor", "slurm")

    assert (answer.code, len(answer.err.splitlines()), (workbench.path / "runs").exists()) == (2, 1, False)
    assert "no sbatch command on the PATH" in answer.err


def test_a_section_of_an_executor_is_checked_whoever_runs_the_jobs_and_decides_no_result(workbench):
    config = workbench.config({"name": "a"})
    workbench.call("run", config, "--executor", "serial")
    text = config.read_text()
    config.write_text(f"{text}slurm: {{partition: gpu, time: '1:00:00'}}\n")
    resumed = workbench.call("run", config, "--resume", workbench.latest().path, "--executor", "serial")
    config.write_text(f"{text}slurm: {{partitions: gpu}}\n")
    refused = workbench.call("run", config, "--executor", "serial")

    assert (resumed.code, len(workbench.latest().journal())) == (0, 1)
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert all(words in refused.err for words in ("study.yaml:", "slurm.partitions: unknown key"))


@pytest.mark.parametrize("signum", [pytest.param(signal.SIGINT, marks=pytest.mark.whole), signal.SIGHUP])
def test_ctrl_c_ends_the_jobs_of_a_run_that_is_followed_and_a_closed_terminal_does_not(bench, signum):
    process, run = bench.follow()
    status = bench.workbench.call("status", run.path).out

    process.send_signal(signum)
    _, told = process.communicate(timeout=DEADLINE)
    bench.gate.touch()
    bench.cluster.wait_until(lambda: not bench.cluster.queue())

    code = codes(bench.published(run))["stuck"]
    assert "stuck seed 0: running (queue: RUNNING)\n" in status
    expected = (130, 0, Code.INTERRUPTED) if signum == signal.SIGINT else (129, 1, None)
    assert (process.returncode, len(told.splitlines()), code, verify(run.path).violations) == (*expected, ()), told
