"""Slurm's own commands, and what their answers mean."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SUBMITTING_SECONDS = 120
"""A controller under load takes a minute; a client of Slurm gives up after about as long by itself."""
_ASKING_SECONDS = 30
_SMALLEST_LIMIT = 1001
"""Slurm's own MaxArraySize, where the controller does not tell another."""

ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
"""The states in which Slurm does nothing more for a task; in any other it may run, be it again."""


def require_slurm() -> None:
    """:class:`RequestError` where nothing can be submitted."""
    if shutil.which("sbatch") is None:
        msg = "--executor slurm: no sbatch command on the PATH; run it where Slurm is, or take --executor local"
        raise RequestError(msg)


def sbatch(options: Iterable[str], script: str) -> str:
    """The id of the job that runs *script*; :class:`RunDirectoryError` with Slurm's words where it is refused."""
    command = ["sbatch", "--parsable", *options]
    try:
        answer = subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=_SUBMITTING_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunDirectoryError(_refusal(command, str(error))) from error
    if answer.returncode:
        raise RunDirectoryError(_refusal(command, answer.stderr))
    return answer.stdout.strip().partition(";")[0]  # a cluster's name may follow


def _refusal(command: Sequence[str], output: str) -> str:
    reason = " ".join(printable(output).split()) or "no reason given"
    return f"Slurm took nothing: {reason}; the command was: {' '.join(command)}"


def states_of(name: str) -> dict[str, str] | None:
    """The state of each task of the user's jobs called *name*, as long as Slurm remembers; ``None`` without an answer.

    A task is ``<job>_<index>`` in an array, and ``<job>`` otherwise.
    """
    answer = _ask("squeue", "--noheader", "--array", "--states=all", f"--name={name}", "--format=%i|%T")
    if answer is None:
        return None
    pairs = (line.strip().partition("|") for line in answer.splitlines())
    return {task: state for task, bar, state in pairs if bar}


def most_in_an_array() -> int:
    """The largest number of tasks an array may have."""
    for line in (_ask("scontrol", "show", "config") or "").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "MaxArraySize" and value.strip().isdecimal():
            return max(1, int(value))
    return _SMALLEST_LIMIT


def cancel(jobs: Sequence[str]) -> None:
    """Cancel *jobs*; jobs that have already ended are not an error."""
    if jobs:
        _ask("scancel", *jobs)


def requeue(task: str) -> bool:
    """Put a running *task* back into the queue; returns whether that worked."""
    return _ask("scontrol", "requeue", task) is not None


def _ask(*command: str) -> str | None:
    """The command's output; ``None`` if it fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASKING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
