"""The folder of ``--evidence``: which one may be taken, what is in it, and its index.

Every file in it is whole or absent. ``index.json`` (``contracts/evidence_index.schema.json``) lists the others with
digest and size; ``index.md`` says the same for people. Both are there from the start, so that a killed session leaves
an index of what it had got to.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA_VERSION = 1
INDEX, READABLE = "index.json", "index.md"
COLLECTED, OUTCOMES = "collected.json", "outcomes.jsonl"
LANE, JUNIT = "lane.jsonl", "junit.xml"
LOGS, RUNS = "logs", "runs"
_PARTIAL = f"{OUTCOMES}.partial"
# A lane report may be written right into the folder.
_OWN = frozenset({INDEX, READABLE, COLLECTED, OUTCOMES, _PARTIAL, LANE, f"{LANE}.partial", JUNIT, LOGS, RUNS})


def refuse_foreign(folder: Path) -> None:
    """Raise ``pytest.UsageError`` if *folder* holds anything but an earlier session's evidence."""
    if folder.exists() and not folder.is_dir():
        msg = f"--evidence {folder}: is a file; name a new directory"
        raise pytest.UsageError(msg)
    found = _names(folder)
    if found and not _is_index(folder / INDEX):
        msg = f"--evidence {folder}: is not empty, and holds no evidence of an earlier session; name a new directory"
        raise pytest.UsageError(msg)
    if foreign := sorted(found - _OWN):
        msg = f"--evidence {folder}: holds other things than an earlier session's evidence: {', '.join(foreign)}"
        raise pytest.UsageError(msg)


def clear(folder: Path) -> None:
    """Remove an earlier session's evidence: two sessions' are never mixed. The open journal stays."""
    for name in sorted(_names(folder) & (_OWN - {_PARTIAL})):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


class EvidenceFolder:
    """The files of one session's evidence, each listed once it is there; :meth:`write_index` publishes the list."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, dict[str, Any]] = {}

    def add_text(self, kind: str, name: str, text: str) -> None:
        """Write a small file."""
        _write(self._made(name), text)
        self.add(kind, name)

    def add_copy(self, kind: str, name: str, source: Path) -> bool:
        """Copy *source* if it is a regular file; whether it was."""
        target = self._made(name)
        if source.is_symlink() or not source.is_file():
            return False
        if not (target.exists() and target.samefile(source)):
            temporary = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(source, temporary)
            temporary.replace(target)
        self.add(kind, name)
        return True

    def add(self, kind: str, name: str) -> None:
        """List a file that is there and will not change any more."""
        from extractor_flow.files import sha256_of

        path = self.path / name
        self._files[name] = {
            "path": name,
            "kind": kind,
            "sha256": sha256_of(path),
            "size_bytes": path.stat().st_size,
        }

    def write_index(self, session: Mapping[str, Any]) -> None:
        """Write both indexes: what is known of the session, and the files that are there."""
        from extractor_flow.files import dumps
        from pytest_extractor_flow.evidence.page import render

        files = [self._files[name] for name in sorted(self._files)]
        index = {"schema_version": SCHEMA_VERSION, **session, "files": files}
        _write(self.path / READABLE, render(index))
        _write(self.path / INDEX, dumps(index))

    def _made(self, name: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def free_name(taken: Iterator[str], wanted: str) -> str:
    """*wanted* in characters that every platform can carry, with a number if it is taken."""
    import re

    known = set(taken)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).lstrip(".-")[:100] or "run"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(known) + 2))
    return next(name for name in numbered if name not in known)


def _write(path: Path, text: str) -> None:
    """Write *text* whole; a name that is no text at all becomes an escape that JSON knows too."""
    from extractor_flow.files import write_bytes

    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def _is_index(path: Path) -> bool:
    from extractor_flow.contracts import violations
    from extractor_flow.errors import DataError
    from extractor_flow.files import read_json

    try:
        return not violations(read_json(path), "evidence_index")
    except DataError:
        return False
