"""What a run ends with, in the words of its ``summary.json``: the same on a terminal, in pytest and in a log."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from extractor_flow.layout import PAGE
from extractor_flow.study.summary import RUN_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_DETAILS, _MOST_JOBS = 3, 3


def verdict_lines(data: Mapping[str, Any]) -> list[str]:
    """The sentence of the verdict, then the facts behind it and its limits; nothing where there is no verdict."""
    verdict = data.get("verdict")
    if verdict is None:
        return []
    details, limits = verdict["details"], verdict["limits"]
    more = [f"{len(details) - _MOST_DETAILS} more facts are in {PAGE}"] if len(details) > _MOST_DETAILS else []
    return [verdict["sentence"], *details[:_MOST_DETAILS], *more, *(f"limit: {limit}" for limit in limits)]


def note_lines(data: Mapping[str, Any]) -> list[str]:
    """What else a reader should know, but for what the limits of the verdict say."""
    limits = data.get("verdict", {}).get("limits", ())
    return [f"note: {note}" for note in data.get("notes", ()) if note not in limits]


def failure_lines(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each reason once: the status, and the jobs with their reason."""
    return [(group["status"], f"{_some(group['jobs'])}: {group['reason']}") for group in data.get("failures", ())]


def next_lines(data: Mapping[str, Any], place: str) -> list[str]:
    """The commands that go on from the run, which is at *place*."""
    return [command.replace(RUN_DIR, shlex.quote(place)) for command in data.get("next", ())]


def _some(jobs: list[str]) -> str:
    if len(jobs) == 1:
        return jobs[0]
    more = f" and {len(jobs) - _MOST_JOBS} more" if len(jobs) > _MOST_JOBS else ""
    return f"{len(jobs)} jobs ({', '.join(jobs[:_MOST_JOBS])}{more})"
