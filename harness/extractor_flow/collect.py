"""Ends a run whose jobs a queue has run: ``python -m extractor_flow.collect EXECUTOR RUN_DIRECTORY``.

Every result that stands in a job's directory comes into the journal; a job whose task has ended without one is recorded
as what that amounts to. Then the run is published. Who follows the run does all of this itself, and is waited for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from extractor_flow.errors import HarnessError
from extractor_flow.executors.lost_process import Stopwatch, conclude, result_of
from extractor_flow.job import is_final
from extractor_flow.registry import find_executor, find_flow
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.run.publish import publish
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.run.session import journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.study.records import Failed, JobRecord

_PATIENCE = 3600.0
"""Seconds; who holds the run writes records or publishes it, which takes minutes at ten thousand jobs."""


def main(arguments: list[str]) -> int:
    """Collect and publish; 0, or an error's exit code with its message on standard error."""
    from loguru import logger

    logger.remove()  # the run has a log, and the run's last file lists whatever else this process would write
    executor, path = arguments
    try:
        run = RunDirectory.open(path)
        flow = find_flow(run.request()["flow"])
        with run.exclusively(patience=_PATIENCE), run.logging():
            if not run.is_published():
                run.repair_journal()
                places = {job["directory"] for job in run.request()["jobs"]}
                collect(run, find_executor(executor).queue_of(run.path).causes(places) or {})
                publish(run, flow)
                run.point_latest_here()
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def collect(run: RunDirectory, causes: Mapping[str, Failed]) -> None:
    """Journal what the directories of the run's jobs tell and the journal does not; *causes* is why there is no result.

    A job without a result for which there is no cause may still run, and is left out.
    """
    last = {record.job_key: record for record in run.journal()}
    found = [record for record in _records(run, causes, last) if record != last.get(record.job_key)]
    for record in sorted(found, key=lambda record: record.end_time or record.start_time):
        journal(run, record)


def _records(run: RunDirectory, causes: Mapping[str, Failed], last: Mapping[str, JobRecord]) -> Iterator[JobRecord]:
    for job in run.request()["jobs"]:
        place = run.path / job["directory"]
        if not place.is_dir():
            continue  # never submitted: its record is in the journal, if there is one
        directory = JobDirectory.open(place)
        result, cause = result_of(directory), causes.get(job["directory"])
        if result is not None and is_final(result):
            yield result
        elif cause is not None:
            before = last.get(job["job_key"])
            recorded = 0 if before is None or before.end_time is None else before.attempt
            watch = Stopwatch.of_the_last_attempt(directory, recorded)
            yield conclude(directory, watch, exit_code=None, cause=cause)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
