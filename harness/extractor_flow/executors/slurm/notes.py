"""What was submitted of a run, on the disk: ``.slurm/`` in its directory, out of sight of the run's own files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import DataError
from extractor_flow.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

FOLDER = ".slurm"


@dataclass(frozen=True)
class Submission:
    """The ids of one submission's jobs; ``tasks`` has the directory of each training by its task."""

    number: int
    tasks: dict[str, str]
    prepare: str | None
    arrays: tuple[str, ...]
    publish: str | None

    def only(self, places: Collection[str]) -> Submission:
        """This submission with the tasks, and the arrays, of *places* only."""
        tasks = {task: place for task, place in self.tasks.items() if place in places}
        arrays = tuple(dict.fromkeys(task.partition("_")[0] for task in tasks))
        return replace(self, tasks=tasks, arrays=arrays)


def submissions(run_path: Path) -> list[Submission]:
    """Every submission of the run, in order; one that cannot be read is left out, for it is but a hint."""
    numbers = sorted(int(path.stem) for path in (run_path / FOLDER).glob("*.json") if path.stem.isdecimal())
    found = (_read(run_path / FOLDER / f"{number}.json", number) for number in numbers)
    return [each for each in found if each is not None]


def next_number(run_path: Path) -> int:
    """The number of the next submission; its folder is there."""
    (run_path / FOLDER).mkdir(exist_ok=True)
    return max((each.number for each in submissions(run_path)), default=0) + 1


def write(run_path: Path, submission: Submission) -> None:
    """Note *submission*, so that the next one and whoever asks know of it."""
    content = {
        "submitted_at": timestamp(utc_now()),
        "tasks": submission.tasks,
        "prepare": submission.prepare,
        "arrays": list(submission.arrays),
        "publish": submission.publish,
    }
    write_json(run_path / FOLDER / f"{submission.number}.json", content)


def write_tasks(run_path: Path, name: str, directories: Sequence[str]) -> Path:
    """Write which directory each task of the array *name* trains in; where it stands."""
    path = run_path / FOLDER / f"{name}.tasks"
    write_json(path, list(directories))
    return path


def directory_of(tasks: Path, index: int) -> Path:
    """The directory of the task *index* of the array whose *tasks* were written."""
    listed = read_json(tasks)
    if not isinstance(listed, list) or not 0 <= index < len(listed):
        msg = f"{tasks}: has no task {index}"
        raise DataError(msg)
    return tasks.parent.parent / str(listed[index])


def _read(path: Path, number: int) -> Submission | None:
    try:
        data: Any = read_json(path)
        tasks = {str(task): str(directory) for task, directory in data["tasks"].items()}
        arrays = tuple(map(str, data["arrays"]))
        return Submission(number, tasks, data["prepare"], arrays, data["publish"])
    except (DataError, LookupError, TypeError, AttributeError):
        return None
