"""This project's environment and extractor in a comparison of the harness's own, trained for real by the plugin."""

import pytest

pytest.importorskip("stable_baselines3", reason="needs the extra [train]")
pytestmark = pytest.mark.flow("configs/corridor.yaml")


def test_both_extractors_learn_to_walk_to_the_lamp(flow_summary):
    results = flow_summary["extractor_results"]

    rates = {result["config_name"]: result["metrics"]["best_success_rate"] for result in results}
    assert rates == {"flat": 1.0, "gradient": 1.0}


def test_every_claim_of_the_run_is_borne_out_by_its_files(flow_verdict):
    assert flow_verdict.violations == ()


def test_the_environment_keeps_gymnasiums_rules():
    from gymnasium.utils.env_checker import check_env

    from lantern_lab.corridor import make

    check_env(make(length=5), skip_render_check=True)
