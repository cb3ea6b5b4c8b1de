"""Folding records into a summary counts what happened and invents nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.study.codes import Code
from extractor_flow.study.flow import Comparison, Verdict
from extractor_flow.study.records import Failed, RunSummary
from extractor_flow.study.summary import RunIdentity, core_aggregates, failures_of, summarize
from support.render_samples import CPU, GPU, completed, failed, skipped

IDENTITY = RunIdentity(
    run_id="demo",
    flow="extractor_comparison",
    created_at="2026-11-21T10:15:00.000Z",
    output_root="tmp",
    run_directory="20261121-101500-demo",
    notes=("asked for",),
)
VERDICT = Verdict("undecided", "Nothing can be told apart.")
RECORDS = (completed(), completed("mlp_large", duration_seconds=0.1), failed(), skipped(), skipped("lstm_medium"))


def test_a_summary_is_its_identity_its_records_and_the_comparison():
    comparison = Comparison(
        aggregate_metrics={"best_mean_reward": 1.5}, statistics=({"n": 1},), notes=("concluded",), verdict=VERDICT
    )

    assert summarize(IDENTITY, [completed()], comparison, GPU) == RunSummary(
        run_id="demo",
        flow="extractor_comparison",
        created_at="2026-11-21T10:15:00.000Z",
        output_root="tmp",
        run_directory="20261121-101500-demo",
        hardware_overview=(CPU,),
        records=(completed(),),
        aggregate_metrics={
            "best_mean_reward": 1.5,
            "completed_runs": 1,
            "skipped_runs": 0,
            "failed_runs": 0,
            "total_wall_time": 60.25,
        },
        statistics=({"n": 1},),
        notes=("asked for", "concluded"),
        interrupted=False,
        verdict=VERDICT,
    )


def test_each_outcome_is_counted_and_the_measured_seconds_are_added_up():
    assert core_aggregates(RECORDS) == {
        "completed_runs": 2,
        "skipped_runs": 2,
        "failed_runs": 1,
        "total_wall_time": 120.6,
    }


@pytest.mark.parametrize("records", [[], [skipped()]])
def test_no_time_is_told_where_nothing_was_started(records):
    assert "total_wall_time" not in core_aggregates(records)


@given(st.permutations(RECORDS))
def test_the_order_of_the_jobs_changes_no_aggregate(records):
    assert core_aggregates(records) == core_aggregates(RECORDS)


def test_a_flow_cannot_overrule_the_counts():
    lie = Comparison(aggregate_metrics={"completed_runs": 7, "total_wall_time": 0.0})

    assert summarize(IDENTITY, RECORDS, lie, CPU).aggregate_metrics == core_aggregates(RECORDS)


def test_each_machine_is_listed_once_in_the_order_of_its_first_job():
    records = [completed(hardware=GPU), completed("mlp_large"), completed("lstm_small", hardware=replace(GPU))]

    assert summarize(IDENTITY, records, Comparison(), CPU).hardware_overview == (GPU, CPU)


def test_where_no_job_ever_started_the_overview_is_the_machine_here():
    assert summarize(IDENTITY, [skipped()], Comparison(), GPU).hardware_overview == (GPU,)


def test_a_comparison_adds_metrics_to_the_jobs_that_completed_and_to_no_other():
    added = Comparison(job_metrics={record.job_key: {"sample_efficiency_ratio": 1.0} for record in RECORDS})

    metrics = [getattr(record.outcome, "metrics", None) for record in summarize(IDENTITY, RECORDS, added, CPU).records]

    assert metrics == [
        {**RECORDS[0].outcome.metrics, "sample_efficiency_ratio": 1.0},
        {**RECORDS[1].outcome.metrics, "sample_efficiency_ratio": 1.0},
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("code", "interrupted"), [(Code.INTERRUPTED, True), (Code.NOT_STARTED, True), (Code.KILLED, False)]
)
def test_a_run_is_interrupted_when_one_of_its_jobs_was(code, interrupted):
    stopped = failed("lstm_medium")
    stopped = replace(stopped, outcome=Failed(code, "stopped", signal="SIGTERM"))

    assert summarize(IDENTITY, [completed(), stopped], Comparison(), CPU).interrupted is interrupted


def test_jobs_that_failed_alike_are_one_group_and_failures_come_first():
    records = [skipped(seed=1), failed(seed=1), failed("other", 1), failed(seed=2, reason="another"), completed()]

    assert [(group.status, group.code, group.reason, group.jobs) for group in failures_of(records)] == [
        ("failed", "raised", "ValueError: boom", ("lstm_small seed 1", "other seed 1")),
        ("failed", "raised", "another", ("lstm_small seed 2",)),
        ("skipped", "missing-capability", records[0].outcome.reason, ("attention_large seed 1",)),
    ]
