"""The flow of this project, checked by the harness's own suite and by a real run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.testing import check_flow, normalise_markdown
from harness.verify import verify

from lantern_lab.spirals import flow

CONFIG = Path(__file__).parents[1] / "configs" / "spirals.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One real run of the config, by the command."""
    root = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "harness.cli", "run", str(CONFIG), "--output-root", str(root)]
    subprocess.run(command, check=True, capture_output=True)
    return (root / "latest").resolve()


def test_the_flow_conforms(tmp_path):
    check_flow(flow, CONFIG, tmp_path, reproducible=["model"])


def test_every_claim_of_the_run_is_borne_out_by_its_files(run):
    verdict = verify(run)

    assert (verdict.violations, verdict.unchecked) == ((), ())


def test_an_accuracy_that_no_model_has_is_found_out(run):
    claimed = json.loads((run / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert claimed["metrics"]["accuracy"] < 1
    told = [run / "records.jsonl", run / "training_manifest.json", *run.glob("maps/raw/seed-0/result.json")]
    for path in told:
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace(f'"accuracy": {claimed["metrics"]["accuracy"]}', '"accuracy": 1.0'), encoding="utf-8"
        )

    assert "evidence" in {violation.kind for violation in verify(run).violations}


def test_waves_tell_the_spirals_apart(run):
    text = normalise_markdown((run / "summary.md").read_text(encoding="utf-8"))

    assert (
        text.count("| waves | 0 | success | single-thread | (seconds) | Accuracy on points not trained on: 1.000 |")
        == 1
    )
