"""A job that goes wrong loses itself and nothing else."""

from __future__ import annotations

import pytest

from extractor_flow.files import read_json
from extractor_flow.layout import SUMMARY
from extractor_flow.study.records import REHEARSED, Completed, Failed, Skipped

GOOD = {"name": "good"}
PARAMETERS = [
    ("raise", "RuntimeError: this model was asked to raise"),
    ("exit", "its process ended with exit code 3 and left no result"),
    ("kill", "killed by SIGKILL (from outside; on Linux often the kernel when memory runs out)"),
    ("segfault", "killed by SIGSEGV (a crash in native code)"),
    ("allocate", "out of memory: MemoryError"),
    ("diverge", "ValueError: not finite numbers: final_loss=nan"),
    ("no_artifact", "artifact weights: weights.json is missing or empty"),
]


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_every_fault_is_failed_with_its_reason_and_the_others_go_on(workbench, start_method):
    models = [{"name": fault, "fault": fault} for fault, _ in PARAMETERS]
    config = workbench.config(GOOD, *models, {"name": "last"}, memory_limit_mb=3000, start_method=start_method)

    answer = workbench.run("run", config, "--jobs", 3)

    run = workbench.latest()
    reasons = {r.name: r.outcome.reason for r in run.records() if isinstance(r.outcome, Failed)}
    succeeded = [r.name for r in run.records() if isinstance(r.outcome, Completed)]
    expected = dict(PARAMETERS)
    reasons["diverge"] = reasons["diverge"][: len(expected["diverge"])]
    assert (answer.code, reasons, succeeded) == (1, expected, ["good", "last"])


def test_a_failed_job_has_the_end_of_its_log_and_no_metrics(workbench):
    workbench.run("run", workbench.config({"name": "bad", "fault": "raise"}))

    result = read_json(workbench.latest().path / SUMMARY)["model_results"][0]
    tail = workbench.latest().records()[0].outcome.log_tail

    assert {"metrics", "artifacts", "training_steps"}.isdisjoint(result)
    assert tail[-1] == "RuntimeError: this model was asked to raise"


@pytest.mark.parametrize(("fault", "killed"), [("wait", ""), ("wait_deaf", "")])
def test_a_job_that_runs_too_long_is_ended(workbench, fault, killed):
    config = workbench.config(
        {"name": "slow", "fault": fault, "until": str(workbench.path / "never")}, GOOD, time_limit_seconds=1
    )

    answer = workbench.run("run", config)

    slow, good = workbench.latest().records()
    assert (answer.code, slow.outcome.reason, good.status) == (
        1,
        f"ran longer than its time limit of 1 s{killed}",
        "success",
    )


def test_a_missing_capability_is_skipped_with_what_to_do(workbench):
    config = workbench.config(GOOD, {"name": "big", "requires": ["macos_spawn"]})

    answer = workbench.run("run", config)

    skipped = workbench.latest().records()[1].outcome
    assert isinstance(skipped, Skipped)
    assert answer.code == 0
    assert skipped.reason.startswith("big requires macos_spawn: this is Linux, not macOS")


def test_a_run_that_requires_a_missing_capability_is_refused_before_anything_is_started(workbench):
    answer = workbench.run("run", workbench.config(GOOD), "--require", "macos_spawn")

    assert (answer.code, answer.out, (workbench.path / "runs").exists()) == (1, "", False)
    assert answer.err.startswith("extractor-flow: --require: macos_spawn is missing: this is Linux, not macOS")
    assert len(answer.err.splitlines()) == 1


def test_a_dry_run_trains_nothing_and_says_so(workbench):
    answer = workbench.run("run", workbench.config(GOOD), "--dry-run")

    run = workbench.latest()
    assert answer.code == 0
    assert [r.outcome for r in run.records()] == [REHEARSED]
    assert not (run.path / "models").exists()
