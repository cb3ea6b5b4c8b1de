"""What an earlier try of a run already settled, and may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.errors import DataError
from extractor_flow.files import sha256_of
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.study.records import Completed, JobRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.jobs import Job


def settle_earlier_work(run: RunDirectory, jobs: Sequence[Job]) -> dict[str, JobRecord]:
    """The successful records of *jobs* that still stand, by job key.

    A torn last line of the journal is cut off. A success that was published in its job directory but had not reached
    the journal is added to it. A success whose artifacts are gone or changed does not stand.
    """
    run.repair_journal()
    latest = {record.job_key: record for record in run.journal()}
    kept = {}
    for job in jobs:
        record = latest.get(job.key)
        if record is None and (record := _unjournaled(run.path, job)) is not None:
            run.append(record)
        if record is not None and _stands(run.path, record):
            kept[job.key] = record
    return kept


def _unjournaled(run_path: Path, job: Job) -> JobRecord | None:
    try:
        record = JobDirectory(run_path, job).result()
    except DataError:
        return None
    stands = record is not None and record.job_key == job.key and _stands(run_path, record)
    return record if stands else None


def _stands(run_path: Path, record: JobRecord) -> bool:
    if not isinstance(record.outcome, Completed):
        return False
    files = [(run_path / artifact.path, artifact) for artifact in record.outcome.artifacts.values()]
    return all(path.is_file() and sha256_of(path) == artifact.sha256 for path, artifact in files)
