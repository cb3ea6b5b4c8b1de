"""The progress of runs and their jobs, read from disk; nothing is written, and no link is followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.errors import HarnessError, RequestError
from extractor_flow.files import parse_json
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.readers.text import decode, read_bytes
from extractor_flow.registry import executor_names, find_executor
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord

RUNNING, QUEUED, INTERRUPTED = "running", "queued", "interrupted"
UNPUBLISHED, PUBLISHED, UNREADABLE = "unpublished", "published", "unreadable"
_NOTE = 64 * 1024  # a job's note, an attempt's, or what is read of a lock, in bytes
_SUMMARY = _RESULT = 64 * 1024 * 1024


class _Status:
    """What ``--json`` shows of a run or of a job."""

    def to_json(self) -> dict[str, Json]:
        """The known members as JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class RunStatus(_Status):
    """One run of a directory of runs. ``verdict`` is its sentence, or why the run cannot be read."""

    directory: str
    state: str
    jobs: int = 0
    recorded: int = 0
    flow: str | None = None
    created_at: str | None = None
    age_seconds: int | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class JobStatus(_Status):
    """One job: its record's status or, without a record, whether it runs, was begun, or waits."""

    job: str
    state: str
    directory: str
    done: int | None = None
    total: int | None = None
    reason: str | None = None
    queue: str | None = None
    """The word of the queue that has the job."""


def runs_in(root: Path, now: datetime) -> list[RunStatus]:
    """The runs that lie in *root* itself, the newest first; links, such as ``latest``, are left out."""
    try:
        entries = sorted(root.iterdir(), key=lambda entry: entry.name, reverse=True)
    except OSError as error:
        msg = f"{root}: {error.strerror or error}; name the directory that holds runs"
        raise RequestError(msg) from error
    places = [entry for entry in entries if entry.is_dir() and not entry.is_symlink()]
    return [run_status(place, now) for place in places if (place / layout.RUN).is_file()]


def run_status(place: Path, now: datetime) -> RunStatus:
    """The status of the run in *place*."""
    try:
        run = RunDirectory.open(place)
        request, records = run.request(), run.records()
    except HarnessError as error:
        return RunStatus(place.name, UNREADABLE, verdict=str(error))
    keys = {job["job_key"] for job in request["jobs"]}
    recorded = [record for record in records if record.job_key in keys]
    created = datetime.fromisoformat(request["created_at"])
    return RunStatus(
        directory=place.name,
        state=_state(run, recorded, len(keys)),
        jobs=len(keys),
        recorded=len(recorded),
        flow=request["flow"],
        created_at=request["created_at"],
        age_seconds=max(0, int((now - created).total_seconds())),
        verdict=_verdict(run) if run.is_published() else None,
    )


def status_of(run: RunDirectory, now: datetime) -> tuple[RunStatus, list[JobStatus]]:
    """The status of *run* and of each of its jobs; a run that no process holds may be in a queue."""
    whole, jobs = run_status(run.path, now), jobs_of(run)
    left = whole.state == INTERRUPTED and any(job.queue is not None for job in jobs)
    return (replace(whole, state=QUEUED) if left else whole), jobs


def jobs_of(run: RunDirectory) -> list[JobStatus]:
    """The status of each job of *run*, in the order of the study."""
    records = {record.job_key: record for record in run.records()}
    files, queued = ConfinedDirectory(run.path), _queue_of(run)
    jobs = run.request()["jobs"]
    return [replace(_job(files, job, records.get(job["job_key"])), queue=queued.get(job["directory"])) for job in jobs]


def _queue_of(run: RunDirectory) -> Mapping[str, str]:
    """By job directory, the state that the queue reports."""
    for kind in map(find_executor, executor_names()):
        queue = kind.queue_of(run.path) if hasattr(kind, "queue_of") else None
        if queue is not None:
            found: Mapping[str, str] = queue.live()
            return found
    return {}


def _state(run: RunDirectory, recorded: list[JobRecord], jobs: int) -> str:
    if _is_held(ConfinedDirectory(run.path), layout.LOCK):
        return RUNNING
    stopped = any(isinstance(record.outcome, Failed) and record.outcome.interrupted for record in recorded)
    if stopped or len(recorded) < jobs:
        return INTERRUPTED
    return PUBLISHED if run.is_published() else UNPUBLISHED


def _verdict(run: RunDirectory) -> str | None:
    verdict = _document(ConfinedDirectory(run.path), layout.SUMMARY, _SUMMARY).get("verdict")
    return str(verdict["sentence"]) if isinstance(verdict, dict) and "sentence" in verdict else None


def _job(files: ConfinedDirectory, job: dict[str, Any], record: JobRecord | None) -> JobStatus:
    label = job["config_name"] if job.get("seed") is None else f"{job['config_name']} seed {job['seed']}"
    place = job["directory"]
    if record is not None:
        return JobStatus(label, record.status, place, reason=getattr(record.outcome, "reason", None))
    note = _document(files, f"{place}/{layout.PROGRESS}", _NOTE)
    far = {name: note[name] for name in ("done", "total") if isinstance(note.get(name), int)}
    if _is_held(files, f"{place}/{layout.LOCK}"):
        return JobStatus(label, RUNNING, place, **far)
    published = _document(files, f"{place}/{layout.RESULT}", _RESULT)
    if "status" in published:  # which whoever ends the run brings into the journal
        return JobStatus(label, str(published["status"]), place, reason=published.get("reason"))
    begun = bool(_document(files, f"{place}/{layout.attempt_note(1)}", _NOTE))
    return JobStatus(label, INTERRUPTED if begun else "waiting", place, **far)


def _document(files: ConfinedDirectory, name: str, limit: int) -> dict[str, Any]:
    """The JSON object in the file *name*; an empty one where there is none that can be read."""
    try:
        with files.open(name, limit=limit) as stream:
            data = parse_json(decode(read_bytes(stream, name, limit=limit), name), where=name)
    except (ReadError, HarnessError, OSError):
        return {}
    return data if isinstance(data, dict) else {}


def _is_held(files: ConfinedDirectory, name: str) -> bool:
    """Whether a process holds the lock file *name*; where the system has no such locks, nobody is seen to."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        with files.open(name, limit=_NOTE) as stream:
            try:
                fcntl.flock(stream.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            fcntl.flock(stream.fileno(), fcntl.LOCK_UN)
    except (ReadError, OSError):
        return False
    return False
