"""The names of the files that every run has, and of those that every job has in its directory.

The only place where they are written; a flow's own ``layout.py`` has the names of what its jobs leave beside them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

RUN = "run.json"
PREPARED = "prepared.json"
JOURNAL = "records.jsonl"
LOG = "run.log"
SUMMARY = "summary.json"
MARKDOWN = "summary.md"
MANIFEST = "training_manifest.json"
SKIPS = "skip_summary.json"
HISTORICAL = "complete_results.json"
PAGE = "report.html"
TABLE = "summary.csv"
FIGURES = "figures"
CHARTS = "charts"
SUBJECTS = "subjects.json"
UNPUBLISHED = "UNPUBLISHED"
ARCHIVE = "archive.json"
LOCK = ".lock"
"""Beside the run's own files; a job's directory has one under the same name."""

LATEST = "latest"
"""Beside the runs of one place: a link to the one that was published last."""
LATEST_TEXT = "latest.txt"
"""The same where there can be no links: a file with the name of the run's directory."""
STARTS = "runs.jsonl"
"""Beside the runs of one place: a line for each start."""
STARTS_LOCK = ".runs.lock"

JOB = "job.json"
RESULT = "result.json"
JOB_LOG = "train.log"
PROGRESS = "progress.json"
FAILURE_PAGE = "failure.html"
"""In the directory of a job that failed: why, for people."""
ATTEMPT = re.compile(r"attempt-([0-9]{1,9})\.(json|log)")
"""The notes and logs of a job's attempts, by number and kind."""

_CHART = re.compile(r"[A-Za-z0-9_-]+\.svg")
_FIGURE = re.compile(r"[A-Za-z0-9_-]+\.png")

OF_A_RUN = frozenset(
    {
        RUN,
        PREPARED,
        JOURNAL,
        LOG,
        SUMMARY,
        MARKDOWN,
        MANIFEST,
        SKIPS,
        HISTORICAL,
        PAGE,
        TABLE,
        SUBJECTS,
        UNPUBLISHED,
        ARCHIVE,
    }
)
"""Every file that lies in a run's directory itself, hidden ones apart."""


def attempt_note(number: int) -> str:
    """The file in which an attempt notes that it has begun."""
    return f"attempt-{number}.json"


def attempt_log(number: int) -> str:
    """Where the log of an attempt is kept once there is another attempt."""
    return f"attempt-{number}.log"


def is_hidden(path: str) -> bool:
    """Whether *path*, relative to the run, is a hidden file or lies in a hidden folder, as locks do, and git's own."""
    return path.startswith(".") or "/." in path


def is_figure(path: str) -> bool:
    """Whether *path*, relative to the run, is where a figure of the whole run lies."""
    folder, _, name = path.rpartition("/")
    return folder == FIGURES and _FIGURE.fullmatch(name) is not None


def is_chart(path: str) -> bool:
    """Whether *path*, relative to the run, is where a chart of the run's page lies as a file of its own."""
    folder, _, name = path.rpartition("/")
    return folder == CHARTS and _CHART.fullmatch(name) is not None


def is_beside_the_page(path: str, directories: Collection[str]) -> bool:
    """Whether *path* is where a chart lies, or the page of a failed job in one of *directories*."""
    folder, _, name = path.rpartition("/")
    return is_chart(path) or (name == FAILURE_PAGE and folder in directories)


def is_the_holders(path: str) -> bool:
    """Whether only the process that holds the run writes the file at *path*; jobs may write the others meanwhile."""
    return "/" not in path or is_chart(path) or path.endswith(f"/{FAILURE_PAGE}")


def tells_of_a_job(name: str) -> bool:
    """Whether the file *name* of a job's directory says what the job was to do, and what became of it."""
    attempt = ATTEMPT.fullmatch(name)
    return name in {JOB, RESULT, FAILURE_PAGE} or (attempt is not None and attempt[2] == "json")


def is_protocol(name: str) -> bool:
    """Whether the file *name* of a job's directory is every job's own; its log is not, which a flow may well claim."""
    return name in {PROGRESS, LOCK} or tells_of_a_job(name) or ATTEMPT.fullmatch(name) is not None


def is_of_every_job(name: str) -> bool:
    """Whether the file *name* of a job's directory is one that every job may have, whatever its flow."""
    return name == JOB_LOG or is_protocol(name)
