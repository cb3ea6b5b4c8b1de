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
