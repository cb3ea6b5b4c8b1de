"""One session of a run: every job ends in a record, which is in the journal before anything else happens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from extractor_flow.errors import JobError
from extractor_flow.executors.events import Event, Finished, Stop
from extractor_flow.executors.lost_process import HELD
from extractor_flow.run.hardware import probe
from extractor_flow.run.jobdir import unstarted
from extractor_flow.run.prepare import prepare_run
from extractor_flow.run.resume import cleared_directory, settle_earlier_work
from extractor_flow.study.codes import Code, signal_name
from extractor_flow.study.records import REHEARSED, Completed, Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.executors.events import Executor, Queueing
    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.flow import Flow
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord, Outcome


class Display(Protocol):
    """Something that shows the progress of a run."""

    def opened(self, run: RunDirectory, jobs: Sequence[Job], kept: Sequence[JobRecord]) -> None:
        """The run directory is there; *jobs* are all of the study, *kept* the records that an earlier session left."""
        ...

    def happened(self, event: Event) -> None:
        """A job started, progressed or finished."""
        ...

    def closed(self) -> None:
        """No job is running any more; the files are written next."""
        ...


@dataclass
class Session:
    """A run, the jobs that still need a record, the display that watches, and the request to stop."""

    run: RunDirectory
    flow: Flow
    jobs: Sequence[Job]
    display: Display
    stop: Stop

    def train(self, executor: Executor, *, dry_run: bool, lacking: Mapping[str, str]) -> None:
        """Keep what is done, skip what cannot run here (*lacking*: the missing capabilities), and run the rest."""
        kept = settle_earlier_work(self.run, {job.key: job.directory for job in self.jobs})
        self.display.opened(self.run, self.jobs, list(kept.values()))
        try:
            remaining = [job for job in self.jobs if job.key not in kept]
            self._bring_to_records(remaining, executor, dry_run=dry_run, lacking=lacking)
        finally:
            self.display.closed()

    def submit(self, executor: Queueing) -> tuple[int, str] | None:
        """Submit what is missing to *executor*'s queue and return its answer; ``None`` if nothing is missing."""
        kept = settle_earlier_work(self.run, {job.key: job.directory for job in self.jobs})
        missing = [job for job in self.jobs if job.key not in kept]
        return executor.submit([self._directory(job) for job in missing]) if missing else None

    def _directory(self, job: Job) -> JobDirectory:
        """The directory of a *job* that runs elsewhere: whoever comes to run it clears it and asks for its lock."""
        return cleared_directory(self.run, job) or self.run.job_directory(job)

    def _bring_to_records(
        self, jobs: Sequence[Job], executor: Executor, *, dry_run: bool, lacking: Mapping[str, str]
    ) -> None:
        try:
            if dry_run:
                skips: Mapping[str, Skipped] = {job.key: REHEARSED for job in jobs}
            else:
                skips = {} if executor.remote else self._skips(jobs, lacking)
        except JobError as error:
            for job in jobs:
                self._settle(job, self._stopped(Code.INTERRUPTED, str(error), otherwise=Code.PREPARE_FAILED))
            return
        for job in jobs:
            if job.key in skips:
                self._settle(job, skips[job.key])
        self._execute([job for job in jobs if job.key not in skips], executor)

    def _skips(self, jobs: Sequence[Job], lacking: Mapping[str, str]) -> Mapping[str, Skipped]:
        """By job key, why jobs cannot run here; what the others share is made on the way."""
        missing = {job.key: self.flow.missing_requirement(job, probe(), lacking) for job in jobs}
        skips = {key: skip for key, skip in missing.items() if skip is not None}
        if len(skips) == len(jobs):
            return skips
        return {**prepare_run(self.run, self.flow, lambda: self.stop.signum is not None), **skips}

    def _stopped(self, code: Code, reason: str, *, otherwise: Code) -> Failed:
        """The failure *code* if the user asked to stop, else *otherwise*."""
        signum = self.stop.signum
        return Failed(otherwise, reason) if signum is None else Failed(code, reason, signal=signal_name(signum))

    def _execute(self, jobs: Sequence[Job], executor: Executor) -> None:
        """Run *jobs*; those that a request to stop kept from starting are failed as interrupted."""
        make = self._directory if executor.remote else partial(cleared_directory, self.run)
        directories = {job.key: make(job) for job in jobs}
        waiting = {job.key: job for job in jobs if directories[job.key] is not None}
        for job in jobs:
            if job.key not in waiting:
                self._settle(job, HELD)
        for event in executor.execute([each for each in directories.values() if each is not None], self.stop):
            match event:
                case Finished(job=job):
                    waiting.pop(job.key)
                    self._journal(event)
                case _:
                    self.display.happened(event)
        for job in waiting.values():
            why = "the run ended before the job started; resume the run to train it"
            self._settle(job, self._stopped(Code.NOT_STARTED, why, otherwise=Code.LOST))

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Journal a job that is not started."""
        self._journal(Finished(job, unstarted(job, outcome)))

    def _journal(self, event: Finished) -> None:
        journal(self.run, event.record)
        self.display.happened(event)


def journal(run: RunDirectory, record: JobRecord) -> None:
    """Append *record* and log it: a warning for a skip, an error for a failure; all about it stands in the fields."""
    from loguru import logger

    run.append(record)
    levels = {Completed: "INFO", Skipped: "WARNING", Failed: "ERROR"}
    logger.bind(**record.facts).log(levels[type(record.outcome)], "job ended")
