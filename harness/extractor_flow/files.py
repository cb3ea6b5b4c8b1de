"""Whole files or none, and strict JSON: the only ways this package writes and reads small files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import stat
import unicodedata
from contextlib import contextmanager, suppress
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NoReturn

from extractor_flow.errors import DataError, RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

JSON_SIZE_LIMIT = 64 * 1024 * 1024
JSON_DEPTH_LIMIT = 64
_CHUNK = 1024 * 1024
_LINE = json.JSONEncoder(allow_nan=False, sort_keys=True, ensure_ascii=False)
_UNFINISHED = re.compile(r"(?P<folder>(?:.*/)?)\.(?P<name>[^/]+)\.[0-9a-f]{12}\.tmp")


def dumps(value: object) -> str:
    """Strict, stable JSON text: sorted keys, two spaces, a final newline; NaN and Infinity raise ``ValueError``."""
    return _indented(value, "\n", "\n")


def _indented(value: object, line_end: str, end: str = "") -> str:
    """*value* as the standard library indents it, and *end*; in half of its time, and with a copy for each level.

    Verifying a run makes all its JSON again.
    """
    if (write := _SCALARS.get(type(value))) is not None:
        return write(value) + end
    inner = f"{line_end}  "
    if isinstance(value, dict):
        parts = []
        for key in sorted(value):
            each = value[key]
            write = _SCALARS.get(type(each))
            parts.append(f"{encode_basestring(key)}: {_indented(each, inner) if write is None else write(each)}")
        return _enclosed("{}", parts, line_end, end)
    if isinstance(value, list | tuple):
        return _enclosed("[]", [_indented(each, inner) for each in value], line_end, end)
    return _LINE.encode(value) + end


def _enclosed(brackets: str, parts: list[str], line_end: str, end: str) -> str:
    if not parts:
        return brackets + end
    parts[0] = f"{brackets[0]}{line_end}  {parts[0]}"
    parts[-1] += f"{line_end}{brackets[1]}{end}"
    return f",{line_end}  ".join(parts)


def _number(value: float) -> str:
    return _LINE.encode(value) if value - value else float.__repr__(value)


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    float: _number,
    int: int.__repr__,
    bool: _LINE.encode,
    type(None): _LINE.encode,
}


def dump_line(value: object) -> str:
    """One line of JSON lines, under the rules of :func:`dumps`."""
    return _LINE.encode(value) + "\n"


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace *path* with *data*, whole or not at all; the parent must exist.

    With *durable* the data is on the disk before the name points to it. On an error nothing is left behind and the old
    content stays; the ``OSError`` is passed on.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def remove_unfinished(directory: Path, names: Iterable[str], chosen: Callable[[str], bool]) -> None:
    """Remove the unfinished files that a killed process left of *names* in *directory*, where their files are *chosen*.

    Only where no other process writes those: the caller holds them.
    """
    for name in names:
        found = _UNFINISHED.fullmatch(name)
        if found is not None and chosen(found["folder"] + found["name"]):
            (directory / name).unlink(missing_ok=True)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """:func:`write_bytes` for UTF-8 text with ``\n`` line ends on every platform."""
    write_bytes(path, text.encode("utf-8"), durable=durable)


def write_json(path: Path, value: object, *, durable: bool = True) -> None:
    """:func:`write_bytes` for :func:`dumps` of *value*."""
    write_text(path, dumps(value), durable=durable)


def sync_directory(directory: Path) -> None:
    """Make renames and new names inside *directory* durable, where the platform can."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return  # some network file systems refuse to sync a directory
    finally:
        os.close(descriptor)


_A_LOOK = 0.5  # seconds; whoever asks how far a run or a job is shares its lock for a moment, and runs nothing


@contextmanager
def locked(path: Path, *, patience: float = 0) -> Iterator[bool]:
    """Hold the lock file *path* for this process; yields ``False`` when another process has it for *patience* seconds.

    It is asked for again for a moment in any case: ``status`` and ``list`` must not stop a run by looking at it.

    An old lock file that nobody holds is no obstacle. Anything but a file is a :class:`RunDirectoryError` with exit
    code 2; the ``OSError`` of one that cannot be opened is passed on.
    """
    from filelock import FileLock, Timeout

    if path.is_symlink() or (path.exists() and not stat.S_ISREG(path.lstat().st_mode)):
        msg = f"{path}: not a lock file but a link, a directory or a device; remove it"
        raise RunDirectoryError(msg, exit_code=2)
    if not path.parent.is_dir():  # which FileLock would make
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    lock = FileLock(path)
    # Asked once more after the time: on a busy machine this process may have stood still for all of it.
    for seconds in (max(patience, _A_LOOK), 0):
        with suppress(Timeout):
            lock.acquire(timeout=seconds)
            break
    try:
        yield lock.is_locked
    finally:
        lock.release()


def read_text(path: Path, *, limit: int = JSON_SIZE_LIMIT) -> str:
    """The UTF-8 text of a regular file of at most *limit* bytes; anything else is a :class:`DataError`."""
    try:
        if not path.is_file():
            msg = f"{path}: {'not a regular file' if os.path.lexists(path) else 'no such file'}"
            raise DataError(msg)
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise DataError(msg) from error
    if len(data) > limit:
        msg = f"{path}: larger than {limit} bytes"
        raise DataError(msg)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8: byte {data[error.start]:#04x} at offset {error.start}"
        raise DataError(msg) from error


def read_json(path: Path, *, limit: int = JSON_SIZE_LIMIT) -> Json:
    """The strict JSON value in *path*; see :func:`parse_json` for what is refused."""
    return parse_json(read_text(path, limit=limit), where=str(path))


def parse_json(text: str, *, where: str) -> Json:
    """The JSON value of *text*; NaN, Infinity, duplicate keys, a BOM, NUL and deep nesting raise :class:`DataError`.

    The message begins with *where*.
    """
    _refuse_deep_nesting(text, where)

    def refuse_constant(name: str) -> NoReturn:
        msg = f"{where}: {name} is not JSON"
        raise DataError(msg)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            msg = f"{where}: the key {twice!r} stands twice in one object"
            raise DataError(msg)
        return result

    try:
        value: Json = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique, parse_float=_finite)
    except json.JSONDecodeError as error:
        msg = f"{where}:{error.lineno}: not JSON: {error.msg}"
        raise DataError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{where}: not usable JSON: {error}"
        raise DataError(msg) from error
    return value


def _finite(literal: str) -> float:
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        msg = f"the number {literal[:40]} is too large for a double"
        raise ValueError(msg)
    return value


def _refuse_deep_nesting(text: str, where: str) -> None:
    """Bound the depth before the parser recurses; brackets inside strings count too, which only makes it stricter."""
    if text.count("[") + text.count("{") <= JSON_DEPTH_LIMIT:
        return
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > JSON_DEPTH_LIMIT:
                msg = f"{where}: nested deeper than {JSON_DEPTH_LIMIT} levels"
                raise DataError(msg)
        elif character in "]}":
            depth -= 1


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def printable(text: str) -> str:
    """*text* with control and bidirectional-override characters escaped: a terminal shows it and does not obey it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
