"""Folds records into the one value that every published file is a view of; no clock, no disk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from extractor_flow.study.records import Completed, Failed, RunSummary, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.files import Json
    from extractor_flow.study.flow import Comparison
    from extractor_flow.study.records import HardwareProfile, JobRecord

RUN_DIR = "RUN_DIR"
"""Stands in a command for the run's directory, which a published file cannot know: it may be moved."""


@dataclass(frozen=True)
class RunIdentity:
    """What names a run: its id and flow, when it was created, where it was written, and where it came from."""

    run_id: str
    flow: str
    created_at: str
    output_root: str
    run_directory: str
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FailureGroup:
    """The jobs, by their labels, that did not complete for one and the same reason."""

    status: str
    code: str
    reason: str
    jobs: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """The group as it stands in ``summary.json``."""
        return {"status": self.status, "code": self.code, "reason": self.reason, "jobs": list(self.jobs)}


def failures_of(records: Sequence[JobRecord]) -> tuple[FailureGroup, ...]:
    """Why jobs of *records* did not complete: failures first, each reason once, with all jobs that share it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for kind in (Failed, Skipped):
        for record in records:
            if isinstance(record.outcome, kind):
                why = (record.status, record.outcome.code.value, record.outcome.reason)
                groups.setdefault(why, []).append(record.label)
    return tuple(FailureGroup(*why, tuple(jobs)) for why, jobs in groups.items())


def next_commands(records: Sequence[JobRecord]) -> tuple[str, ...]:
    """What to do with a run of *records*, in which :data:`RUN_DIR` stands for it: train what failed, verify, read."""
    failed = any(isinstance(record.outcome, Failed) for record in records)
    return (
        *((f"extractor-flow run --resume {RUN_DIR}",) if failed else ()),
        f"extractor-flow verify {RUN_DIR}",
        f"extractor-flow report --open {RUN_DIR}",
    )


def summarize(
    identity: RunIdentity, records: Sequence[JobRecord], comparison: Comparison, here: HardwareProfile
) -> RunSummary:
    """The summary of *records*, which are in the order of the study.

    Counts and the wall time are the core's, the other aggregates are the flow's. *here* stands in the hardware overview
    when no job ever started; otherwise the overview lists the machines that jobs ran on.
    """
    machines = dict.fromkeys(record.hardware for record in records if record.hardware is not None)
    return RunSummary(
        run_id=identity.run_id,
        flow=identity.flow,
        created_at=identity.created_at,
        output_root=identity.output_root,
        run_directory=identity.run_directory,
        hardware_overview=tuple(machines) or (here,),
        records=tuple(_with_comparison(record, comparison) for record in records),
        aggregate_metrics={**comparison.aggregate_metrics, **core_aggregates(records)},
        statistics=comparison.statistics,
        notes=(*identity.notes, *comparison.notes),
        interrupted=any(isinstance(record.outcome, Failed) and record.outcome.interrupted for record in records),
        verdict=comparison.verdict,
        provenance=identity.provenance,
        skipped_views=comparison.skipped_views,
    )


def core_aggregates(records: Sequence[JobRecord]) -> dict[str, float]:
    """The counts of each outcome, and ``total_wall_time``: the seconds of all started jobs added up."""
    durations = [record.duration_seconds for record in records if record.duration_seconds is not None]
    counts: dict[str, float] = {
        "completed_runs": sum(isinstance(record.outcome, Completed) for record in records),
        "skipped_runs": sum(isinstance(record.outcome, Skipped) for record in records),
        "failed_runs": sum(isinstance(record.outcome, Failed) for record in records),
    }
    return counts | ({"total_wall_time": round(math.fsum(durations), 6)} if durations else {})


def _with_comparison(record: JobRecord, comparison: Comparison) -> JobRecord:
    added = comparison.job_metrics.get(record.job_key)
    if not added or not isinstance(record.outcome, Completed):
        return record
    return replace(record, outcome=replace(record.outcome, metrics={**record.outcome.metrics, **added}))
