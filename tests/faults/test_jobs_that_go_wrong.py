"""A job that goes wrong loses itself and nothing else."""

from __future__ import annotations

import platform

import pytest

from extractor_flow.files import read_json
from extractor_flow.layout import SUMMARY
from extractor_flow.study.codes import Code
from extractor_flow.study.records import REHEARSED, Completed, Failed, Skipped

GOOD = {"name": "good"}
PARAMETERS = [
    ("raise", (Code.RAISED, None), "RuntimeError: this model was asked to raise"),
    ("exit", (Code.LOST, None), "ended with exit code 3"),
    ("kill", (Code.KILLED, "SIGKILL"), "from outside"),
    ("segfault", (Code.KILLED, "SIGSEGV"), "a crash in native code"),
    ("allocate", (Code.MEMORY_LIMIT, None), "out of memory"),
    ("diverge", (Code.REJECTED, None), "not finite numbers: final_loss="),
    ("no_artifact", (Code.REJECTED, None), "artifact weights: weights.json is missing or empty"),
    ("undeclared", (Code.REJECTED, None), "metrics.luck: found it; declared are best_score"),
]


@pytest.mark.parametrize("start_method", ["forkserver", pytest.param("spawn", marks=pytest.mark.whole)])
def test_every_fault_is_failed_with_its_reason_and_the_others_go_on(workbench, start_method):
    models = [{"name": fault, "fault": fault} for fault, *_ in PARAMETERS]
    config = workbench.config(GOOD, *models, {"name": "last"}, memory_limit_mb=3000, start_method=start_method)

    answer = workbench.run("run", config, "--jobs", 3)

    run = workbench.latest()
    failed = {r.name: r.outcome for r in run.records() if isinstance(r.outcome, Failed)}
    succeeded = [r.name for r in run.records() if isinstance(r.outcome, Completed)]
    codes = {name: (outcome.code, outcome.signal) for name, outcome in failed.items()}
    untold = [fault for fault, _, words in PARAMETERS if words not in failed[fault].reason]
    expected = {fault: code for fault, code, _ in PARAMETERS}
    assert (answer.code, codes, succeeded, untold) == (1, expected, ["good", "last"], [])


def test_a_failed_job_has_the_end_of_its_log_and_no_metrics(workbench):
    workbench.call("run", workbench.config({"name": "bad", "fault": "raise"}))

    result = read_json(workbench.latest().path / SUMMARY)["model_results"][0]
    tail = workbench.latest().records()[0].outcome.log_tail

    assert {"metrics", "artifacts", "training_steps"}.isdisjoint(result)
    assert tail[-1] == "RuntimeError: this model was asked to raise"


@pytest.mark.parametrize("fault", ["wait", "wait_deaf"])
def test_a_job_that_runs_too_long_is_ended(workbench, fault):
    config = workbench.config(
        {"name": "slow", "fault": fault, "until": str(workbench.path / "never")}, GOOD, time_limit_seconds=1
    )

    answer = workbench.run("run", config)

    slow, good = workbench.latest().records()
    assert (answer.code, slow.outcome.code, good.status) == (1, Code.TIME_LIMIT, "success")


def test_a_missing_capability_is_skipped_with_what_to_do(workbench):
    config = workbench.config(GOOD, {"name": "big", "requires": ["telescope"]})

    answer = workbench.call("run", config)

    skipped = workbench.latest().records()[1].outcome
    assert isinstance(skipped, Skipped)
    assert (answer.code, skipped.code) == (0, Code.MISSING_CAPABILITY)
    assert skipped.reason.startswith("big requires telescope: no machine is known to have it; ")


@pytest.mark.skipif(platform.system() == "Darwin", reason="macOS has it")
def test_a_run_that_requires_a_missing_capability_is_refused_before_anything_is_started(workbench):
    answer = workbench.call("run", workbench.config(GOOD), "--require", "macos_spawn")

    assert (answer.code, answer.out, (workbench.path / "runs").exists()) == (1, "", False)
    assert answer.err.startswith("extractor-flow: --require: macos_spawn is missing: this is Linux, not macOS")
    assert len(answer.err.splitlines()) == 1


def test_a_dry_run_trains_nothing_and_says_so(workbench):
    answer = workbench.call("run", workbench.config(GOOD), "--dry-run")

    run = workbench.latest()
    assert answer.code == 0
    assert [r.outcome for r in run.records()] == [REHEARSED]
    assert not (run.path / "models").exists()
