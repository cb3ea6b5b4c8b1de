"""The runs of a session, for its evidence: noted by whoever uses one, found in the output of each executed command."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_extractor_flow.evidence.folder import RUNS, free_name
from pytest_extractor_flow.shared import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from pytest_extractor_flow.evidence.folder import EvidenceFolder

_LOG_LINES = 200
_NOTES = "evidence"


def note_run(config: pytest.Config, directory: Path, verdict: Mapping[str, Any] | None = None) -> None:
    """Have the run in *directory* archived, with *verdict*, a value of the contract ``verdict``, if there is one.

    Callable in any process of a session, as often as one likes; without ``--evidence`` it does nothing.
    """
    if config.getoption("evidence", None) is None:
        return
    from extractor_flow.files import write_json

    notes = config.stash[STATE].directory() / _NOTES
    notes.mkdir(exist_ok=True)
    path = str(directory.resolve())
    note = notes / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    if verdict is not None or not note.exists():
        write_json(note, {"directory": path, "verdict": verdict}, durable=False)


def noted_runs(session_directory: Path) -> Iterator[tuple[Path, Mapping[str, Any] | None]]:
    """Every run of :func:`note_run` in any process, with its verdict."""
    from extractor_flow.files import read_json

    for note in sorted((session_directory / _NOTES).glob("*.json")):
        data = cast("dict[str, Any]", read_json(note))
        yield Path(data["directory"]), data["verdict"]


def runs_below(directory: Path) -> Iterator[Path]:
    """Every run directory in *directory*; links are not followed."""
    from extractor_flow.layout import RUN

    for place, folders, files in os.walk(directory):
        folders.sort()
        if RUN in files:
            folders.clear()
            yield Path(place)


class Runs:
    """Archives runs in a folder, each once."""

    def __init__(self, folder: EvidenceFolder) -> None:
        self._folder = folder
        self._taken: dict[Path, dict[str, Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        """What the index says of each run."""
        return list(self._taken.values())

    def archive(self, run: Path, verdict: Mapping[str, Any] | None) -> None:
        """Copy the small files of *run* that a reviewer reads, the ends of its logs, and *verdict*; each if there."""
        run = run.resolve()
        if run in self._taken:
            return
        names = (Path(row["folder"]).name for row in self._taken.values())
        folder = f"{RUNS}/{free_name(names, run.name)}"
        self._taken[run] = {
            "folder": folder,
            "directory": str(run),
            **({} if verdict is None else {"verified": verdict["conclusion"] == "verified"}),
        }
        self._copy(run, folder)
        self._logs(run, folder)
        if verdict is not None:
            from extractor_flow.files import dumps

            self._folder.add_text("verdict", f"{folder}/verdict.json", dumps(verdict))

    def _copy(self, run: Path, folder: str) -> None:
        from extractor_flow import layout

        for name in (layout.RUN, layout.SUMMARY, layout.MARKDOWN, layout.MANIFEST, layout.SKIPS):
            self._folder.add_copy("run", f"{folder}/{name}", run / name)

    def _logs(self, run: Path, folder: str) -> None:
        from extractor_flow.layout import JOB_LOG, LOG

        found = [run / LOG, *sorted(run.glob(f"**/{JOB_LOG}"))]
        names: list[str] = []
        for log in found:
            if log.is_symlink() or not log.is_file():
                continue
            names.append(free_name(iter(names), "-".join(log.relative_to(run).parts)))
            self._folder.add_text("run_log", f"{folder}/logs/{names[-1]}", _end_of(log))


def _end_of(log: Path) -> str:
    """The last lines, without control characters."""
    from pytest_extractor_flow.once.execution import tail

    return tail(log, _LOG_LINES) + "\n"
