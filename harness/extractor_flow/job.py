"""Runs the job in a directory, once, wherever this is started: ``python -m extractor_flow.job DIRECTORY``.

A result that stands is left as it is, but for that of an attempt which was interrupted: a queue that takes a job back
starts it again. What the job needs is asked here, not where it was submitted; where that is missing, or the preparation
refused the job, a skip is published. Exit codes: see :mod:`extractor_flow.run.job`.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.errors import HarnessError
from extractor_flow.registry import find_flow
from extractor_flow.run.hardware import missing_capabilities, probe
from extractor_flow.run.job import EX_TEMPFAIL, ONE_THREAD_EACH, enter, run_job
from extractor_flow.run.jobdir import JobDirectory, unstarted
from extractor_flow.run.provenance import git_state, package_versions
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord, Skipped


def main(arguments: list[str] | None = None, facts: Mapping[str, Json] | None = None) -> int:
    """The command; *facts* are added to the note of the attempt."""
    arguments_given = sys.argv[1:] if arguments is None else arguments
    if len(arguments_given) != 1:
        sys.stderr.write("usage: python -m extractor_flow.job DIRECTORY\n")
        return 2
    for name in ONE_THREAD_EACH:
        os.environ.setdefault(name, "1")
    try:
        return _run(JobDirectory.open(Path(arguments_given[0])), facts or {})
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename or arguments_given[0]}: {error.strerror or error}\n")
        return 1


def is_final(result: JobRecord | None) -> bool:
    """Whether *result* stands: one of an attempt that was interrupted is no last word."""
    return result is not None and not (isinstance(result.outcome, Failed) and result.outcome.interrupted)


def _run(directory: JobDirectory, facts: Mapping[str, Json]) -> int:
    with directory.lock() as mine:
        if not mine:
            return EX_TEMPFAIL
        if is_final(directory.result()):
            return 0
        if directory.was_used():
            directory.clear_for_retry()
        if (skip := _why_not(directory)) is not None:
            directory.publish(unstarted(directory.job, skip))
            return 0
    enter(directory.log_path)
    return run_job(directory, capture=False, facts={**_here(), **facts})


def _why_not(directory: JobDirectory) -> Skipped | None:
    """Why the job cannot run here."""
    refused = RunDirectory(directory.run_path).prepared() or {}
    job = directory.job
    return refused.get(job.key) or find_flow(job.flow).missing_requirement(job, probe(), missing_capabilities())


def _here() -> dict[str, Json]:
    """What an attempt may depend on that differs from machine to machine."""
    state = git_state(Path.cwd())
    packages: dict[str, Json] = {**package_versions()}
    here: dict[str, Json] = {"node": platform.node(), "python": platform.python_version(), "packages": packages}
    return here if state is None else {**here, **state}


if __name__ == "__main__":
    sys.exit(main())
