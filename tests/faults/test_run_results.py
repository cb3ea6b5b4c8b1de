"""``run --result FILE``: whoever starts a run learns from a file what came of it, however it ended."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from extractor_flow.contracts import violations
from extractor_flow.files import read_json
from support.waiting import wait_until

DEADLINE = 60


def told(file):
    """What *file* tells, its contract kept: exit code, run there, published, and each job's status and code."""
    result = read_json(file)
    assert violations(result, "run_result") == []
    there = result["run_directory"] is not None and Path(result["run_directory"]).is_dir()
    jobs = {job["config_name"]: (job["status"], job.get("code"), job.get("signal")) for job in result["jobs"]}
    return result["exit_code"], there, result["published"], jobs


@pytest.mark.usefixtures("without_slurm")
def test_it_tells_what_became_of_each_job(workbench):
    config = workbench.config(
        {"name": "good"}, {"name": "bad", "fault": "raise"}, {"name": "gone", "requires": ["slurm"]}
    )

    code = workbench.call("run", config, "--result", "result.json").code

    assert (code, told(workbench.path / "result.json")) == (
        1,
        (
            1,
            True,
            True,
            {
                "good": ("success", None, None),
                "bad": ("failed", "raised", None),
                "gone": ("skipped", "missing-capability", None),
            },
        ),
    )


def test_a_refused_request_is_told_and_an_earlier_result_is_gone(workbench):
    file = workbench.path / "result.json"
    workbench.call("run", workbench.config({"name": "good"}), "--dry-run", "--result", file)

    code = workbench.call("run", workbench.config({"nom": "good"}), "--result", file).code

    assert (code, told(file)) == (2, (2, False, False, {}))
    assert "nom" in read_json(file)["error"]


def test_an_interrupted_run_tells_what_was_stopped_and_what_never_started(workbench):
    gate = workbench.path / "gate"
    config = workbench.config({"name": "stuck", "fault": "wait", "until": str(gate)}, {"name": "late"})
    process = workbench.start("run", config, "--jobs", 1, "--result", "result.json")
    wait_until(gate.with_name("gate.stuck.waiting"), process)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)

    stopped = {"stuck": ("failed", "interrupted", "SIGTERM"), "late": ("failed", "not-started", "SIGTERM")}
    assert told(workbench.path / "result.json") == (143, True, True, stopped)


@pytest.mark.parametrize(("place", "what"), [("gone/result.json", "there is no directory"), (".", "is a directory")])
def test_a_place_that_nothing_can_be_written_to_is_refused_before_anything_starts(workbench, place, what):
    answer = workbench.call("run", workbench.config({"name": "good"}), "--result", place)

    assert (answer.code, what in answer.err, (workbench.path / "runs").exists()) == (2, True, False)
