"""A study of several environments goes the whole way: rehearsed, resumed, verified, archived, compared."""

from __future__ import annotations

import json

import pytest

from extractor_flow.cli import main
from extractor_flow.verify import verify
from support.published import publish_run

CORRIDOR = "support.flows.corridor:make_corridor"
CONFIG = {
    "run": {
        "total_timesteps": 64,
        "eval_freq": 32,
        "n_eval_episodes": 2,
        "final_eval_episodes": 2,
        "seeds": [1, 2],
        "baseline_extractor": "flat",
    },
    "envs": [
        {"name": "near", "factory": CORRIDOR, "kwargs": {"length": 3}, "score_range": [-2, 10]},
        {"name": "far", "factory": CORRIDOR, "eval_env": {"kwargs": {"limit": 9}}},
    ],
    "algorithm": {"n_steps": 32, "batch_size": 32, "n_epochs": 1},
    "extractors": [
        {"name": "flat", "class": "support.flows.corridor:Flat"},
        {"name": "mlp", "preset": "mlp_small"},
    ],
}

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A rehearsal that was resumed: the jobs of one environment first, then all."""
    made = publish_run(tmp_path_factory.mktemp("several"), CONFIG, "--dry-run")
    assert main(["run", "--resume", str(made), "--executor", "serial", "--quiet"]) == 0
    return made


def test_every_view_tells_the_environments_apart(run):
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))

    assert verify(run, deep=True).violations == ()
    assert sorted(path.name for path in (run / "figures").iterdir() if "learning" in path.name) == [
        "learning_curves-far.png",
        "learning_curves-near.png",
    ]
    assert set(summary["verdict"]["parts"]) == {"near", "far"}
    assert summary["notes"][0].startswith("far: every evaluation took place in eval_env")
    older = json.loads((run / "complete_results.json").read_text(encoding="utf-8"))["results"]
    assert {older[f"{env}/flat seed 1"]["delta_best_reward_vs_baseline"] for env in ("near", "far")} == {0.0}
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Over all environments" in page
    assert "near: Held-out mean reward" in page
    assert "| mlp | Normalised score over the environments | 4 |" in (run / "summary.md").read_text(encoding="utf-8")


def test_a_number_over_all_environments_that_was_changed_is_found(run, tmp_path, capsys):
    assert main(["archive", str(run), str(tmp_path / "copy")]) == 0
    path = tmp_path / "copy" / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    entry = next(each for each in summary["statistics"] if "environments" in each)
    entry["centre"] += 0.5
    path.write_text(json.dumps(summary), encoding="utf-8")

    assert main(["verify", str(tmp_path / "copy"), "--archived"]) == 1
    assert f"$.statistics[{summary['statistics'].index(entry)}].centre" in capsys.readouterr().out


def test_jobs_are_chosen_and_compared_by_both_names(run, tmp_path, capsys):
    chosen = publish_run(tmp_path, CONFIG, "--only", "far/*", "--dry-run")
    capsys.readouterr()

    assert main(["compare", str(run), str(run), str(chosen)]) == 0
    told = capsys.readouterr().out
    assert "jobs: 8 equal" in told
    assert "far/mlp, held_out_mean_reward: equal on all 2 seeds" in told
    assert "jobs: 4 incomplete, 4 missing" in told
