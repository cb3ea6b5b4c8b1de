"""What Slurm reports about a run's jobs: a hint only; the truth is in their directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.executors.slurm.client import ENDED, states_of
from extractor_flow.executors.slurm.notes import FOLDER, submissions
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from extractor_flow.executors.slurm.notes import Submission

_CAUSES = {
    "TIMEOUT": (Code.TIME_LIMIT, "Slurm ended it at the time limit of the queue"),
    "DEADLINE": (Code.TIME_LIMIT, "Slurm ended it at the deadline of the queue"),
    "OUT_OF_MEMORY": (Code.MEMORY_LIMIT, "Slurm ended it for want of memory; ask for more by slurm.memory"),
    "CANCELLED": (Code.LOST, "it was cancelled in the queue"),
    "NODE_FAIL": (Code.LOST, "its node failed, and Slurm did not start it again"),
    "BOOT_FAIL": (Code.LOST, "its node did not start"),
    "PREEMPTED": (Code.LOST, "it was preempted, and Slurm did not start it again"),
}


class SlurmQueue:
    """The tasks of the run at *run_path*, from every submission of it."""

    def __init__(self, run_path: Path) -> None:
        self._run_path = run_path

    def submissions(self) -> list[Submission]:
        """What was submitted, in order."""
        return submissions(self._run_path)

    def states(self) -> Mapping[str, str] | None:
        """By directory, Slurm's state of the task submitted last for it; ``None`` if Slurm does not answer.

        A task that Slurm does not remember has no entry.
        """
        known = states_of(self._run_path.resolve().name)
        if known is None:
            return None
        tasks = {directory: task for each in self.submissions() for task, directory in each.tasks.items()}
        return {directory: known[task] for directory, task in tasks.items() if task in known}

    def live(self) -> dict[str, str]:
        """:meth:`states` of the tasks that have not ended; none where Slurm does not answer."""
        return {place: state for place, state in (self.states() or {}).items() if state not in ENDED}

    def causes(self, directories: Collection[str], states: Mapping[str, str] | None = None) -> dict[str, Failed]:
        """Why each of *directories* will have no result: its task has ended. Without entry: it may still have one.

        *states* are asked for if they are not given.
        """
        known = self.states() if states is None else states
        if known is None:
            return {}
        unprepared = self._unprepared()
        return {
            directory: unprepared or self._cause(directory, known.get(directory))
            for directory in directories
            if known.get(directory, "COMPLETED") in ENDED
        }

    def _unprepared(self) -> Failed | None:
        """The failure of every job whose run could not be prepared."""
        ids = [each.prepare for each in self.submissions() if each.prepare]
        if not ids or RunDirectory(self._run_path).prepared() is not None:
            return None
        return Failed(
            Code.PREPARE_FAILED, f"preparing the jobs failed; what it said is in {FOLDER}/prepare-{ids[-1]}.out"
        )

    def _cause(self, directory: str, state: str | None) -> Failed:
        log = f"{FOLDER}/{self._task(directory)}.out"
        code, cause = _CAUSES.get(state or "", (Code.LOST, "its process ended and left no result"))
        return Failed(code, f"{cause}; what Slurm wrote is in {log}")

    def _task(self, directory: str) -> str:
        tasks = [task for each in self.submissions() for task, place in each.tasks.items() if place == directory]
        return tasks[-1] if tasks else "?"
