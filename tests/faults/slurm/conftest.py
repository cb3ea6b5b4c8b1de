"""A private Slurm for the tests of this folder, and a workbench that submits to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from extractor_flow.files import read_json
from extractor_flow.run.rundir import RunDirectory
from support.private_slurm import PrivateSlurm, missing, private_slurm
from support.workbench import Workbench

if TYPE_CHECKING:
    from pathlib import Path

    from extractor_flow.study.records import JobRecord


@dataclass(frozen=True)
class ClusterBench:
    """Submits studies to a Slurm of our own, and waits for what becomes of them."""

    cluster: PrivateSlurm
    workbench: Workbench

    @property
    def gate(self) -> Path:
        """The file for which the model :attr:`stuck` waits."""
        return self.workbench.path / "gate"

    @property
    def stuck(self) -> dict[str, str]:
        """A model that stands still until the gate is there."""
        return {"name": "stuck", "fault": "wait", "until": str(self.gate)}

    def submit(self, *models, settings=()) -> RunDirectory:
        """The run of a study of *models*, left to Slurm; *settings* are ``KEY=VALUE``."""
        options = [word for setting in settings for word in ("--executor-option", setting)]
        answer = self.workbench.call("run", self.workbench.config(*models), "--executor", "slurm", *options)
        assert answer.code == 0, answer
        return self.workbench.latest()

    def resubmit(self, run: RunDirectory) -> str:
        """What is said when *run* is submitted once more."""
        return self.workbench.call("run", "--resume", run.path, "--executor", "slurm").out

    def published(self, run: RunDirectory) -> dict[str, JobRecord]:
        """The record of each job, by name, once *run* is published."""
        self.cluster.wait_until(run.is_published)
        return {record.name: record for record in run.records()}

    def begun(self, run: RunDirectory, attempt: int = 1) -> dict:
        """The note of an attempt at the model that stands still, once it has begun."""
        path = run.path / "models/stuck" / f"attempt-{attempt}.json"
        self.cluster.wait_until(path.exists)
        return read_json(path)

    def follow(self):
        """A process that has submitted the model that stands still, and stays; and its run."""
        process = self.workbench.start("run", self.workbench.config(self.stuck), "--executor", "slurm", "--wait")
        told = process.stdout.readline()
        run = RunDirectory.open(told.removeprefix("run directory: ").strip())
        self.begun(run)
        return process, run


@pytest.fixture(scope="session")
def own_cluster(tmp_path_factory):
    """One for all tests of a worker: a node or a controller that is killed is started again by whoever killed it."""
    if why := missing():
        pytest.skip(why)
    with private_slurm(tmp_path_factory.mktemp("slurm"), largest_array=3) as cluster:
        yield cluster


@pytest.fixture
def bench(own_cluster, workbench, monkeypatch):
    """On a cluster that every command finds, with an empty queue before and after."""
    for name, value in own_cluster.environment.items():
        monkeypatch.setenv(name, value)
    yield ClusterBench(own_cluster, workbench)
    own_cluster.ask("scancel", f"--user={os.getuid()}")
    own_cluster.wait_until(lambda: not own_cluster.queue())
