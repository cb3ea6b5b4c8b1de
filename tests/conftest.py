"""What all tests share: a place where the command is run as a user runs it, and published runs to judge."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pytest_extractor_flow.fixtures import RunOnce
from support.lies.tampering import Tampering
from support.published import UNDRAWN, SharedRuns
from support.workbench import Workbench

# On a slow or a busy machine everything takes long: that is no failure, and no example is worth less for it.
settings.register_profile("any machine", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("any machine")


# Until all tests are collected, there is nothing but what stays: looking through it again and again takes seconds.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


@pytest.fixture
def without_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of Slurm is on the PATH, wherever these tests run."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No new process can draw, as where there is no matplotlib: loading it costs as much as a tiny training."""
    monkeypatch.setenv("PYTHONPATH", UNDRAWN, prepend=os.pathsep)


@pytest.fixture(scope="session")
def shared_run(run_once: RunOnce) -> SharedRuns:
    """Gives the run of a config that every test which asks shares."""
    return SharedRuns(run_once)


@pytest.fixture
def tampering_with(tmp_path: Path) -> Callable[[Path], Tampering]:
    """Copies a run, for a test to change."""
    return lambda run: Tampering(shutil.copytree(run, tmp_path / "tampered" / run.name, symlinks=True))
