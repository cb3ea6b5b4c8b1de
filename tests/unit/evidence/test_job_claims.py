"""What a record claims is held against what a file gives, by the contract of the version that made the run."""

from __future__ import annotations

import pytest

from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.evidence.run_context import RunContext
from extractor_flow.study.records import Artifact, Completed, JobRecord

NEW = "entropy"


def claims(metrics: dict[str, float], younger: set[str]) -> JobClaims:
    artifacts = {"curve": Artifact("jobs/a/curve.json", "0" * 64, 2)}
    outcome = Completed(metrics={"reward": 1.0, **metrics}, artifacts=artifacts, training_steps=1)
    record = JobRecord("f", "a", 1, "k", "jobs/a", outcome, "2026-01-01T00:00:00Z", "single-thread")
    run = RunContext(files=None, records=(record,), settings={}, parameters={}, younger=frozenset(younger))
    return JobClaims(run, record, outcome)


@pytest.mark.parametrize(
    ("metrics", "younger", "accused"),
    [
        ({}, {NEW}, False),  # made before there was such a metric
        ({}, set(), True),
        ({NEW: 0.5}, {NEW}, False),
        ({NEW: 0.6}, {NEW}, True),  # whoever claims it all the same is held to it
    ],
)
def test_a_metric_that_is_younger_than_the_run_is_not_missed(metrics, younger, accused):
    found = list(claims(metrics, younger).metric(NEW, 0.5, "curve.json"))

    assert bool(found) == accused
