"""Makes what a run's jobs share, before they start: ``python -m extractor_flow.run.prepare RUN_DIRECTORY``.

A flow with a ``prepare`` member is called once, in a process of its own; its answer, which jobs cannot run and why, is
kept in ``prepared.json``, so that a resumed run does not ask again.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import HarnessError, JobError
from extractor_flow.files import printable
from extractor_flow.readers.paths import own_files
from extractor_flow.registry import find_flow
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.flow import SupportsPrepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extractor_flow.study.flow import Flow
    from extractor_flow.study.records import Skipped

_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0
_LAST_LINES = 5


def prepare_run(run: RunDirectory, flow: Flow, interrupted: Callable[[], bool]) -> Mapping[str, Skipped]:
    """Why jobs of *run* cannot run, by job key; what they share is there afterwards.

    :class:`JobError` when the preparation fails or is *interrupted*; a later resume prepares again.
    """
    if not isinstance(flow, SupportsPrepare):
        return {}
    if (known := run.prepared()) is not None:
        return known
    command = [sys.executable, "-P", "-m", "extractor_flow.run.prepare", str(run.path)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        complaint = _wait(process, interrupted)
    refused = run.prepared()
    if process.returncode != 0 or refused is None:
        last = "\n".join(printable(complaint).strip().splitlines()[-_LAST_LINES:])
        msg = f"{run.path}: preparing the jobs failed: {last or f'exit code {process.returncode}'}"
        raise JobError(msg)
    return refused


def _wait(process: subprocess.Popen[str], interrupted: Callable[[], bool]) -> str:
    """What the process has written to standard error when it ends; it is stopped once *interrupted* returns true."""
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            if interrupted():
                process.terminate()
                return _last_words(process)


def _last_words(process: subprocess.Popen[str]) -> str:
    try:
        process.communicate(timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return "interrupted"


def main(arguments: list[str]) -> int:
    """Prepare the run; 0, or an error's exit code with its message on standard error."""
    try:
        run = RunDirectory.open(arguments[0])
        own_files(run.path)
        request = run.request()
        flow: Any = find_flow(request["flow"])
        run.write_prepared(dict(flow.prepare(request["config"], run.path)))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
