"""One published run of the line_fit flow, made as a user makes it, and copies of it to tamper with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.lies.tampering import Tampering
from support.workbench import Workbench


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    """A run of two seeds of two models, one of which fails; never written to."""
    workbench = Workbench(tmp_path_factory.mktemp("published"))
    config = workbench.config({"name": "a"}, {"name": "bad", "fault": "raise"}, seeds=[0, 1])
    workbench.run("run", config, "--jobs", "1")
    return workbench.latest().path


@pytest.fixture
def run(published, tmp_path) -> Tampering:
    """A copy of the published run, which may be changed."""
    return Tampering(Path(shutil.copytree(published, tmp_path / "copy")))
