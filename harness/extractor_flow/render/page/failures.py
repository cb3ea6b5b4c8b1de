"""Why jobs did not complete: each reason once, and a page of its own for each job that left a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.render.formats import duration
from extractor_flow.render.page.templating import rendered
from extractor_flow.study.records import Failed
from extractor_flow.study.summary import failures_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor_flow.study.records import JobRecord, RunSummary

# A stranger's journal may name any place; a link, and a file, stay inside the run.
_DIRECTORY = re.compile(r"(?!\.)[A-Za-z0-9._-]+(?:/(?!\.)[A-Za-z0-9._-]+)*")
_LINES, _LINE = 20, 2000  # as many as a record quotes; a line without an end says no more after so many characters


def grouped(records: Sequence[JobRecord]) -> list[dict[str, Any]]:
    """Each reason with its jobs, which link to their pages, and how the log of the first of them ended."""
    failed = {record.label: record for record in records if has_page(record)}
    return [
        {
            "status": group.status,
            "code": group.code,
            "reason": group.reason,
            "jobs": [(label, link_to(failed.get(label))) for label in group.jobs],
            "log": next(((label, log_of(failed[label])) for label in group.jobs if label in failed), None),
        }
        for group in failures_of(records)
    ]


def has_page(record: JobRecord) -> bool:
    """Whether *record* tells of a job that failed and left a log: what a page of its own is for."""
    inside = _DIRECTORY.fullmatch(record.directory) is not None
    return isinstance(record.outcome, Failed) and bool(record.outcome.log_tail) and inside


def page_path(record: JobRecord) -> str:
    """Where the page of the failed job is, relative to the run."""
    return f"{record.directory}/{layout.FAILURE_PAGE}"


def link_to(record: JobRecord | None) -> str | None:
    """How the run's page links to that of *record*; ``None`` where it has none."""
    return None if record is None or not has_page(record) else page_path(record)


def log_of(record: JobRecord) -> str:
    """The end of the job's log, of a bounded size."""
    tail = record.outcome.log_tail if isinstance(record.outcome, Failed) else ()
    return "\n".join(line if len(line) <= _LINE else f"{line[:_LINE]} [...]" for line in tail[-_LINES:])


def failure_page(record: JobRecord, summary: RunSummary) -> str:
    """The page of one failed job: why it failed, how its log ended, where and when it ran, what to do."""
    return rendered(
        "failure.html.jinja",
        job=record,
        run_id=summary.run_id,
        up="../" * len(record.directory.split("/")),
        log=log_of(record),
        facts=_facts(record),
    )


def _facts(record: JobRecord) -> list[tuple[str, str | None]]:
    machine = record.hardware
    seconds = record.duration_seconds
    return [
        ("Attempt", str(record.attempt)),
        ("Began", record.start_time),
        ("Ended", record.end_time),
        ("Took", None if seconds is None else duration(seconds)),
        (
            "Machine",
            None if machine is None else f"{machine.platform}, {machine.arch}, {machine.gpu_model or 'no GPU'}",
        ),
        ("Directory", record.directory),
        ("Job key", record.job_key),
    ]
