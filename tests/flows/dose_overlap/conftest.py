"""One tiny run of the study for all tests of this folder that only look at it."""

from __future__ import annotations

import shutil

import pytest

from support.flows.dose_study import DENSE_NAME, run, study


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The answer of the command and the run that it left; never to be changed."""
    return run(tmp_path_factory.mktemp("dose_overlap"))


@pytest.fixture(scope="session")
def studied(tmp_path_factory):
    """The dense cell once more, by the command ``study``: its answer and its run; never to be changed."""
    return study(tmp_path_factory.mktemp("studied"), "--only", DENSE_NAME)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of that run, under the same name, to be changed."""
    _, original = finished
    path = tmp_path / original.path.name
    shutil.copytree(original.path, path)
    return path
