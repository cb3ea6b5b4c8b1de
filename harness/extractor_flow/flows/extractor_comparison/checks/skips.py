"""Looks at the jobs that were skipped: a job is skipped in a rehearsal, or for want of a device that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.flows.extractor_comparison.jobs import ACCELERATORS, jobs_of, missing_requirement
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.jobs import Job


def check_skips(run: RunContext) -> Iterator[Violation]:
    """The skipped jobs of *run* whose code is none of those that they could have been skipped for."""
    jobs = {job.key: job for job in jobs_of(run.settings)}
    for record in run.records:
        if isinstance(record.outcome, Skipped):
            job, code = jobs.get(record.job_key), record.outcome.code
            due = {Code.DRY_RUN} | (set() if job is None else _codes(job))
            if code not in due:
                yield run.contradicted(record, "code", code.value, f"this job can only be skipped for {sorted(due)}")


def _codes(job: Job) -> set[Code]:
    """The codes with which *job* is skipped on some machine: one that has no accelerator, or lacks one of them."""
    machines = (ACCELERATORS, *((device,) for device in ACCELERATORS))
    skips = [missing_requirement(job, dict.fromkeys(missing, "")) for missing in machines]
    return {skip.code for skip in skips if skip is not None}
