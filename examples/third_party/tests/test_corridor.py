"""This project's environment and extractor in a comparison of the harness's own, trained for real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from extractor_flow.verify import verify

pytest.importorskip("stable_baselines3", reason="needs the extra [train]")

CONFIG = Path(__file__).parents[1] / "configs" / "corridor.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One real run of the config, by the command."""
    root = tmp_path_factory.mktemp("runs")
    command = [
        sys.executable,
        "-m",
        "extractor_flow.cli",
        "run",
        str(CONFIG),
        "--output-root",
        str(root),
        "--jobs",
        "1",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return (root / "latest").resolve()


def test_both_extractors_learn_to_walk_to_the_lamp(run):
    results = json.loads((run / "summary.json").read_text(encoding="utf-8"))["extractor_results"]

    rates = {result["config_name"]: result["metrics"]["best_success_rate"] for result in results}
    assert rates == {"flat": 1.0, "gradient": 1.0}


def test_every_claim_of_the_run_is_borne_out_by_its_files(run):
    assert verify(run).violations == ()


def test_the_environment_keeps_gymnasiums_rules():
    from gymnasium.utils.env_checker import check_env

    from lantern_lab.corridor import make

    check_env(make(length=5), skip_render_check=True)
