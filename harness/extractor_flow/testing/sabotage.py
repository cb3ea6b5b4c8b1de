"""Runs jobs that go wrong on purpose: ``python -m extractor_flow.testing.sabotage KIND=DIRECTORY...``.

Each job is run as :mod:`job` runs it, and is disturbed when its flow first reports progress: by an exception
(``raise``), by SIGTERM (``interrupt``) or by SIGKILL (``kill``, the end of this process, so the last one).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Never

from extractor_flow.run.job import run_job
from extractor_flow.run.jobdir import JobDirectory

_MESSAGE = "raised on purpose by the conformance check"
DISTURBED = "disturbed"


class SabotageError(RuntimeError):
    """What a disturbed job meets."""


class Sabotaged(JobDirectory):
    """A job's directory in which reporting progress goes wrong; a file beside the jobs says that it came to that."""

    def progress(self, done: int, total: int, **facts: float) -> Never:
        """Never returns."""
        del done, total, facts
        (self.run_path / DISTURBED).touch()
        self._disturb()
        raise SabotageError(_MESSAGE)

    def _disturb(self) -> None:
        """Nothing but the exception."""


class Interrupting(Sabotaged):
    """A job that is asked to stop, as by Ctrl-C or a queue."""

    def _disturb(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


class Killing(Sabotaged):
    """A job whose process is killed, as when memory runs out."""

    def _disturb(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


KINDS = {"raise": Sabotaged, "interrupt": Interrupting, "kill": Killing}


def main(paths: list[str]) -> int:
    """Run the jobs named in *paths* one after the other; 0 if this process lives to the end."""
    for word in paths:
        kind, _, path = word.partition("=")
        run_job(KINDS[kind].open(Path(path)), capture=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
