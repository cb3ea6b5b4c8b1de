"""Opens files beneath a directory and nowhere else, whatever stands in the directory."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from extractor_flow.errors import RunDirectoryError
from extractor_flow.readers.errors import Kind, ReadError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

COUNT_LIMIT = 1_000_000
DEPTH_LIMIT = 32
PATH_LIMIT = 4096
SIZE_LIMIT = 16 << 30
_CHUNK = 1024 * 1024
_BLOCK = 512  # the unit of st_blocks, whatever the file system's is
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_NAMES = {"", ".", ".."}
_LINK_REFUSED = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}


@dataclass(frozen=True)
class Listing:
    """The regular files beneath a directory with their sizes in bytes, and what else was found there.

    ``holes`` has the bytes that the disk holds of each file that is longer than that.
    """

    files: dict[str, int]
    refused: tuple[ReadError, ...]
    holes: dict[str, int] = field(default_factory=dict)


class _Folder:
    """An open directory; it is closed when nothing refers to it any more."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor

    def __del__(self) -> None:
        """Close it."""
        os.close(self.descriptor)


class ConfinedDirectory:
    """The files beneath *root*; the root may be reached by a link, nothing beneath it may be one."""

    def __init__(self, root: Path, spend: Callable[[str, int], None] | None = None) -> None:
        """Files beneath *root*; *spend* hears the path of each that is read, and how many bytes."""
        self.root = root
        self.spend = spend
        self._digests: dict[str, bytes] = {}
        self._listing: Listing | None = None
        self._way: list[_Folder] = []  # the directories that are open: the root, one in it, one in that

    @contextmanager
    def open(self, path: str, *, limit: int = SIZE_LIMIT) -> Iterator[BinaryIO]:
        """The regular file at *path* (relative, ``/`` between components) of at most *limit* bytes, for reading.

        Every component is opened by its own name inside its already opened parent, and no link is followed.
        """
        descriptor, size = self._opened(path)
        raw = _Counted(descriptor, partial(self.spend, path)) if self.spend else io.FileIO(descriptor)
        with io.BufferedReader(raw) as stream:
            if size > limit:
                raise ReadError(Kind.TOO_LARGE, path, f"{size} bytes; at most {limit} are read")
            yield stream

    def size(self, path: str) -> int:
        """The size in bytes of the regular file at *path*."""
        descriptor, size = self._opened(path)
        os.close(descriptor)
        return size

    def sha256(self, path: str) -> str:
        """The hexadecimal SHA-256 of the file at *path*, read in pieces and no further than its size.

        It is read once: the answer stays the same even if the file changes meanwhile.
        """
        if path not in self._digests:
            self._digests[path] = self._measure(path)
        return self._digests[path].hex()

    def _measure(self, path: str) -> bytes:
        digest = hashlib.sha256()
        descriptor, left = self._opened(path)
        try:
            while left > 0 and (chunk := os.read(descriptor, min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
                if self.spend:
                    self.spend(path, len(chunk))
        except OSError as error:
            raise _unreadable(path, error) from error
        finally:
            os.close(descriptor)
        return digest.digest()

    def has(self, path: str) -> bool:
        """Whether a regular file can be opened at *path*."""
        try:
            self.size(path)
        except ReadError:
            return False
        return True

    def walk(self, beneath: str = "", *, limit: int = COUNT_LIMIT) -> Listing:
        """Every file beneath the root, or *beneath* a directory in it, sorted by path.

        More than *limit* entries, or 32 levels, raise.
        """
        found: dict[str, int] = {}
        holes: dict[str, int] = {}
        refused: list[ReadError] = []
        for path, status in self._everything(beneath, limit):
            if problem := _not_utf8(path) or _not_regular(path, status):
                refused.append(problem)
            else:
                found[path] = status.st_size
                if (held := status.st_blocks * _BLOCK) < status.st_size:
                    holes[path] = held
        return Listing(dict(sorted(found.items())), tuple(sorted(refused, key=str)), holes)

    def listing(self, *, limit: int = COUNT_LIMIT) -> Listing:
        """What :meth:`walk` finds beneath the root the first time that it is asked for."""
        if self._listing is None:
            self._listing = self.walk(limit=limit)
        return self._listing

    def _everything(self, beneath: str, limit: int) -> Iterator[tuple[str, os.stat_result]]:
        """What lies beneath *beneath* and is no directory; more than *limit* entries, or 32 levels, raise."""
        pending = [beneath]
        seen = 0
        while pending:
            for path, status in self._entries(pending.pop()):
                seen += 1
                if seen > limit:
                    raise ReadError(Kind.TOO_MANY, path, f"more than {limit} files and directories")
                if not stat.S_ISDIR(status.st_mode):
                    yield path, status
                elif path.count("/") + 1 >= DEPTH_LIMIT:
                    raise ReadError(Kind.TOO_DEEP, path, f"deeper than {DEPTH_LIMIT} directories")
                else:
                    pending.append(path)

    def _entries(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        try:
            with os.scandir(self._folder(folder.split("/") if folder else [], folder)) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # renamed meanwhile by a job that is under way
                    yield f"{folder}/{entry.name}" if folder else entry.name, status
        except OSError as error:
            raise _unreadable(folder, error) from error

    def _opened(self, path: str) -> tuple[int, int]:
        """A descriptor of the regular file at *path*, and its size."""
        *folders, name = components(path)
        parent = self._folder(folders, path)
        try:
            # What the listing has as a regular file need not be looked at once more before it is opened.
            if self._listing is None or path not in self._listing.files:
                problem = _not_regular(path, os.stat(name, dir_fd=parent, follow_symlinks=False))
                if problem is not None:
                    raise problem
            # Meanwhile the name may have been given to a link or a FIFO: neither is followed nor waited for.
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        except OSError as error:
            raise _unreadable(path, error) from error
        status = os.fstat(descriptor)
        problem = _not_regular(path, status)
        if problem is not None:
            os.close(descriptor)
            raise problem
        return descriptor, status.st_size

    def _folder(self, folders: list[str], path: str) -> int:
        """The descriptor of a directory; those on the way to it stay open, as the next file lies in one of them."""
        if not self._way:
            self._way.append(_Folder("", _open_root(self.root)))
        kept = 1
        while kept <= len(folders) and kept < len(self._way) and self._way[kept].name == folders[kept - 1]:
            kept += 1
        del self._way[kept:]
        for name in folders[kept - 1 :]:
            self._way.append(_Folder(name, self._subfolder(name, path)))
        return self._way[-1].descriptor

    def _subfolder(self, name: str, path: str) -> int:
        """The descriptor of the directory *name* in the last one on the way to *path*."""
        parent = self._way[-1].descriptor
        try:
            return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        except OSError as error:
            with suppress(OSError):
                if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    link = shown("/".join([*(each.name for each in self._way[1:]), name]))
                    raise ReadError(Kind.SYMLINK, path, f"{link} is a symbolic link") from error
            raise _unreadable(path, error) from error


def own_files(root: Path, beneath: str = "") -> Listing:
    """The files of a directory that may be changed: a link, a FIFO or a device anywhere in it is refused.

    Every command that changes or copies a run checks the whole run first; one that changes a job's directory checks the
    way there (*beneath*) and its content. What does not exist yet is empty. :class:`RunDirectoryError`, exit code 2.
    """
    try:
        listing = ConfinedDirectory(root).walk(beneath)
    except ReadError as error:
        listing = Listing({}, () if error.kind == Kind.MISSING else (error,))
    if listing.refused:
        advice = "remove it, or put what it leads to in its place"
        msg = f"{root}: {listing.refused[0]}; nothing was changed: only plain files and directories are; {advice}"
        raise RunDirectoryError(msg, exit_code=2)
    return listing


class _Counted(io.FileIO):
    """A file that tells how many bytes are read of it."""

    def __init__(self, descriptor: int, spend: Callable[[int], None]) -> None:
        super().__init__(descriptor)
        self._spend = spend

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        count = super().readinto(buffer)
        self._spend(count or 0)
        return count

    def readall(self) -> bytes:
        data = super().readall()
        self._spend(len(data))
        return data


def components(path: str) -> list[str]:
    """The parts of a plain relative path; anything that could lead elsewhere is refused as ``outside``."""
    parts = path.split("/")
    if len(path) > PATH_LIMIT or len(parts) > DEPTH_LIMIT or not _NO_NAMES.isdisjoint(parts):
        raise ReadError(Kind.OUTSIDE, shown(path), "not a plain relative path inside the directory")
    if "\\" in path or "\0" in path:
        raise ReadError(Kind.OUTSIDE, shown(path), "a path with a backslash or a NUL")
    try:
        path.isascii() or os.fsencode(path)
    except UnicodeEncodeError as error:
        raise ReadError(Kind.NOT_UTF8, shown(path), "not a name that a file can have") from error
    return parts


def _open_root(root: Path) -> int:
    try:
        return os.open(root, _DIRECTORY)
    except OSError as error:
        raise _unreadable(str(root), error) from error


def _not_regular(path: str, status: os.stat_result) -> ReadError | None:
    if stat.S_ISLNK(status.st_mode):
        return ReadError(Kind.SYMLINK, path, "is a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        return ReadError(Kind.NOT_A_FILE, path, f"is {_name_of(status.st_mode)}, not a regular file")
    return None


def _not_utf8(path: str) -> ReadError | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return ReadError(Kind.NOT_UTF8, path, "the name is not UTF-8")
    return None


def _name_of(mode: int) -> str:
    names = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device")


def _unreadable(path: str, error: OSError) -> ReadError:
    if error.errno == errno.ENOENT:
        return ReadError(Kind.MISSING, path, "no such file")
    if error.errno in _LINK_REFUSED:
        return ReadError(Kind.NOT_A_FILE, path, "a component of the path is a link or no directory")
    return ReadError(Kind.UNREADABLE, path, f"cannot be read: {error.strerror or error}")
