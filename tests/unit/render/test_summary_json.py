"""The summary as JSON holds what was measured, and nothing else."""

import json
from dataclasses import replace

from extractor_flow.contracts import summary_schema, violations
from extractor_flow.files import dumps
from extractor_flow.render.summary_json import result_of, to_json
from extractor_flow.study.flow import Verdict
from support.render_samples import CPU, WORDS, completed, failed, mixed, skipped, statistics_entry, summary

HARDWARE = {"platform": "Linux-6.1", "arch": "x86_64", "python_version": "3.11.4", "workers": 2}


def test_a_summary_names_the_run_its_machines_its_results_and_its_aggregates():
    assert to_json(summary(completed()), WORDS) == {
        "schema_version": 1,
        "flow": "extractor_comparison",
        "run_id": "demo",
        "created_at": "2026-11-21T10:15:00.000Z",
        "output_root": "tmp/multi_extractor_training",
        "run_directory": "20261121-101500-demo",
        "interrupted": False,
        "hardware_overview": [HARDWARE],
        "extractor_results": [result_of(completed())],
        "aggregate_metrics": {"completed_runs": 1, "skipped_runs": 0, "failed_runs": 0, "total_wall_time": 60.25},
        "next": ["extractor-flow verify RUN_DIR", "extractor-flow report --open RUN_DIR"],
    }


def test_notes_statistics_and_the_verdict_are_there_when_there_are_any():
    verdict = Verdict("winner", "mlp_small is better.", winner="mlp_small", limits=("one environment",))
    told = summary(completed(), notes=("slow",), statistics=(statistics_entry(),), verdict=verdict)
    data = to_json(told, WORDS)

    assert {key: data[key] for key in ("notes", "statistics", "verdict")} == {
        "notes": ["slow"],
        "statistics": [statistics_entry()],
        "verdict": {
            "code": "winner",
            "sentence": "mlp_small is better.",
            "winner": "mlp_small",
            "details": [],
            "limits": ["one environment"],
        },
    }


def test_a_success_has_metrics_artifacts_and_the_steps_done():
    assert result_of(completed()) == {
        "config_name": "mlp_small",
        "seed": 42,
        "status": "success",
        "start_time": "2026-11-21T10:15:00.250Z",
        "end_time": "2026-11-21T10:16:00.500Z",
        "duration_seconds": 60.25,
        "worker_mode": "single-thread",
        "hardware_profile": CPU.to_json(),
        "training_steps": 4096,
        "metrics": {"best_mean_reward": -1.255, "total_parameters": 54760},
        "artifacts": {"final_model": "extractors/mlp_small/seed-42/final_model.zip"},
        "job_key": completed().job_key,
        "directory": "extractors/mlp_small/seed-42",
        "attempt": 1,
    }


def test_a_skip_has_a_reason_and_nothing_that_a_started_job_has():
    assert result_of(skipped(seed=None)) == {
        "config_name": "attention_large",
        "status": "skipped",
        "start_time": "2026-11-21T10:15:00.250Z",
        "worker_mode": "single-thread",
        "code": "missing-capability",
        "reason": "needs CUDA; run it on a machine with a GPU",
        "job_key": skipped(seed=None).job_key,
        "directory": "extractors/attention_large",
        "attempt": 1,
    }


def test_a_failure_has_its_times_and_its_reason_but_no_metrics():
    assert set(result_of(failed())) - set(result_of(skipped())) == {"end_time", "duration_seconds", "hardware_profile"}


def test_what_is_rendered_satisfies_its_contract():
    data = json.loads(dumps(to_json(mixed(), WORDS)))

    assert violations(data, "training_summary") == []


def test_another_flows_results_stand_under_its_own_key_and_satisfy_the_contract_for_it():
    data = json.loads(dumps(to_json(mixed(), replace(WORDS, results_key="view_results"))))

    assert violations(data, summary_schema("view_results")) == []
    assert violations(data, "training_summary") != []
