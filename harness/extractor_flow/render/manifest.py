"""The manifest (what was asked, what every job left, with digests) and the summary of the skips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.layout import SKIPS
from extractor_flow.study.records import SCHEMA_VERSION, RunSummary, Skipped, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor_flow.files import Json


def training_manifest(summary: RunSummary, *, selection: Sequence[str], dry_run: bool) -> dict[str, Json]:
    """Every record of *summary* with its artifacts' digests and sizes, and the skips once more.

    *selection* holds the name patterns that narrowed the study. A comparison's working data (``details``) stay in the
    journal.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": summary.run_id,
        "created_at": summary.created_at,
        "flow": summary.flow,
        "run_directory": summary.run_directory,
        "selection": list(selection),
        "dry_run": dry_run,
        "jobs": [
            {key: value for key, value in record.to_json().items() if key != "details"} for record in summary.records
        ],
        "skip_summary_path": SKIPS,
        **_skips(summary),
    }


def skip_summary(summary: RunSummary) -> dict[str, Json]:
    """Which jobs were skipped and why; its members about skips equal the manifest's."""
    return {"schema_version": SCHEMA_VERSION, "created_at": summary.created_at, **_skips(summary)}


def _skips(summary: RunSummary) -> dict[str, Json]:
    skipped: list[Json] = [
        {
            "config_name": record.name,
            **({} if record.seed is None else {"seed": record.seed}),
            **why_not(record.outcome),
        }
        for record in summary.records
        if isinstance(record.outcome, Skipped)
    ]
    skips: dict[str, Json] = {"skipped_jobs": skipped, "skipped_count": len(skipped)}
    views: list[Json] = [dict(view) for view in summary.skipped_views]
    return {**skips, "skipped_views": views} if views else skips
