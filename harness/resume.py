"""What earlier sessions of a run settled, and may be kept: whatever stands published in a job's directory counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts import violations
from harness.errors import DataError
from harness.files import JSON_SIZE_LIMIT, locked, write_json
from harness.jobdir import LOCK, RESULT
from harness.readers.paths import Inside
from harness.readers.text import read_json
from harness.records import Completed, JobRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.jobdir import JobDirectory
    from harness.jobs import Job
    from harness.rundir import RunDirectory


def settle_earlier_work(run: RunDirectory, places: Mapping[str, str]) -> dict[str, JobRecord]:
    """The successful records that stand, by job key; *places* has the directory of each job by its key.

    A record stands when its artifacts are there with their digests. One that is published in its job's directory counts
    whatever the journal's last word is, and is added to the journal. A lost or damaged ``result.json`` is written again
    from the journal. A torn last line of the journal is cut off.
    """
    run.repair_journal()
    files = Inside(run.path)
    journal = {record.job_key: record for record in run.journal()}
    kept, unrecorded = {}, []
    for key, place in places.items():
        last, published = journal.get(key), _published(files, place)
        if published is not None and published.job_key == key and _stands(files, published):
            kept[key] = published
            unrecorded += [] if published == last else [published]
        elif published is None and last is not None and _stands(files, last):
            kept[key] = last
            _restore(run, last)
    # The journal is in the order in which jobs ended, and successes have ended.
    for record in sorted(unrecorded, key=lambda record: str(record.end_time)):
        run.append(record)
    return kept


def cleared_directory(run: RunDirectory, job: Job) -> JobDirectory:
    """The directory of *job*, with what an earlier attempt left cleared away.

    It stays as it is where another process is at the job, or has finished it meanwhile.
    """
    directory = run.job_directory(job)
    if not directory.was_used():
        return directory
    with directory.lock() as mine:
        files = Inside(run.path)
        published = _published(files, job.directory)
        finished = published is not None and published.job_key == job.key and _stands(files, published)
        if mine and not finished:
            directory.clear_for_retry()
    return directory


def _published(files: Inside, place: str) -> JobRecord | None:
    """The record in the job's directory *place*; ``None`` where there is none that satisfies its contract."""
    name = f"{place}/{RESULT}"
    try:
        with files.open(name, limit=JSON_SIZE_LIMIT) as stream:
            data = read_json(stream, name, limit=JSON_SIZE_LIMIT)
        record = JobRecord.from_json(data) if isinstance(data, dict) and not violations(data, "job_record") else None
    except DataError:
        return None
    return record if record is not None and record.directory == place else None


def _stands(files: Inside, record: JobRecord) -> bool:
    if not isinstance(record.outcome, Completed):
        return False
    try:
        return all(files.sha256(artifact.path) == artifact.sha256 for artifact in record.outcome.artifacts.values())
    except DataError:
        return False


def _restore(run: RunDirectory, record: JobRecord) -> None:
    place = run.path / record.directory
    with locked(place / LOCK) as mine:
        if mine:
            write_json(place / RESULT, record.to_json())
