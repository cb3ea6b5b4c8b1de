"""The layout that older tools read (``complete_results.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.study.records import Completed, Failed, JobRecord, RunSummary, Skipped, why_not

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json

_SETTINGS = {
    "worker_mode": "worker_mode",
    "num_envs": "num_envs",
    "total_timesteps_per_extractor": "total_timesteps",
    "n_eval_episodes": "n_eval_episodes",
    "device": "device",
}
_METRICS = {
    "best_reward": "best_mean_reward",
    "final_reward": "final_mean_reward",
    "last_mean_reward": "final_mean_reward",
    "total_parameters": "total_parameters",
    "trainable_parameters": "trainable_parameters",
}


def complete_results(summary: RunSummary, settings: Mapping[str, Any]) -> dict[str, Json]:
    """*summary* in the historical layout; *settings* are the resolved ones, of which the ``run`` section is told.

    Results are found by name; where a name has several jobs, by ``<name> seed <n>``; where that is not unique either,
    by directory. A time is the sum of what was measured. What was not measured has no key.
    """
    keys = _result_keys(summary)
    deltas = _deltas(summary, settings)
    results: dict[str, Json] = {
        key: _result(record, deltas.get(record.job_key)) for key, record in zip(keys, summary.records, strict=True)
    }
    return {"comparison_metadata": _metadata(summary, settings), "results": results}


def _metadata(summary: RunSummary, settings: Mapping[str, Any]) -> dict[str, Json]:
    section = settings.get("run")
    run = section if isinstance(section, dict) else {}
    optional: dict[str, Json] = {
        **{key: run.get(setting) for key, setting in _SETTINGS.items()},
        "total_time": summary.aggregate_metrics.get("total_wall_time"),
    }
    return {
        "run_dir": f"{summary.output_root}/{summary.run_directory}",
        "run_id": summary.run_id,
        "created_at": summary.created_at,
        "notes": list(summary.notes),
        **_there(optional),
    }


def _result_keys(summary: RunSummary) -> list[str]:
    candidates = (
        [record.name for record in summary.records],
        [record.label for record in summary.records],
        [record.directory for record in summary.records],
    )
    return next((keys for keys in candidates if len(set(keys)) == len(keys)), candidates[-1])


def _deltas(summary: RunSummary, settings: Mapping[str, Any]) -> dict[str, float]:
    """How much better the best reward of each job is than the baseline's of the same seed, by job key."""
    section = settings.get("run")
    baseline: str = (section.get("baseline_extractor") or "") if isinstance(section, dict) else ""
    best = {
        (record.name, record.seed): record.outcome.metrics[_METRICS["best_reward"]]
        for record in summary.records
        if isinstance(record.outcome, Completed) and _METRICS["best_reward"] in record.outcome.metrics
    }
    stated: dict[str, str] = {
        entry["config_name"]: entry["baseline"] for entry in summary.statistics if "baseline" in entry
    }
    of_each = {each: each for each in stated.values()} | stated  # several environments have a baseline each
    pairs = {
        record.job_key: (record.seed, record.name, of_each.get(record.name, baseline)) for record in summary.records
    }
    return {
        key: best[name, seed] - best[against, seed]
        for key, (seed, name, against) in pairs.items()
        if {(name, seed), (against, seed)} <= best.keys()
    }


def _result(record: JobRecord, delta: float | None) -> dict[str, Json]:
    result: dict[str, Json] = {
        "completed": isinstance(record.outcome, Completed),
        "status": record.status,
        "extractor_dir": record.directory,
        **_there({"training_time": record.duration_seconds, "delta_best_reward_vs_baseline": delta}),
    }
    match record.outcome:
        case Completed(metrics=metrics, artifacts=artifacts, training_steps=steps):
            rewards: dict[str, Json] = {key: metrics.get(metric) for key, metric in _METRICS.items()}
            paths: dict[str, Json] = {name: artifact.path for name, artifact in artifacts.items()}
            return {**result, "total_timesteps": steps, "artifacts": paths, **_there(rewards)}
        case Skipped() | Failed():
            return {**result, **why_not(record.outcome)}


def _there(members: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in members.items() if value is not None}
