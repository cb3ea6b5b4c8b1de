"""The summary as JSON: the face of a run that programs read (``summary.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.study.records import SCHEMA_VERSION, Completed, Failed, JobRecord, RunSummary, Skipped, why_not
from extractor_flow.study.summary import failures_of, next_commands

if TYPE_CHECKING:
    from extractor_flow.files import Json
    from extractor_flow.study.flow import ReportSpec


def to_json(summary: RunSummary, vocabulary: ReportSpec) -> dict[str, Json]:
    """*summary* as a JSON object under the contract that *vocabulary* names; what does not exist has no key."""
    optional: dict[str, Json] = {
        "failures": [group.to_json() for group in failures_of(summary.records)],
        "next": list(next_commands(summary.records)),
        "notes": list(summary.notes),
        "provenance": dict(summary.provenance),
        "statistics": [dict(entry) for entry in summary.statistics],
        "verdict": None if summary.verdict is None else summary.verdict.to_json(),
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "flow": summary.flow,
        "run_id": summary.run_id,
        "created_at": summary.created_at,
        "output_root": summary.output_root,
        "run_directory": summary.run_directory,
        "interrupted": summary.interrupted,
        "hardware_overview": [profile.to_json() for profile in summary.hardware_overview],
        vocabulary.results_key: [result_of(record) for record in summary.records],
        "aggregate_metrics": dict(summary.aggregate_metrics),
        **{key: value for key, value in optional.items() if value},
    }


def result_of(record: JobRecord) -> dict[str, Json]:
    """One job's entry in the results: times and place, and what it measured or why it measured nothing."""
    optional: dict[str, Json] = {
        "seed": record.seed,
        "end_time": record.end_time,
        "duration_seconds": record.duration_seconds,
        "hardware_profile": None if record.hardware is None else record.hardware.to_json(),
    }
    return {
        "config_name": record.name,
        "status": record.status,
        "start_time": record.start_time,
        "worker_mode": record.worker_mode,
        "job_key": record.job_key,
        "directory": record.directory,
        "attempt": record.attempt,
        **{key: value for key, value in optional.items() if value is not None},
        **_measured(record),
    }


def _measured(record: JobRecord) -> dict[str, Json]:
    match record.outcome:
        case Completed(metrics=metrics, artifacts=artifacts, training_steps=steps):
            return {
                "metrics": dict(metrics),
                "artifacts": {name: artifact.path for name, artifact in artifacts.items()},
                "training_steps": steps,
            }
        case Skipped() | Failed():
            return why_not(record.outcome)
