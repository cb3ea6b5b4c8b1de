"""Lines of JSON that are written as things happen, and become a file when all of them are there."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow.once.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Journal:
    """Each line is written at once, under the file's name with ``.partial`` after it; :meth:`close` gives it its name.

    An earlier session's file of that name is removed at once. ``pytest.UsageError`` if another session is writing it or
    nobody can. ``lines`` and ``sha256`` tell of what was written so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self._partial = partial_of(path)
        self._digest = hashlib.sha256()
        # Open until the session's end: the lock keeps a second session from writing the same file.
        self._lock = Lock(self._partial)
        try:
            _require_place(path)
            self._lock.__enter__()
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror or error}"
            raise pytest.UsageError(msg) from None
        if not (self._lock.take() and self._lock.is_current()):
            self._lock.close()
            msg = f"{path}: another session is writing this file; give each session one of its own"
            raise pytest.UsageError(msg)
        os.ftruncate(self._lock.descriptor, 0)
        path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """The digest of all lines so far."""
        return self._digest.hexdigest()

    def write(self, record: Mapping[str, Any]) -> None:
        """Add a line; what is no text at all becomes an escape that JSON knows too."""
        from extractor_flow.files import dump_line

        line = dump_line(record).encode("utf-8", "backslashreplace")
        self._digest.update(line)
        self.lines += 1
        while line:
            line = line[os.write(self._lock.descriptor, line) :]

    def close(self) -> None:
        """Give the file its name, with every line on the disk."""
        os.fsync(self._lock.descriptor)
        self._partial.replace(self.path)
        self.release()

    def release(self) -> None:
        """Free the file; harmless when repeated. Without :meth:`close` before it there is only the partial one."""
        self._lock.close()


def _require_place(path: Path) -> None:
    """Make the directory of *path*, which must be no directory itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def partial_of(path: Path) -> Path:
    """Where the lines of *path* are while it is not closed."""
    return path.with_name(f"{path.name}.partial")
