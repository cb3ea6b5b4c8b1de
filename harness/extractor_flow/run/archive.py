"""Slim copies of runs, fit for git: what people read, the small evidence, and the digest of everything left out."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.files import write_json
from extractor_flow.readers.paths import ConfinedDirectory, own_files
from extractor_flow.run.rundir import ARCHIVE, FIGURES, RunDirectory
from extractor_flow.study.records import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor_flow.files import Json
    from extractor_flow.readers.paths import Listing

LARGEST = 64 * 1024
"""The largest file of a job that a slim copy keeps, in bytes, unless told otherwise."""

_ALWAYS_KEPT = re.compile(r"(?:[^/]+/)+(?:job\.json|result\.json|attempt-[0-9]+\.json)")


@dataclass(frozen=True)
class SlimCopy:
    """What a slim copy holds and what was left out of it: sizes in bytes by path."""

    kept: dict[str, int]
    left_out: dict[str, int]


def archive(run_directory: Path, destination: Path, *, largest: int = LARGEST) -> SlimCopy:
    """Copy a published run to *destination*, which must not exist, leaving out the files of jobs above *largest* bytes.

    Every file of the run itself is kept, its figures, and each job's order, attempts and result. The list of what was
    left out, with digests and sizes, is ``archive.json``. *destination* is there whole or not at all.
    :class:`RequestError` when it exists already or is inside the run, :class:`RunDirectoryError` when the run is none,
    was never published, or cannot be copied as it is.
    """
    run = RunDirectory.open(run_directory)
    _require_archivable(run, destination)
    files = ConfinedDirectory(run.path)
    copy = _choose(_sizes(own_files(run.path)), largest)
    destination.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    try:
        _copy(files, copy.kept, place)
        listed = {"schema_version": SCHEMA_VERSION, "largest": largest, "left_out": _list(files, copy.left_out)}
        write_json(place / ARCHIVE, listed)
        place.chmod(0o755)
        place.rename(destination)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return copy


def _require_archivable(run: RunDirectory, destination: Path) -> None:
    if destination.exists() or destination.is_symlink():
        msg = f"{destination}: exists already; name a directory that does not"
        raise RequestError(msg)
    if run.path.resolve() in destination.resolve().parents:
        msg = f"{destination}: is inside the run {run.path}; name a directory outside it"
        raise RequestError(msg)
    if (run.path / ARCHIVE).exists():
        msg = f"{run.path}: is a slim copy already (it has {ARCHIVE}); copy it as it is"
        raise RunDirectoryError(msg)
    if not run.is_published():
        msg = f"{run.path}: is not published; resume it, or publish what it has with `extractor-flow report`"
        raise RunDirectoryError(msg)


def _sizes(listing: Listing) -> dict[str, int]:
    """The run's files, hidden ones left aside."""
    return {path: size for path, size in listing.files.items() if not path.split("/")[-1].startswith(".")}


def _choose(sizes: dict[str, int], largest: int) -> SlimCopy:
    kept = {path: size for path, size in sizes.items() if is_always_kept(path) or size <= largest}
    return SlimCopy(kept, {path: size for path, size in sizes.items() if path not in kept})


def is_always_kept(path: str) -> bool:
    """Whether a slim copy keeps the file at *path* whatever its size."""
    return "/" not in path or path.startswith(f"{FIGURES}/") or _ALWAYS_KEPT.fullmatch(path) is not None


def _copy(files: ConfinedDirectory, paths: Iterable[str], place: Path) -> None:
    for path in paths:
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(path) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy)


def _list(files: ConfinedDirectory, left_out: dict[str, int]) -> list[Json]:
    return [{"path": path, "sha256": files.sha256(path), "size_bytes": size} for path, size in left_out.items()]
