"""What earlier sessions of a run settled, and may be kept: whatever stands published in a job's directory counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.contracts import violations
from extractor_flow.errors import DataError
from extractor_flow.files import JSON_SIZE_LIMIT, locked, write_json
from extractor_flow.layout import LOCK, RESULT
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.readers.text import read_json
from extractor_flow.study.records import Completed, JobRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.jobs import Job


def settle_earlier_work(run: RunDirectory, places: Mapping[str, str]) -> dict[str, JobRecord]:
    """The successful records that stand, by job key; *places* has the directory of each job by its key.

    A record stands when its artifacts are there with their digests. One that is published in its job's directory counts
    whatever the journal's last word is, and is added to the journal. A lost or damaged ``result.json`` is written again
    from the journal. A torn last line of the journal is cut off.
    """
    run.repair_journal()
    files = ConfinedDirectory(run.path)
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


def cleared_directory(run: RunDirectory, job: Job) -> JobDirectory | None:
    """The directory of *job*, with what an earlier attempt left cleared away; ``None`` where another process holds it.

    What another process has finished meanwhile stays.
    """
    directory = run.job_directory(job)
    if not directory.was_used():
        return directory
    with directory.lock() as mine:
        if not mine:
            return None
        files = ConfinedDirectory(run.path)
        published = _published(files, job.directory)
        finished = published is not None and published.job_key == job.key and _stands(files, published)
        if not finished:
            directory.clear_for_retry()
    return directory


def _published(files: ConfinedDirectory, place: str) -> JobRecord | None:
    """The record in the job's directory *place*; ``None`` where there is none that satisfies its contract."""
    name = f"{place}/{RESULT}"
    try:
        with files.open(name, limit=JSON_SIZE_LIMIT) as stream:
            data = read_json(stream, name, limit=JSON_SIZE_LIMIT)
        record = JobRecord.from_json(data) if isinstance(data, dict) and not violations(data, "job_record") else None
    except DataError:
        return None
    return record if record is not None and record.directory == place else None


def _stands(files: ConfinedDirectory, record: JobRecord) -> bool:
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
