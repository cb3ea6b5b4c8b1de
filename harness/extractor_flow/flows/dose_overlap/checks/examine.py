"""Measures again, from what the jobs left, what they claim; no training, and nothing unpickled.

:mod:`.evidence_record` looks at the records and the curves, :mod:`.evidence_bundle` and :mod:`.evidence_checkpoint` at
the weights, :mod:`.evidence_images` at the reconstructions, and :mod:`.evidence_data` at the data behind all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.bundle import check_bundle
from extractor_flow.flows.dose_overlap.checks.checkpoint import check_checkpoint
from extractor_flow.flows.dose_overlap.checks.claims import Claims, shielded
from extractor_flow.flows.dose_overlap.checks.record import check_curves, check_metrics_file, check_record
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.records import JobRecord

_OWN = ("bundle", "checkpoint", "reconstructions")


def evidence_of(run: RunContext) -> Iterator[Violation | Unchecked]:
    """Everything in *run* that its artifacts contradict."""
    jobs = [job for record in run.records if (job := _claims(run, record)) is not None]
    for job in jobs:
        yield from check_record(job)
        for name, check in (
            (layout.CURVES, check_curves(job)),
            (layout.METRICS, check_metrics_file(job)),
            (layout.BUNDLE, check_bundle(job)),
            (layout.CHECKPOINT, check_checkpoint(job)),
        ):
            yield from shielded(job.path(name), check)
    yield from _check_jobs_differ(jobs)
    try:
        from extractor_flow.flows.dose_overlap.checks.reconstructions import check_images
        from extractor_flow.flows.dose_overlap.checks.shared_data import check_data
    except ImportError as error:
        yield Unchecked("data and reconstructions", f"{error}; install the extra [dose]")
        return
    yield from check_images(jobs)
    yield from check_data(run, jobs)


def _claims(run: RunContext, record: JobRecord) -> Claims | None:
    if not isinstance(record.outcome, Completed):
        return None
    return Claims(run, record, record.outcome, Plan.from_parameters(run.parameters[record.job_key]))


def _check_jobs_differ(jobs: Sequence[Claims]) -> Iterator[Violation]:
    """No two jobs leave the same weights or the same reconstructions, where their trainings' settings differ.

    Two views of one dose may keep the same frames, and then honestly give the same network.
    """
    first: dict[tuple[str, str], Claims] = {}
    for job in jobs:
        for role in _OWN:
            artifact = job.outcome.artifacts.get(role)
            other = job if artifact is None else first.setdefault((role, artifact.sha256), job)
            if artifact is not None and other.plan.training != job.plan.training:
                what = f"the same file as {other.record.label} has"
                yield Violation(artifact.path, "", f"is of {job.record.label}", what, "evidence")
