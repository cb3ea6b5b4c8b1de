"""The historical layout says what was measured under the names that older tools know."""

import json
from dataclasses import replace

from extractor_flow.contracts import violations
from extractor_flow.files import dumps
from extractor_flow.render.legacy_results import complete_results
from extractor_flow.study.records import Completed
from support.render_samples import completed, failed, mixed, skipped, summary

SETTINGS = {
    "run": {
        "worker_mode": "single-thread",
        "num_envs": 4,
        "total_timesteps": 4000,
        "n_eval_episodes": 3,
        "device": "cpu",
        "save_freq": None,
    },
    "extractors": [],
}


def test_the_historical_layout_of_a_run_with_one_job_of_each_kind():
    measured = {"best_mean_reward": 2.5, "final_mean_reward": 1.5, "total_parameters": 10, "trainable_parameters": 9}
    success = completed()
    success = replace(success, outcome=Completed(measured, success.outcome.artifacts, training_steps=4096))

    data = complete_results(summary(success, failed(), skipped(), notes=("slow",)), SETTINGS)

    assert data == {
        "comparison_metadata": {
            "run_dir": "tmp/multi_extractor_training/20261121-101500-demo",
            "run_id": "demo",
            "created_at": "2026-11-21T10:15:00.000Z",
            "worker_mode": "single-thread",
            "num_envs": 4,
            "total_timesteps_per_extractor": 4000,
            "n_eval_episodes": 3,
            "device": "cpu",
            "notes": ["slow"],
            "total_time": 60.25,
        },
        "results": {
            "mlp_small": {
                "completed": True,
                "status": "success",
                "extractor_dir": "extractors/mlp_small/seed-42",
                "training_time": 60.25,
                "total_timesteps": 4096,
                "best_reward": 2.5,
                "final_reward": 1.5,
                "last_mean_reward": 1.5,
                "total_parameters": 10,
                "trainable_parameters": 9,
                "artifacts": {"final_model": "extractors/mlp_small/seed-42/final_model.zip"},
            },
            "lstm_small": {
                "completed": False,
                "status": "failed",
                "extractor_dir": "extractors/lstm_small/seed-42",
                "training_time": 60.25,
                "code": "raised",
                "reason": "ValueError: boom",
            },
            "attention_large": {
                "completed": False,
                "status": "skipped",
                "extractor_dir": "extractors/attention_large/seed-42",
                "code": "missing-capability",
                "reason": "needs CUDA; run it on a machine with a GPU",
            },
        },
    }


def test_a_time_that_nobody_measured_is_absent():
    data = complete_results(summary(skipped(), aggregate_metrics={}), {})

    assert data["comparison_metadata"].keys() == {"run_dir", "run_id", "created_at", "notes"}


def test_several_seeds_of_a_name_are_told_apart():
    results = complete_results(summary(completed(seed=1), completed(seed=2)), SETTINGS)["results"]

    assert list(results) == ["mlp_small seed 1", "mlp_small seed 2"]


def test_names_that_look_like_seeds_lose_no_job():
    twins = summary(completed(seed=1), completed(seed=2), completed("mlp_small seed 1", None))

    assert list(complete_results(twins, SETTINGS)["results"]) == [record.directory for record in twins.records]


def test_the_historical_layout_satisfies_its_contract():
    data = json.loads(dumps(complete_results(mixed(), SETTINGS)))

    assert violations(data, "complete_results") == []


def test_the_best_reward_is_set_against_that_of_the_baseline_with_the_same_seed():
    def trained(name, seed, reward):
        record = completed(name, seed)
        return replace(record, outcome=Completed({"best_mean_reward": reward}, record.outcome.artifacts, 1))

    jobs = trained("base", 1, 2.0), trained("other", 1, 5.0), trained("other", 2, 9.0)
    results = complete_results(summary(*jobs), {"run": {"baseline_extractor": "base"}})["results"]

    assert {name: each.get("delta_best_reward_vs_baseline") for name, each in results.items()} == {
        "base seed 1": 0.0,
        "other seed 1": 3.0,
        "other seed 2": None,
    }
