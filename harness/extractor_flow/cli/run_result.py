"""The file of ``run --result``: what the command did, for whoever started it (contract ``run_result``)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extractor_flow.cli.failures import exit_code_of, message_of
from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.executors.events import Finished
from extractor_flow.files import write_json
from extractor_flow.render.words import next_lines
from extractor_flow.study.records import SCHEMA_VERSION, STATUSES, Completed, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.executors.events import Event
    from extractor_flow.files import Json
    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.run.session import Display
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord

UNRECORDED = "unrecorded"
"""The status of a job that was to run and of which the journal does not tell, as the command ended before."""


@dataclass
class RunResult:
    """What is known of a run so far, collected from what its display is given."""

    run: RunDirectory | None = None
    jobs: Sequence[Job] = ()
    records: dict[str, JobRecord] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    """The value of the run's ``summary.json``, if it was published."""

    def listening(self, display: Display) -> Display:
        """*display*, with everything that it is given noted here too."""
        return _Listening(self, display)

    def to_json(self, exit_code: int, error: str | None = None) -> dict[str, Json]:
        """The content of the file."""
        jobs = [self._job(job) for job in self.jobs]
        statuses = [str(job["status"]) for job in jobs]
        place = None if self.run is None else os.fspath(self.run.path.absolute())
        return {
            "schema_version": SCHEMA_VERSION,
            # A name that is not UTF-8 has no place in JSON.
            "run_directory": None if place is None else place.encode("utf-8", "backslashreplace").decode("utf-8"),
            "published": self.run is not None and self.run.is_published(),
            "exit_code": exit_code,
            "counts": {status: statuses.count(status) for status in (*STATUSES.values(), UNRECORDED)},
            "jobs": list(jobs),
            **{name: self.summary[name] for name in ("verdict", "failures") if name in self.summary},
            **({"next": list(next_lines(self.summary, str(place)))} if self.summary else {}),
            **({} if error is None else {"error": error}),
        }

    def _job(self, job: Job) -> dict[str, Json]:
        record = self.records.get(job.key)
        return {
            "config_name": job.name,
            **({} if job.seed is None else {"seed": job.seed}),
            "job_key": job.key,
            "directory": job.directory,
            "status": UNRECORDED if record is None else record.status,
            **({} if record is None or isinstance(record.outcome, Completed) else why_not(record.outcome)),
        }


@dataclass
class _Listening:
    """A display between the run and the one that people see."""

    result: RunResult
    display: Display

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """Note the run, its jobs, and the records that are kept."""
        self.result.run, self.result.jobs = run, jobs
        self.result.records |= {record.job_key: record for record in kept}
        self.display.opened(run, jobs, kept)

    def happened(self, event: Event) -> None:
        """Note a job's record."""
        if isinstance(event, Finished):
            self.result.records[event.job.key] = event.record
        self.display.happened(event)

    def closed(self) -> None:
        """Nothing more is told."""
        self.display.closed()


@contextmanager
def recording(file: Path | None) -> Iterator[RunResult]:
    """What the block does to a run is in *file* afterwards, whole, also when the block is refused or interrupted.

    The block's own exit code, where it ends without an error, is :func:`write`'s to tell. An earlier *file* is removed
    first, so that a command that is killed leaves none.
    """
    result = RunResult()
    if file is not None:
        _make_room(file)
    try:
        yield result
    except BaseException as error:
        write(file, result.to_json(exit_code_of(error), message_of(error)))
        raise


def write(file: Path | None, content: dict[str, Json]) -> None:
    """Write *content* to *file*, if there is one to write; :class:`RunDirectoryError` where the disk refuses."""
    if file is None:
        return
    try:
        write_json(file, content)
    except OSError as error:
        msg = f"--result {file}: cannot be written: {error.strerror or error}"
        raise RunDirectoryError(msg) from error


def _make_room(file: Path) -> None:
    try:
        if not file.parent.is_dir() or file.is_dir():
            msg = f"--result {file}: {'is a directory' if file.is_dir() else f'there is no directory {file.parent}'}"
            raise RequestError(msg)
        file.unlink(missing_ok=True)
    except OSError as error:
        msg = f"--result {file}: cannot be written: {error.strerror or error}"
        raise RequestError(msg) from error
