"""Nobody may change a run that tests judge: what its files looked like before the first test, and at the end.

The first process that is about to give a run to a test notes each file's size and time of change in the session's
directory; the controller compares. A test can still write, but not unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = "judged"
_UNJUDGED = "not-judged"


class Judged(NamedTuple):
    """A run that tests were given: the root it had then, and whether this session trained it."""

    run: Path
    root: str
    trained: bool


class Touched(NamedTuple):
    """A run directory that is not as it was, and what is different in it, file by file."""

    run: Path
    changes: tuple[str, ...]


def note_untouched(session: Path, run: Path, *, trained: bool) -> None:
    """Remember what *run* looks like now, unless a process of this session has done so before.

    *trained* says whether this session made it.
    """
    from extractor_flow.run.rundir import RunDirectory

    name = hashlib.sha256(os.fsencode(run)).hexdigest()
    note = session / _FOLDER / f"{name}.json"
    if note.exists():
        return
    note.parent.mkdir(exist_ok=True)
    draft = note.with_suffix(f".{os.getpid()}")
    seen = {"run": str(run), "root": RunDirectory(run).root(), "trained": trained, "files": dict(_look(run))}
    draft.write_text(json.dumps(seen), encoding="utf-8")
    # Two processes may look at once. The later one may see what the first one's test wrote: the first note counts.
    with suppress(FileExistsError):
        os.link(draft, note)
    draft.unlink()


def note_unjudged(session: Path) -> None:
    """Remember that a test did not judge the existing run, because it is not that test's."""
    (session / _FOLDER).mkdir(exist_ok=True)
    (session / _FOLDER / _UNJUDGED).touch()


def judged_by_no_test(session: Path) -> bool:
    """Whether tests asked for the existing run, and it was none of theirs."""
    return (session / _FOLDER / _UNJUDGED).exists() and not any((session / _FOLDER).glob("*.json"))


def judged_runs(session: Path) -> list[Judged]:
    """The runs that this session's tests were given, as far as they were bound by a root."""
    notes = [json.loads(note.read_text(encoding="utf-8")) for note in sorted((session / _FOLDER).glob("*.json"))]
    return [Judged(Path(note["run"]), note["root"], note["trained"]) for note in notes if note["root"] is not None]


def touched_runs(session: Path) -> list[Touched]:
    """The runs of this session that were changed after they were given to the first test."""
    found = []
    for note in sorted((session / _FOLDER).glob("*.json")):
        noted = json.loads(note.read_text(encoding="utf-8"))
        run = Path(noted["run"])
        changes = tuple(_changes(noted["files"], dict(_look(run))))
        if changes:
            found.append(Touched(run, changes))
    return found


def _look(run: Path) -> Iterator[tuple[str, list[int]]]:
    for place, _folders, names in os.walk(run):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - there may be hundreds of thousands
            with suppress(OSError):
                seen = os.lstat(path)
                yield os.path.relpath(path, run), [seen.st_size, seen.st_mtime_ns]


def _changes(before: dict[str, list[int]], after: dict[str, list[int]]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name}: removed"
        elif name not in before:
            yield f"{name}: added"
        elif before[name] != after[name]:
            yield f"{name}: written to"
