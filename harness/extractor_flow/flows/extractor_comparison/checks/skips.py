"""Looks at the jobs that were skipped: a job is skipped in a rehearsal, or for want of a device that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.jobs import ACCELERATORS, jobs_of, missing_requirement
from extractor_flow.study.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.jobs import Job

DRY_RUN = "dry run: nothing was trained; run again without --dry-run"
_PROBE = "\0"


def check_skips(run: RunContext) -> Iterator[Violation]:
    """The skipped jobs of *run* whose reason is none of those that they could have been skipped for."""
    jobs = {job.key: job for job in jobs_of(run.settings)}
    for record in run.records:
        if not isinstance(record.outcome, Skipped) or record.outcome.reason == DRY_RUN:
            continue
        job = jobs.get(record.job_key)
        beginnings = [] if job is None else list(_beginnings(job))
        if not record.outcome.reason.startswith(tuple(beginnings)):
            due = " or ".join([*map(repr, beginnings), "a dry run"])
            yield run.contradicted(record, "reason", record.outcome.reason, f"this job can only be skipped for {due}")


def _beginnings(job: Job) -> Iterator[str]:
    """How the reasons begin for which *job* is skipped somewhere, up to the words of that machine's probe."""
    for missing in ACCELERATORS, *((device,) for device in ACCELERATORS):
        reason = missing_requirement(job, dict.fromkeys(missing, _PROBE))
        if reason is not None:
            yield reason.partition(_PROBE)[0]
