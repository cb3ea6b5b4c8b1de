"""A run that is killed at any of its operations on files loses nothing, and ends as one that nothing disturbed.

The command runs in a fork and is killed at the n-th time that it opens a file for writing, renames, makes or removes
one: the moments between which a disk can be left. `make faults` takes every n, `make test` a few.
"""

from __future__ import annotations

import random

import pytest

from extractor_flow.files import read_json
from extractor_flow.layout import SUMMARY, UNPUBLISHED
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from support.crashing import crashed

MODELS = ({"name": "a"}, {"name": "b", "degree": 2}, {"name": "bad", "fault": "raise"})
FEW = 6
SEED = 20261121


def said(run):
    """What a run's summary says but for times and attempts, and what its jobs left."""
    summary = read_json(run.path / SUMMARY)
    keys = ("config_name", "status", "code", "metrics", "artifacts", "training_steps", "reason")
    results = [{key: result.get(key) for key in keys} for result in summary["model_results"]]
    aggregates = {key: value for key, value in summary["aggregate_metrics"].items() if key != "total_wall_time"}
    weights = {path.parent.name: path.read_bytes() for path in run.path.rglob("weights.json")}
    return summary["interrupted"], results, aggregates, weights


def run_in(root):
    """The run below *root* that got as far as its request; ``None`` before."""
    found = [path for path in sorted(root.glob("*/run.json")) if not path.parent.is_symlink()]
    return RunDirectory(found[0].parent) if found else None


class Moments:
    """The operations of one undisturbed run, and what came of it."""

    def __init__(self, workbench):
        self.workbench = workbench
        self.config = workbench.config(*MODELS)
        root = workbench.path / "whole"
        _, self.operations = crashed(root, 0, *self.words(root))
        self.whole = said(run_in(root))

    def words(self, root):
        return ("run", self.config, "--output-root", root, "--executor", "serial")

    def disturb(self, at):
        """Kill the run at the operation *at*, and resume it; what is wrong then."""
        root = self.workbench.path / f"at-{at}"
        code, _ = crashed(root, at, *self.words(root))
        run = run_in(root)
        if run is None:
            return [] if code == -9 else [(at, code, "no run")]
        before = [record for record in run.journal() if record.status == "success"]
        finished = {path: path.stat().st_ino for path in run.path.glob("models/*/result.json")}
        kept = {record.directory for record in before}
        crashed(root, 0, "run", "--resume", run.path, "--executor", "serial")
        lost = [record for record in before if record not in run.journal()]
        trained = [p for p, inode in finished.items() if f"models/{p.parent.name}" in kept and p.stat().st_ino != inode]
        halves = [path.name for path in run.path.rglob("*.tmp")]
        wrong = (lost, trained, halves, said(run) == self.whole, (run.path / UNPUBLISHED).exists())
        problems = [] if wrong == ([], [], [], True, False) else [(at, code, wrong)]
        return problems + [(at, each) for each in verify(run.path).violations]


@pytest.fixture
def moments(workbench):
    return Moments(workbench)


def test_a_run_killed_at_any_of_a_few_operations_loses_nothing(moments):
    chosen = random.Random(SEED).sample(range(1, moments.operations + 1), FEW)

    problems = [problem for at in sorted(chosen) for problem in moments.disturb(at)]

    assert (problems, moments.operations > 50) == ([], True)


@pytest.mark.faults
def test_a_run_killed_at_every_operation_loses_nothing(moments, told):
    problems = [problem for at in range(1, moments.operations + 1) for problem in moments.disturb(at)]

    told("SIGKILL of a run at each of its operations on files", moments.operations, problems)
    assert problems == []
