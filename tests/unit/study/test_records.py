"""Records: what cannot be written down, and what survives JSON."""

from __future__ import annotations

import pytest

from extractor_flow.errors import DataError
from extractor_flow.files import dumps, parse_json
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Artifact, Completed, Failed, HardwareProfile, JobRecord, Skipped

ARTIFACT = {"model": Artifact("models/a/model.zip", "0" * 64, 10)}
MACHINE = HardwareProfile("Linux-6", "x86_64", "3.11.7", 2, "NVIDIA H200", "13.0")


def record(outcome, **changes):
    facts = {
        "flow": "line_fit",
        "name": "a",
        "seed": 3,
        "job_key": "1" * 64,
        "directory": "models/a",
        "outcome": outcome,
        "start_time": "2026-11-21T10:00:00.000Z",
        "worker_mode": "single-thread",
    }
    return JobRecord(**{**facts, **changes})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), True])
def test_a_metric_that_is_no_finite_number_cannot_be_recorded(value):
    with pytest.raises(ValueError, match=r"not finite numbers: reward="):
        Completed({"steps": 1, "reward": value}, ARTIFACT, 5)


@pytest.mark.parametrize(
    ("metrics", "artifacts", "steps"), [({}, ARTIFACT, 1), ({"a": 1}, {}, 1), ({"a": 1}, ARTIFACT, 0)]
)
def test_a_success_that_did_nothing_cannot_be_recorded(metrics, artifacts, steps):
    with pytest.raises(ValueError, match="at least one training step"):
        Completed(metrics, artifacts, steps)


@pytest.mark.parametrize(("gpu", "cuda"), [("NVIDIA", None), (None, "12.4")])
def test_half_a_gpu_cannot_be_recorded(gpu, cuda):
    with pytest.raises(ValueError, match="both or neither"):
        HardwareProfile("Linux", "x86_64", "3.11.7", 2, gpu, cuda)


@pytest.mark.parametrize(
    "original",
    [
        record(
            Completed({"a": 0.1}, ARTIFACT, 5, {"curve": [1, 2]}), duration_seconds=1.5, hardware=MACHINE, attempt=2
        ),
        record(Skipped(Code.MISSING_CAPABILITY, "needs a GPU | `x`"), seed=None),
        record(Failed(Code.INTERRUPTED, "boom\n", ("line",), "SIGTERM"), end_time="2026-11-21T10:00:01.000Z"),
    ],
)
def test_a_record_survives_its_json(original):
    assert JobRecord.from_json(parse_json(dumps(original.to_json()), where="x")) == original


@pytest.mark.parametrize("status", ["success", "failed", "skipped", "great", None, []])
def test_a_record_without_what_its_status_needs_is_refused(status):
    data = {**record(Skipped(Code.DRY_RUN, "x")).to_json(), "status": status, "reason": None}
    del data["reason"]

    with pytest.raises(DataError, match="not a job record"):
        JobRecord.from_json(data)
