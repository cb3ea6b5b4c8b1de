"""What summary.md looks like, in files that a person can open: a change of the layout is seen before it is out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from extractor_flow.layout import MARKDOWN
from extractor_flow.render.markdown import render
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Failed
from extractor_flow.study.summary import core_aggregates
from extractor_flow.testing import normalise_markdown
from support.render_samples import (
    GPU,
    HOSTILE,
    WORDS,
    artifacts,
    completed,
    failed,
    record,
    skipped,
    statistics_entry,
    summary,
)

BEFORE_IT_STARTED = Failed(
    Code.NOT_STARTED, "the run ended before the job started; resume the run to train it", signal="SIGINT"
)
SEEDS = (-1.5, 0.25, 2.0, 2.125, 3.5)


class MarkdownFile(SingleFileSnapshotExtension):
    """One ``.md`` file a snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(MarkdownFile)


def run_of(*records, aggregates=(), **changes):
    """A run of *records*, counted as they are."""
    return summary(*records, aggregate_metrics={**dict(aggregates), **core_aggregates(records)}, **changes)


def many_seeds():
    names = {"mlp_small": 0.0, "lightweight_cnn": 1.0}
    records = [
        completed(name, seed, reward + shift) for name, shift in names.items() for seed, reward in enumerate(SEEDS)
    ]
    baseline = {"probability_of_improvement": 0.64, "baseline": "mlp_small"}
    entries = (
        statistics_entry("mlp_small", SEEDS),
        statistics_entry("lightweight_cnn", tuple(reward + 1.0 for reward in SEEDS), **baseline),
    )
    return run_of(*records, aggregates={"best_mean_reward": 4.5}, statistics=entries)


def hostile_text():
    """Every hostile text as a name, a reason, a note, an artifact and a metric; the names' directories are harmless."""
    told = [replace(record(Failed(Code.RAISED, text), f"job-{n}", None), name=text) for n, text in enumerate(HOSTILE)]
    measured = Completed({"best_mean_reward": 1.0}, dict.fromkeys(HOSTILE, artifacts("extractors/x")["final_model"]), 1)
    machine = (replace(GPU, platform=HOSTILE[0], gpu_model=HOSTILE[3], cuda_version=HOSTILE[4]),)
    return run_of(
        record(measured, "x", None),
        *told,
        aggregates=dict.fromkeys(HOSTILE, 1.0),
        run_id=HOSTILE[3],
        output_root=HOSTILE[0],
        notes=HOSTILE,
        hardware_overview=machine,
    )


RUNS = {
    "success": run_of(completed(), aggregates={"best_mean_reward": -1.255}),
    "failed": run_of(
        failed(), failed("mlp_large", reason="ran longer than its time limit of 60 s", code=Code.TIME_LIMIT)
    ),
    "skipped": run_of(skipped(), skipped("lstm_small", reason="dry run: nothing was trained", code=Code.DRY_RUN)),
    "mixed": run_of(
        completed(seed=1, reward=-1.5),
        completed(seed=2, reward=0.25, attempt=2),
        failed(seed=1),
        skipped(seed=1),
        aggregates={"best_mean_reward": 0.25, "unheard_of": 1.005},
        statistics=(statistics_entry(values=(-1.5, 0.25)),),
        notes=("a first look",),
    ),
    "interrupted": run_of(
        completed(),
        record(Failed(Code.INTERRUPTED, "interrupted by SIGINT", ("step 12",), "SIGINT"), "lstm_small"),
        record(BEFORE_IT_STARTED, "mlp_large", end_time=None, duration_seconds=None, hardware=None),
        interrupted=True,
    ),
    "many_seeds": many_seeds(),
    "gpu": run_of(completed(hardware=GPU), hardware_overview=(GPU,)),
    "hostile_text": hostile_text(),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_reads_like_this(name, golden):
    assert render(RUNS[name], WORDS) == golden


def test_a_real_run_reads_like_this_once_its_machine_and_its_times_are_masked(workbench, golden):
    models = [{"name": "line"}, {"name": "parabola", "degree": 2}, {"name": "a | b", "fault": "raise"}]
    workbench.call("run", workbench.config(*models, seeds=[0, 1], steps=20))

    text = (workbench.latest().path / MARKDOWN).read_text(encoding="utf-8")

    assert normalise_markdown(text) == golden
