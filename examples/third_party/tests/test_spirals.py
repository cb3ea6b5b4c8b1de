"""The flow of this project, checked by the harness's own suite and by a real run, which the plugin trains once."""

import json
import shutil
from pathlib import Path

import pytest
from extractor_flow.testing import check_flow
from extractor_flow.verify import verify

from lantern_lab.spirals import flow

CONFIG = Path(__file__).parents[1] / "configs" / "spirals.yaml"
pytestmark = pytest.mark.flow("configs/spirals.yaml")


def test_the_flow_conforms(tmp_path):
    check_flow(flow, CONFIG, tmp_path)


def test_every_claim_of_the_run_is_borne_out_by_its_files(flow_verdict):
    assert (flow_verdict.violations, flow_verdict.unchecked) == ((), ())


def test_an_accuracy_that_no_model_has_is_found_out(flow_run, tmp_path):
    told = shutil.copytree(flow_run, tmp_path / flow_run.name)
    measured = json.loads((told / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])["metrics"]["accuracy"]
    for path in (told / "records.jsonl", told / "training_manifest.json", *told.glob("maps/raw/seed-*/result.json")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'"accuracy": {measured}', '"accuracy": 1.0'), encoding="utf-8")

    found = [violation for violation in verify(told).violations if violation.check == "spirals-accuracy"]

    assert [(each.claim, each.found.endswith(f"gives {measured}")) for each in found] == [("1.0", True)]


def test_waves_tell_the_spirals_apart(flow_markdown):
    row = "| waves | 0 | success | single-thread | (seconds) | Accuracy on points not trained on: 1.000 | 300 steps |"
    assert row in flow_markdown.splitlines()
