"""One task of an array: ``python -m extractor_flow.executors.slurm.task TASKS RETRIES``.

It runs the job of its directory and nothing else. One that the time limit stopped is put back into the queue, so often.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from extractor_flow import job
from extractor_flow.errors import HarnessError
from extractor_flow.executors.slurm.client import requeue
from extractor_flow.executors.slurm.notes import directory_of


def main(arguments: list[str]) -> int:
    """Run the job; the exit code of :mod:`extractor_flow.job`."""
    tasks, retries = Path(arguments[0]), int(arguments[1])
    index = int(os.environ["SLURM_ARRAY_TASK_ID"])
    task = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{index}"
    restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    try:
        directory = directory_of(tasks, index)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    code = job.main([str(directory)], {"slurm_task": task, "slurm_restarts": restarts})
    if code == 128 + signal.SIGUSR2 and restarts < retries:
        requeue(task)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
