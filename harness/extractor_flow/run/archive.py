"""Slim copies of runs, small enough for git: what people read, small evidence, and digests of all that is left out."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.files import write_json, write_text
from extractor_flow.layout import ARCHIVE, CHARTS, FIGURES, is_hidden, tells_of_a_job
from extractor_flow.readers.paths import ConfinedDirectory, own_files
from extractor_flow.registry import find_flow
from extractor_flow.run.outgoing import TEXTS, Outgoing, text_of
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.job_contract import small_artifacts
from extractor_flow.study.records import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extractor_flow.readers.paths import Listing

LARGEST = 64 * 1024
"""The largest file of a job that a slim copy keeps, in bytes, unless told otherwise."""

# Git may give text other line ends when it is checked out: its digest would not fit any more.
_ATTRIBUTES = "* -text\n"


@dataclass(frozen=True)
class SlimCopy:
    """What a slim copy holds and what was left out of it: sizes in bytes by path.

    ``tells`` lists, by kind, the files that reveal something to outsiders; ``redacted`` those in which
    something was replaced.
    """

    kept: dict[str, int]
    left_out: dict[str, int]
    tells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    redacted: tuple[str, ...] = ()


def archive(run_directory: Path, destination: Path, *, largest: int = LARGEST, redact: bool = False) -> SlimCopy:
    """Copy a published run to *destination*, which must not exist, leaving out the files of jobs above *largest* bytes.

    Every file of the run itself is kept, its figures, and each job's spec, attempts and result. The list of what was
    left out, with digests and sizes, is ``archive.json``. With *redact*, home directories, names of users and hosts and
    what looks like a secret are replaced in texts and in the names of files; such a copy names the files that are not
    the run's own any more, and the root of the run. *destination* is there whole or not at all.
    :class:`RequestError` when it exists already or is inside the run, :class:`RunDirectoryError` when it is not a run,
    was never published, or cannot be copied as it is.
    """
    run = RunDirectory.open(run_directory)
    run.request()
    _require_archivable(run, destination)
    copy = _choose(_sizes(own_files(run.path)), largest, _declared_small(run))
    destination.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    try:
        _copy(ConfinedDirectory(run.path), copy.kept, place)
        copy = _complete(run, copy, place, largest, redact=redact)
        place.chmod(0o755)
        place.rename(destination)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return copy


def _complete(run: RunDirectory, copy: SlimCopy, place: Path, largest: int, *, redact: bool) -> SlimCopy:
    """Write the list of what was left out, and find, or replace, what the copied files reveal."""
    known = Outgoing.of_this_machine()
    left_out = _list(ConfinedDirectory(run.path), copy.left_out)
    listed: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "largest": largest, "left_out": left_out}
    redacted: list[str] = []
    if redact:
        redacted = sorted(name for path in copy.kept if (name := _redact(place, path, known)) is not None)
        listed["left_out"] = [{**entry, "path": known.redacted(entry["path"])} for entry in left_out]
        listed["redacted"] = {"root": run.root(), "files": redacted}
    write_json(place / ARCHIVE, listed)
    write_text(place / ".gitattributes", _ATTRIBUTES)
    return replace(copy, tells=_revealed(place, known), redacted=tuple(redacted))


def _redact(place: Path, path: str, known: Outgoing) -> str | None:
    """Redact the file at *path* and its name; the new name, or ``None`` if nothing was changed."""
    name, changed = known.redacted(path), False
    if path.endswith(TEXTS):
        text = (place / path).read_bytes().decode("utf-8", "surrogateescape")
        changed = (redacted := known.redacted(text)) != text
        if changed:
            (place / path).write_bytes(redacted.encode("utf-8", "surrogateescape"))
    if name != path:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / path).rename(place / name)
    return name if changed else None


def _revealed(place: Path, known: Outgoing) -> dict[str, tuple[str, ...]]:
    """What the copied files reveal, and which of them."""
    revealed: dict[str, list[str]] = defaultdict(list)
    for file in sorted(path for path in place.rglob("*") if path.is_file()):
        name = file.relative_to(place).as_posix()
        for what in dict.fromkeys(known.revealed_in(f"{name}\n{text_of(name, file.read_bytes())}")):
            revealed[what].append(name)
    return {what: tuple(files) for what, files in sorted(revealed.items())}


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
    """The run's files, except hidden ones."""
    return {path: size for path, size in listing.files.items() if not is_hidden(path)}


def _declared_small(run: RunDirectory) -> frozenset[str]:
    """The artifacts that the run's flow, where it is installed, wants in every copy."""
    try:
        return small_artifacts(find_flow(run.request()["flow"]).contract, run.records())
    except RequestError:
        return frozenset()


def _choose(sizes: dict[str, int], largest: int, small: frozenset[str]) -> SlimCopy:
    kept = {path: size for path, size in sizes.items() if is_always_kept(path) or path in small or size <= largest}
    return SlimCopy(kept, {path: size for path, size in sizes.items() if path not in kept})


def is_always_kept(path: str) -> bool:
    """Whether a slim copy keeps the file at *path* whatever its size."""
    folder, _, name = path.rpartition("/")
    return not folder or folder.partition("/")[0] in {CHARTS, FIGURES} or tells_of_a_job(name)


def _copy(files: ConfinedDirectory, paths: Iterable[str], place: Path) -> None:
    for path in paths:
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(path) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy)


def _list(files: ConfinedDirectory, left_out: dict[str, int]) -> list[dict[str, Any]]:
    return [{"path": path, "sha256": files.sha256(path), "size_bytes": size} for path, size in left_out.items()]
