"""A run resumed from any prefix of its journal, whatever else was lost, ends as one that was never disturbed."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from extractor_flow.executors.events import Finished, Stop
from extractor_flow.files import read_json
from extractor_flow.layout import JOURNAL, SUMMARY
from extractor_flow.request import ExecutorChoice, RunRequest
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.run.runner import run_flow

MODELS = ("line", "parabola", "cubic")
CONFIG = """\
flow: line_fit
run: {{output_root: {root}, steps: 2, run_id: resumed}}
models: [{{name: line}}, {{name: parabola, degree: 2}}, {{name: cubic, degree: 3}}]
"""
models = st.sampled_from(MODELS)


class Watcher:
    """Sees the jobs end, and asks to stop after *after* of them."""

    def __init__(self, stop, after):
        self.stop, self.left = stop, after

    def opened(self, run, jobs, kept):
        if self.left == 0:
            self.stop.request(signal.SIGINT)

    def happened(self, event):
        self.left -= isinstance(event, Finished)
        if self.left == 0:
            self.stop.request(signal.SIGINT)

    def closed(self):
        """Nothing to tear down."""


def go(request, *, after=-1):
    """Run the flow in this process; the report."""
    stop = Stop()
    return run_flow(replace(request, executor=ExecutorChoice("serial")), lambda words: Watcher(stop, after), stop)


def finished_run(place):
    """A run that nothing disturbed."""
    config = place / "study.yaml"
    config.write_text(CONFIG.format(root=place / "runs"), encoding="utf-8")
    return go(RunRequest(config)).run


def said(run):
    """Everything that a run's summary and its artifacts say, but for times and attempts."""
    summary = read_json(run.path / SUMMARY)
    results = [
        {key: result.get(key) for key in ("config_name", "status", "metrics", "artifacts", "training_steps", "reason")}
        for result in summary["model_results"]
    ]
    aggregates = {key: value for key, value in summary["aggregate_metrics"].items() if key != "total_wall_time"}
    weights = {name: (run.path / f"models/{name}/weights.json").read_bytes() for name in MODELS}
    details = [record.outcome.details for record in run.records()]
    return summary["interrupted"], results, aggregates, weights, details


class Resuming(RuleBasedStateMachine):
    """Loses parts of a finished run, in any order, with resumptions in between."""

    whole: RunDirectory

    def __init__(self):
        super().__init__()
        self.place = TemporaryDirectory()
        self.run = RunDirectory(Path(self.place.name) / "run")
        shutil.copytree(self.whole.path, self.run.path)

    def job(self, model):
        return self.run.path / "models" / model

    @rule(at=st.integers(0, 5000))
    def the_journal_is_cut_at_any_byte(self, at):
        journal = self.run.path / JOURNAL
        data = journal.read_bytes() if journal.exists() else b""
        journal.write_bytes(data[: at % (len(data) + 1)])

    @rule(torn=st.binary(min_size=1, max_size=8).map(lambda data: data.replace(b"\n", b"{")))
    def the_journal_ends_in_a_torn_line(self, torn):
        with (self.run.path / JOURNAL).open("ab") as journal:
            journal.write(torn)

    @rule(model=models)
    def an_artifact_is_lost(self, model):
        (self.job(model) / "weights.json").unlink(missing_ok=True)

    @rule(model=models, keep=st.integers(0, 20))
    def an_artifact_is_cut_short(self, model, keep):
        path = self.job(model) / "weights.json"
        if path.exists():
            path.write_bytes(path.read_bytes()[:keep])

    @rule(model=models)
    def a_result_is_lost(self, model):
        (self.job(model) / "result.json").unlink(missing_ok=True)

    @rule(model=models)
    def a_jobs_directory_is_lost(self, model):
        shutil.rmtree(self.job(model), ignore_errors=True)

    @rule(after=st.integers(0, 2))
    def the_run_is_resumed_and_interrupted_again(self, after):
        go(RunRequest(None, resume=self.run.path), after=after)

    @rule()
    def the_run_is_resumed(self):
        report = go(RunRequest(None, resume=self.run.path))

        assert (report.exit_code, said(self.run)) == (0, said(self.whole))

    def teardown(self):
        try:
            self.the_run_is_resumed()
        finally:
            self.place.cleanup()


class TestResuming(Resuming.TestCase):
    settings = settings(
        max_examples=6,
        stateful_step_count=8,
    )

    @classmethod
    def setUpClass(cls):
        cls.place = TemporaryDirectory()
        Resuming.whole = finished_run(Path(cls.place.name))

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()
