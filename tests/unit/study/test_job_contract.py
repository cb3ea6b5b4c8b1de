"""What a flow declares of its jobs is what a result is held to, by the version that was in force."""

from __future__ import annotations

import pytest

from extractor_flow.errors import ResultError
from extractor_flow.study.job_contract import ArtifactSpec, Detail, JobContract, MetricSpec

CONTRACT = JobContract(
    version=2,
    artifacts={
        "model": ArtifactSpec("model.zip", reproducible=True),
        "events": ArtifactSpec("tensorboard/*", small=True),
        "checkpoint_*": ArtifactSpec("checkpoints/step_*.zip", required=False, reproducible=True),
    },
    metrics={
        "reward": MetricSpec("Reward", described=True, compared=True),
        "success_rate": MetricSpec("Success", required=False),
        "entropy": MetricSpec("Entropy", since=2),
    },
    details={"curve": Detail(), "device": Detail(since=2)},
)
METRICS = {"reward": 1.0, "entropy": 0.5}
FILES = {"model": "model.zip", "events": "tensorboard/events.1", "checkpoint_64": "checkpoints/step_64.zip"}
DETAILS = {"curve": [], "device": "cpu"}


def members(metrics=METRICS, files=FILES, details=DETAILS, version=None):
    return [breach.member for breach in CONTRACT.breaches(metrics, files, details, version=version)]


def test_a_result_as_it_is_declared_is_accepted():
    CONTRACT.require(METRICS, FILES, DETAILS)

    assert members() == []


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"metrics": {"entropy": 0.5}}, "metrics.reward"),
        ({"metrics": {**METRICS, "luck": 1.0}}, "metrics.luck"),
        ({"details": {"curve": []}}, "details.device"),
        ({"details": {**DETAILS, "audited": True}}, "details.audited"),
        ({"files": {**FILES, "notes": "notes.txt"}}, "artifacts.notes"),
        ({"files": {"events": "tensorboard/events.1"}}, "artifacts.model"),
        ({"files": {**FILES, "model": "other.zip"}}, "artifacts.model"),
        ({"files": {**FILES, "events": "tensorboard/deep/events.1"}}, "artifacts.events"),
        ({"files": {**FILES, "checkpoint_64": "checkpoints/step_32.zip"}}, "artifacts.checkpoint_64"),
    ],
)
def test_what_is_missing_unknown_or_elsewhere_is_named(changes, member):
    assert members(**changes) == [member]


def test_an_older_run_does_not_miss_what_was_declared_later():
    older = {"metrics": {"reward": 1.0}, "details": {"curve": []}}

    assert (members(**older, version=1), members(**older)) == ([], ["metrics.entropy", "details.device"])


def test_a_refusal_says_what_was_found_and_what_is_declared():
    with pytest.raises(ResultError, match=r"metrics\.luck: .*declared are reward.*artifacts\.model: found other\.zip"):
        CONTRACT.require({**METRICS, "luck": 1.0}, {**FILES, "model": "other.zip"}, DETAILS)


def test_families_of_files_are_reproducible_as_a_whole():
    assert (CONTRACT.reproducible(FILES), CONTRACT.small(FILES)) == (("model", "checkpoint_64"), ("events",))


def test_the_metrics_to_describe_are_in_the_order_of_their_declaration():
    assert (CONTRACT.described, CONTRACT.paths) == (("reward",), {"model": "model.zip"})


def test_what_is_younger_than_a_version_is_named():
    assert (CONTRACT.younger_metrics(1), CONTRACT.younger_metrics(2)) == ({"entropy"}, frozenset())
