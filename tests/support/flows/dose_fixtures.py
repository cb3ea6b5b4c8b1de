"""One tiny run of the study for all tests that only look at it; their folders' conftest.py takes what it needs."""

from __future__ import annotations

import shutil

import pytest

from extractor_flow.run.rundir import RunDirectory
from support.flows.dose_study import DENSE_NAME
from support.lies.dose_tampering import NO_BASELINE
from support.published import DOSES, ONE_DOSE


@pytest.fixture(scope="session")
def finished(shared_run):
    """The run of the tiny study; never to be changed."""
    return RunDirectory.open(shared_run(DOSES))


@pytest.fixture(scope="session")
def studied(shared_run):
    """The dense cell once more, by the command ``study``: how that ended, and its run; never to be changed."""
    words = (DOSES, "--only", DENSE_NAME)
    command = ("dose-overlap", "study")
    return shared_run.execution(*words, command=command), RunDirectory.open(shared_run(*words, command=command))


@pytest.fixture
def some_cells(shared_run, tmp_path):
    """A copy of a run of a trained and a skipped cell, to be changed; it costs less to verify than the whole."""
    original = shared_run(ONE_DOSE, *NO_BASELINE)
    return shutil.copytree(original, tmp_path / original.name)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of that run, under the same name, to be changed."""
    return shutil.copytree(finished.path, tmp_path / finished.path.name)
