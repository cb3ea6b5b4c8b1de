"""What a job measured as it trained has several witnesses: a lie in one is caught by another, whatever is in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from extractor_flow import layout
from extractor_flow.cli import main
from extractor_flow.verify import verify
from support.lies.about_measurements import LIES
from support.lies.mutated_runs import one_for_each_check
from support.published import COMPARISON, publish_run


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(COMPARISON)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


@pytest.mark.parametrize("lie", one_for_each_check(LIES))
def test_a_lie_about_a_measurement_is_caught_and_its_file_is_named(run, lie):
    lie.change(run)

    violations = verify(run.path).violations

    named = [violation for violation in violations if violation.file.startswith(lie.file)]
    assert [violation for violation in named if violation.check in lie.checks], violations


@pytest.mark.usefixtures("undrawn")
def test_a_job_that_a_queue_ran_a_second_time_verifies(tmp_path):
    one_job = {"run": {**COMPARISON["run"], "seeds": [1]}, "extractors": COMPARISON["extractors"][:1]}
    path = publish_run(tmp_path, {**COMPARISON, **one_job})
    for name in ("extractors/mlp/result.json", layout.JOURNAL, "run.log"):
        (path / name).write_bytes(b"")
    (path / "extractors/mlp/result.json").unlink()

    queued = [sys.executable, "-m", "extractor_flow.job", str(path / "extractors/mlp")]
    whole = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # a trainer needs what draws
    assert subprocess.run(queued, check=False, capture_output=True, env=whole).returncode == 0
    assert main(["run", "--resume", str(path), "--executor", "serial"]) == 0

    assert verify(path).violations == ()
