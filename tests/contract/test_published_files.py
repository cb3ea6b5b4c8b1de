"""Every file that a real run publishes keeps its contract, whatever became of the jobs."""

from __future__ import annotations

import pytest

from extractor_flow import layout
from extractor_flow.contracts import summary_schema, violations
from extractor_flow.files import parse_json, read_json

MODELS = {
    "success": [{"name": "a"}, {"name": "b", "degree": 2}],
    "mixed": [{"name": "a"}, {"name": "bad", "fault": "raise"}, {"name": "gone", "requires": ["telescope"]}],
    "nothing but failures": [{"name": "bad", "fault": "kill"}],
}


@pytest.mark.parametrize("models", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("seeds", [[3], [1, 2]], ids=["one seed", "two seeds"])
def test_every_published_file_keeps_its_contract(workbench, models, seeds):
    workbench.call("run", workbench.config(*models, seeds=seeds))

    run = workbench.latest()
    contracts = {
        layout.RUN: "run",
        layout.SUMMARY: summary_schema("model_results"),
        layout.MANIFEST: "training_manifest",
        layout.SKIPS: "skip_summary",
        layout.HISTORICAL: "complete_results",
    }
    found = {name: violations(read_json(run.path / name), schema) for name, schema in contracts.items()}
    journal = (run.path / layout.JOURNAL).read_text(encoding="utf-8").splitlines()
    records = [violations(parse_json(line, where="journal"), "job_record") for line in journal]
    assert (found, records) == ({name: [] for name in contracts}, [[] for _ in journal])


def test_reporting_again_writes_the_same_files(workbench):
    workbench.call("run", workbench.config({"name": "a"}, {"name": "bad", "fault": "raise"}))
    run = workbench.latest()
    before = {name: (run.path / name).read_bytes() for name in run.published()}
    for name in before:
        (run.path / name).unlink()

    answer = workbench.call("report", run.path)

    assert (answer.code, {name: (run.path / name).read_bytes() for name in run.published()}) == (0, before)
