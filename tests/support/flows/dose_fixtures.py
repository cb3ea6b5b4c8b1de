"""One tiny run of the study for all tests that only look at it; their folders' conftest.py takes what it needs."""

from __future__ import annotations

import shutil

import pytest

from extractor_flow.run.rundir import RunDirectory
from support.published import DOSES


@pytest.fixture(scope="session")
def finished(shared_run):
    """The run of the tiny study; never to be changed."""
    return RunDirectory.open(shared_run(DOSES))


@pytest.fixture(scope="session")
def studied(shared_run):
    """Some cells of the study, by its own command: what that said, and its run; never to be changed."""
    answer, path = shared_run.some_cells()
    return answer, RunDirectory.open(path)


@pytest.fixture
def some_cells(studied, tmp_path):
    """A copy of a run of a trained and a skipped cell, to be changed; it costs less to verify than the whole."""
    _, original = studied
    return shutil.copytree(original.path, tmp_path / original.path.name)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of that run, under the same name, to be changed."""
    return shutil.copytree(finished.path, tmp_path / finished.path.name)
