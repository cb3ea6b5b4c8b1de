"""Leaves jobs to Slurm: arrays of job runners, and a job that publishes the run when they have ended."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from extractor_flow.errors import RunDirectoryError
from extractor_flow.executors.lost_process import Stopwatch
from extractor_flow.executors.slurm import notes
from extractor_flow.executors.slurm.client import cancel, most_in_an_array, require_slurm, sbatch
from extractor_flow.executors.slurm.following import Following
from extractor_flow.executors.slurm.queue import SlurmQueue
from extractor_flow.executors.slurm.settings import SCHEMA, common_options, training_options
from extractor_flow.registry import find_flow
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.flow import SupportsPrepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.executors.asking import ExecutorRequest
    from extractor_flow.executors.events import Event, Stop
    from extractor_flow.executors.slurm.notes import Submission
    from extractor_flow.run.jobdir import JobDirectory

_PYTHON = (sys.executable, "-P", "-m")


@dataclass
class SlurmExecutor:
    """Submits with *settings*, which are those of :data:`~extractor_flow.executors.slurm.settings.SCHEMA`."""

    settings: Mapping[str, Any]
    name: str = field(default="slurm", init=False)
    remote: bool = field(default=True, init=False)
    schema: ClassVar[Mapping[str, Any]] = SCHEMA

    @classmethod
    def made_for(cls, request: ExecutorRequest) -> Self:
        """:class:`RequestError` where there is no Slurm."""
        if not request.dry_run:
            require_slurm()
        return cls(request.settings)

    @staticmethod
    def queue_of(run_path: Path) -> SlurmQueue | None:
        """What Slurm reports about the run at *run_path*; ``None`` if nothing of it was submitted."""
        return SlurmQueue(run_path) if notes.submissions(run_path) else None

    def submit(self, directories: Sequence[JobDirectory]) -> tuple[int, str]:
        """Submit what no earlier submission has in the queue, heaviest first; publishing waits for both."""
        run_path = directories[0].run_path
        earlier = _still_queued(run_path)
        known = {place for each in earlier for place in each.tasks.values()}
        missing = sorted((each for each in directories if each.job.directory not in known), key=lambda d: -d.job.weight)
        waiting = [job for each in earlier for job in each.arrays]
        if not missing:
            return 0, f"all {len(directories)} jobs are in Slurm's queue already, as {', '.join(waiting)}"
        submission = _Submitting(run_path, self.settings, [each.job.directory for each in missing]).submit(
            earlier, _needs_preparation(missing[0])
        )
        more = f"; {len(directories) - len(missing)} are there already, as {', '.join(waiting)}" if waiting else ""
        text = f"Slurm has {len(missing)} jobs, as {', '.join(submission.arrays)}{more}; {submission.publish} publishes"
        return len(missing), text

    def execute(self, directories: Sequence[JobDirectory], stop: Stop) -> Iterator[Event]:
        """Submit, and stay until every task has ended: Ctrl-C ends them, a closed terminal does not."""
        if stop.signum is not None or not directories:
            return
        watches = {each.job.directory: Stopwatch(each) for each in directories}
        self.submit(directories)
        yield from Following(directories, watches, stop).events()


@dataclass
class _Submitting:
    """One submission of a run: its jobs go to Slurm one after the other, and none stays if one is refused."""

    run_path: Path
    settings: Mapping[str, Any]
    places: Sequence[str]
    _taken: list[str] = field(default_factory=list, init=False)

    def submit(self, earlier: Sequence[Submission], prepare: bool) -> Submission:  # noqa: FBT001 - a fact
        number = notes.next_number(self.run_path)
        try:
            prepared = self._prepare(earlier) if prepare else None
            tasks = self._trainings(number, prepared)
            arrays = tuple(dict.fromkeys(task.partition("_")[0] for task in tasks))
            before = [*arrays, *(array for each in earlier for array in each.arrays)]
            submission = notes.Submission(number, tasks, prepared, arrays, self._publish(before))
            notes.write(self.run_path, submission)
        except (RunDirectoryError, OSError) as error:
            cancel(self._taken)
            msg = f"{error}; correct slurm: in the config, then: extractor-flow run CONFIG --resume {self.run_path}"
            raise RunDirectoryError(f"{msg} --executor slurm") from error
        return submission

    def _prepare(self, earlier: Sequence[Submission]) -> str:
        """The job that prepares the run: one that is in the queue already, or a new one."""
        command = [*_PYTHON, "extractor_flow.run.prepare", str(self.run_path.absolute())]
        known = next((each.prepare for each in earlier if each.prepare), None)
        return known or self._sbatch("prepare-%j", command, ["--requeue"])

    def _trainings(self, number: int, prepared: str | None) -> dict[str, str]:
        """The directory of each task; where not all may run at once, one array waits for the other."""
        most, tasks = most_in_an_array(), {}
        array: str | None = None
        for start in range(0, len(self.places), most):
            part = self.places[start : start + most]
            listed = notes.write_tasks(self.run_path, f"{number}-{start}", part)
            retries = str(self.settings["time_limit_retries"])
            command = [*_PYTHON, "extractor_flow.executors.slurm.task", str(listed.absolute()), retries]
            conditions = [f"afterok:{prepared}"] if prepared else []
            if array and "at_once" in self.settings:
                conditions.append(f"afterany:{array}")
            array = self._sbatch("%A_%a", command, [*training_options(self.settings, len(part)), *_after(conditions)])
            tasks.update({f"{array}_{index}": place for index, place in enumerate(part)})
        return tasks

    def _publish(self, before: Sequence[str]) -> str:
        command = [*_PYTHON, "extractor_flow.collect", "slurm", str(self.run_path.absolute())]
        # Hidden, for the run's last file lists all others, and this one is there when Slurm pleases.
        return self._sbatch(".publish-%j", command, ["--requeue", *_after([f"afterany:{':'.join(before)}"])])

    def _sbatch(self, output: str, command: Sequence[str], options: Sequence[str]) -> str:
        place = self.run_path.absolute() / notes.FOLDER / f"{output}.out"
        known = [f"--job-name={self.run_path.resolve().name}", f"--output={place}", f"--chdir={Path.cwd()}"]
        script = f"#!/bin/sh\nexec {shlex.join(command)}\n"
        job = sbatch([*known, *common_options(self.settings), *options], script)
        self._taken.append(job)
        return job


def _after(conditions: Sequence[str]) -> list[str]:
    """A job that can never start is taken out of the queue, so that the one that publishes does start."""
    return [f"--dependency={','.join(conditions)}", "--kill-on-invalid-dep=yes"] if conditions else []


def _needs_preparation(directory: JobDirectory) -> bool:
    prepared = RunDirectory(directory.run_path).prepared()
    return prepared is None and isinstance(find_flow(directory.job.flow), SupportsPrepare)


def _still_queued(run_path: Path) -> list[Submission]:
    """The submissions that have a task in the queue, with those tasks only; none where Slurm does not answer.

    Then a job may be submitted twice, and is run once: its lock and its result see to that.
    """
    queue = SlurmQueue(run_path)
    live = queue.live()
    return [each.only(live) for each in queue.submissions() if live.keys() & set(each.tasks.values())]
