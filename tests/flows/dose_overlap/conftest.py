"""One tiny run of the study for all tests of this folder that only look at it."""

from __future__ import annotations

import shutil

import pytest

from extractor_flow.run.rundir import RunDirectory
from support.flows.dose_study import DENSE_NAME, study
from support.published import DOSES


@pytest.fixture(scope="session")
def finished(shared_run):
    """The run of the tiny study; never to be changed."""
    return RunDirectory.open(shared_run(DOSES))


@pytest.fixture(scope="session")
def studied(tmp_path_factory):
    """The dense cell once more, by the command ``study``: its answer and its run; never to be changed."""
    return study(tmp_path_factory.mktemp("studied"), "--only", DENSE_NAME)


@pytest.fixture
def copied_dense(shared_run, tmp_path):
    """A copy of a run of the dense cells only, to be changed: a deep look recomputes every cell there is."""
    original = shared_run(DOSES, "--only", "dense*")
    return shutil.copytree(original, tmp_path / original.name)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of that run, under the same name, to be changed."""
    return shutil.copytree(finished.path, tmp_path / finished.path.name)
