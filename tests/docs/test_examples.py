"""The example of somebody else's project works as it stands: built, installed and tested by its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
EXAMPLE = ROOT / "examples" / "third_party"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example without its sources, which are installed in ``site`` beside it."""
    source = shutil.copytree(EXAMPLE, tmp_path / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target")
    subprocess.run([sys.executable, "-m", "pip", *install, str(tmp_path / "site"), str(source)], check=True)
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("src", "build", ".*"))
    return project


def test_the_flow_of_another_project_passes_that_projects_own_tests(project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_spirals.py", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project.with_name("site"))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "4 passed" in done.stdout) == (0, True), done.stdout


def test_the_aggregate_of_several_runs_leaves_out_what_is_contradicted(tmp_path):
    kept = ROOT / "docs/samples/robot_nav_study"
    told = shutil.copytree(kept, tmp_path / "told")
    summary = (told / "summary.md").read_text(encoding="utf-8")
    (told / "summary.md").write_text(summary.replace("success", "skipped", 1), encoding="utf-8")

    command = [sys.executable, "examples/demo_aggregate.py", kept, told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    *lines, last = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split()[0] for line in lines[1:]] == [
        "dynamics_no_conv:",
        "mlp_small:",
        "attention_small:",
        "lstm_small:",
    ]
    assert last.startswith(f"{told}: contradicted by")
