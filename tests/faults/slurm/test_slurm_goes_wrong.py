"""Whatever is killed in a cluster, a run loses nothing: jobs, nodes, the controller, whoever follows it."""

from __future__ import annotations

import os
import signal

import pytest
import yaml

from extractor_flow.config import resolve_defaults
from extractor_flow.executors.slurm import SlurmExecutor
from extractor_flow.executors.slurm.settings import SCHEMA
from extractor_flow.study.codes import Code
from extractor_flow.testing import check_executor
from extractor_flow.verify import verify
from support.disturbing import measured
from support.published import COMPARISON, DOSES, lines, skip_what_cannot_train
from support.waiting import DEADLINE

pytestmark = pytest.mark.faults
SETTINGS = resolve_defaults({}, SCHEMA)


def ended(records):
    """How often each job was tried, and why it did not complete."""
    return {name: (record.attempt, getattr(record.outcome, "code", None)) for name, record in records.items()}


def problems(run, records, expected):
    """What is wrong with a run that was to end as *expected*."""
    return [*verify(run.path).violations, *([] if ended(records) == expected else [ended(records)])]


def test_the_executor_conforms(bench, tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(lines({"name": "a"}, {"name": "b", "degree": 2})), encoding="utf-8")

    check_executor(lambda: SlurmExecutor(SETTINGS), config, tmp_path)


def test_sigkill_of_a_job(bench, told):
    run = bench.submit({"name": "a"}, bench.stuck, {"name": "b"})
    os.kill(bench.begun(run)["pid"], signal.SIGKILL)
    killed = ended(bench.published(run))
    bench.gate.touch()
    bench.resubmit(run)
    records = bench.published(run)

    wrong = problems(run, records, {"a": (1, None), "stuck": (2, None), "b": (1, None)})
    told("Slurm: SIGKILL of 1 of 3 jobs; resumed, only that one is trained", 1, wrong)
    assert (killed["stuck"], wrong) == ((1, Code.LOST), [])


def test_death_of_a_node(bench, told):
    run = bench.submit(bench.stuck)
    note = bench.begun(run)
    node = bench.cluster.ask("squeue", "-h", "-j", str(note["slurm_task"]), "-o", "%N").strip()
    bench.cluster.kill_node(node)
    try:
        bench.begun(run, 2)
        bench.gate.touch()
        records = bench.published(run)
    finally:
        bench.cluster.start_node(node)

    wrong = problems(run, records, {"stuck": (2, None)})
    told("Slurm: death of a node; Slurm starts its job on the other", 1, wrong)
    assert wrong == []


@pytest.mark.parametrize("retries", [0, 1])
def test_the_time_limit_of_the_queue(bench, told, retries):
    settings = ("time=1:00", "warning_seconds=40", f"time_limit_retries={retries}")
    run = bench.submit(bench.stuck, settings=settings)
    if retries:
        bench.begun(run, 2)
        bench.gate.touch()
    records = bench.published(run)

    wrong = problems(run, records, {"stuck": (2, None) if retries else (1, Code.INTERRUPTED)})
    how = "it is queued again, and completes" if retries else "it is recorded as interrupted by SIGUSR2"
    told(f"Slurm: time limit met; {how}", 1, wrong)
    assert wrong == []


def test_preemption(bench, told):
    run = bench.submit(bench.stuck)
    bench.begun(run)
    urgent = ["sbatch", "--parsable", "-p", "high", "-N2", "--exclusive", f"--output={run.path.parent}/urgent"]
    bench.cluster.ask(*urgent, "--wrap=sleep 5")
    bench.begun(run, 2)
    bench.gate.touch()
    records = bench.published(run)

    wrong = problems(run, records, {"stuck": (2, None)})
    told("Slurm: preemption by a job of another partition; started again, and completes", 1, wrong)
    assert wrong == []


def test_the_controller_is_killed_and_started_again(bench, told):
    run = bench.submit({"name": "a"}, bench.stuck)
    bench.begun(run)
    bench.cluster.wait_until_saved()
    bench.cluster.kill("slurmctld")
    bench.gate.touch()
    bench.cluster.wait_until((run.path / "models/stuck/result.json").exists)
    bench.cluster.start_controller()
    records = bench.published(run)

    wrong = problems(run, records, {"a": (1, None), "stuck": (1, None)})
    told("Slurm: SIGKILL of its controller while jobs run; started again, it publishes the run", 1, wrong)
    assert wrong == []


def test_whoever_follows_a_run_is_killed(bench, told):
    process, run = bench.follow()
    process.kill()
    process.communicate(timeout=DEADLINE)
    bench.gate.touch()
    records = bench.published(run)

    wrong = problems(run, records, {"stuck": (1, None)})
    told("Slurm: SIGKILL of who submitted and followed it; the queue publishes the run", 1, wrong)
    assert wrong == []


def test_a_run_is_submitted_many_times(bench, told):
    run = bench.submit({"name": "a"}, bench.stuck)
    bench.begun(run)
    again = [bench.resubmit(run) for _ in range(3)]
    bench.gate.touch()
    records = bench.published(run)

    wrong = problems(run, records, {"a": (1, None), "stuck": (1, None)})
    told("Slurm: submitted 3 times more while a job runs; nothing is run twice", 3, wrong)
    assert (wrong, all("in Slurm's queue already" in out for out in again)) == ([], True)


@pytest.mark.parametrize("config", [COMPARISON, DOSES], ids=["extractor_comparison", "dose_overlap"])
def test_flows_that_train_networks(bench, told, config):
    """Preparation included: the second one's jobs share data that are made first."""
    skip_what_cannot_train(config)
    (bench.workbench.path / "study.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = ["run", "study.yaml", "--output-root", "runs", "--run-id", "cluster"]
    answer = bench.workbench.call(*words, "--executor", "slurm", "--executor-option", "memory=1900M")
    assert answer.code == 0, answer
    run = bench.workbench.latest()
    bench.published(run)
    locally = bench.workbench.call(*words, "--executor", "local")

    found, expected = measured(run), measured(bench.workbench.latest())
    differ = [here["config_name"] for here, there in zip(found, expected, strict=True) if here != there]
    wrong = [*verify(run.path).violations, *differ]
    told(f"Slurm: {config.get('flow', 'extractor_comparison')}, as trained on this machine bit for bit", 1, wrong)
    assert (wrong, "success" in {each["status"] for each in found}) == ([], True), locally
