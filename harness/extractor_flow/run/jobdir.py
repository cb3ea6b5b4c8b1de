"""A job's directory: the whole protocol between an executor, the job runner and a flow.

``job.json`` is the job spec, ``attempt-<n>.json`` each try, ``train.log`` what it printed, ``result.json`` the outcome.
A queue may forget or repeat a job; the truth about it is here.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import DataError, ResultError, RunDirectoryError
from extractor_flow.files import locked, parse_json, printable, read_json, sha256_of, write_json
from extractor_flow.layout import ATTEMPT, JOB, JOB_LOG, LOCK, PROGRESS, RESULT, attempt_log, attempt_note
from extractor_flow.readers.paths import own_files
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Artifact, JobRecord

if TYPE_CHECKING:
    from collections.abc import KeysView, Mapping
    from contextlib import AbstractContextManager

    from extractor_flow.files import Json
    from extractor_flow.study.records import Outcome

LOG_TAIL_LINES = 20
_LOG_TAIL_BYTES = 64 * 1024
_PROGRESS_INTERVAL = 0.2
_OF_THE_JOB = {JOB, LOCK}


class JobDirectory:
    """One job's directory inside a run directory; implements :class:`Workspace` for the flow."""

    def __init__(self, run_path: Path, job: Job) -> None:
        self.run_path = run_path
        self.job = job
        self.path = run_path / job.directory
        self._next_progress = 0.0
        self._reported: KeysView[str] | None = None

    @classmethod
    def create(cls, run_path: Path, job: Job) -> Self:
        """The directory of *job*, made with its ``job.json``; an existing one for the same job is taken as it is."""
        directory = cls(run_path, job)
        own_files(run_path, job.directory)
        directory.path.mkdir(parents=True, exist_ok=True)
        if not directory._file(JOB).is_file():
            write_json(directory._file(JOB), job.to_json())
        if _read_job(directory.path).key != job.key:
            msg = f"{directory.path}: holds another job than {job.label}"
            raise RunDirectoryError(msg)
        return directory

    @classmethod
    def open(cls, path: Path) -> Self:
        """The job directory at *path*, which must hold a ``job.json``; the run directory is derived from it."""
        path = path.resolve()
        own_files(path)
        job = _read_job(path)
        depth = len(PurePosixPath(job.directory).parts)
        if path.parts[-depth:] != PurePosixPath(job.directory).parts:
            msg = f"{path}: its job.json belongs to a directory that ends in {job.directory}"
            raise RunDirectoryError(msg)
        return cls(path.parents[depth - 1], job)

    @property
    def log_path(self) -> Path:
        """Where everything the job prints goes."""
        return self._file(JOB_LOG)

    def result(self) -> JobRecord | None:
        """The published outcome, or ``None`` while there is none."""
        if not self._file(RESULT).is_file():
            return None
        data = read_json(self._file(RESULT))
        if not isinstance(data, dict):
            msg = f"{self._file(RESULT)}: expected an object"
            raise DataError(msg)
        return JobRecord.from_json(data)

    def publish(self, record: JobRecord) -> None:
        """Write the outcome, whole; from here on the job counts as done."""
        write_json(self._file(RESULT), record.to_json())
        self._file(PROGRESS).unlink(missing_ok=True)

    def lock(self, *, patience: float = 0) -> AbstractContextManager[bool]:
        """Hold the job for this process; gives ``False`` when another process holds it for *patience* seconds."""
        return locked(self._file(LOCK), patience=patience)

    def attempts(self) -> int:
        """How often the job was started."""
        numbers = [int(match[1]) for entry in self.path.iterdir() if (match := ATTEMPT.fullmatch(entry.name))]
        return max(numbers, default=0)

    def was_used(self) -> bool:
        """Whether an earlier attempt left anything here, if only the note that its process died before it began."""
        return any(entry.name not in _OF_THE_JOB for entry in self.path.iterdir())

    def begin_attempt(self, facts: Mapping[str, Json]) -> int:
        """Write ``attempt-<n>.json`` with *facts* for the next n; n."""
        number = self.attempts() + 1
        write_json(self._file(attempt_note(number)), {"attempt": number, **facts})
        return number

    def note(self, attempt: int) -> dict[str, Any]:
        """What *attempt* noted when it began; empty if that cannot be read."""
        try:
            note = read_json(self._file(attempt_note(attempt)))
        except DataError:
            return {}
        return note if isinstance(note, dict) else {}

    def began_at(self, attempt: int) -> str | None:
        """When *attempt* began according to its own note; ``None`` if the note does not say."""
        try:
            return timestamp(datetime.fromisoformat(self.note(attempt)["started_at"]))
        except (LookupError, TypeError, ValueError):
            return None

    def clear_for_retry(self) -> None:
        """Remove what an earlier attempt left; its ``attempt-<n>.json`` stays, and its log as ``attempt-<n>.log``."""
        if self.log_path.exists():
            self.log_path.replace(self._file(attempt_log(max(self.attempts(), 1))))
        for entry in self.path.iterdir():
            if entry.name in _OF_THE_JOB or ATTEMPT.fullmatch(entry.name):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def progress(self, done: int, total: int, **facts: float) -> None:
        """Leave a progress note for whoever is watching; a full disk is not an error here.

        At most five a second reach the disk, besides those that tell of other facts than the one before.
        """
        now = time.monotonic()
        if now < self._next_progress and done < total and facts.keys() == self._reported:
            return
        self._reported = facts.keys()
        self._next_progress = now + _PROGRESS_INTERVAL
        with suppress(OSError, ValueError):
            write_json(self._file(PROGRESS), {"done": done, "total": total, "facts": facts}, durable=False)

    def read_progress(self) -> dict[str, Any] | None:
        """The latest note, or ``None``."""
        try:
            text = self._file(PROGRESS).read_text(encoding="utf-8")
            data = parse_json(text, where=PROGRESS)
        except (OSError, DataError):
            return None
        return data if isinstance(data, dict) else None

    def artifacts(self, names: Mapping[str, str]) -> dict[str, Artifact]:
        """The files *names* points to, relative to this directory, with digest and size.

        A file that is missing, empty or outside is a :class:`ResultError`: a job must not claim what it did not write.
        """
        return {name: self._artifact(name, relative) for name, relative in names.items()}

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> tuple[str, ...]:
        """The last lines of the log, made printable; empty when there is no log."""
        try:
            with self.log_path.open("rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - _LOG_TAIL_BYTES))
                text = stream.read().decode("utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(printable(line) for line in text.splitlines() if line.strip())[-lines:]

    def _artifact(self, name: str, relative: str) -> Artifact:
        path = self.path / relative
        if not path.resolve().is_relative_to(self.path.resolve()):
            msg = f"artifact {name}: {relative} lies outside the job's directory"
            raise ResultError(msg)
        if not path.is_file() or path.stat().st_size == 0:
            msg = f"artifact {name}: {relative} is missing or empty"
            raise ResultError(msg)
        inside = path.relative_to(self.run_path).as_posix()
        return Artifact(path=inside, sha256=sha256_of(path), size_bytes=path.stat().st_size)

    def _file(self, name: str) -> Path:
        return self.path / name


def unstarted(job: Job, outcome: Outcome) -> JobRecord:
    """The record of a *job* that is not started."""
    return JobRecord(
        flow=job.flow,
        name=job.name,
        seed=job.seed,
        job_key=job.key,
        directory=job.directory,
        outcome=outcome,
        start_time=timestamp(utc_now()),
        worker_mode=job.worker_mode,
    )


def _read_job(path: Path) -> Job:
    data = read_json(path / JOB)
    if not isinstance(data, dict):
        msg = f"{path / JOB}: expected an object"
        raise DataError(msg)
    return Job.from_json(data)
