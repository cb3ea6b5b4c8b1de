"""A config file on the disk to a :class:`ConfigDocument`."""

from __future__ import annotations

import stat
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from extractor_flow.config.messages import found_kind, location, nearest
from extractor_flow.config.reference import without_reference
from extractor_flow.errors import ConfigError, DataError
from extractor_flow.files import printable, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from extractor_flow.config.document import ConfigDocument

SIZE_LIMIT = 1024 * 1024
_SUFFIXES = (".yaml", ".yml")
_MOST_NEIGHBOURS = 1000  # a hint is not worth reading a huge directory


def read_config(path: Path) -> ConfigDocument:
    """The one YAML mapping in *path*, scalars as in YAML 1.2; anything else is a :class:`ConfigError`.

    A regular file of at most 1 MiB of UTF-8 (a byte order mark is skipped), 32 levels and 10,000 values, a scalar
    counting once more for every 100 characters and everything again where an alias repeats it. Refused, all in one
    error where possible: syntax errors, tabs, a second document, keys that stand twice or are not strings, merge keys,
    tags beyond YAML's own plain ones, NaN, Infinity, and integers beyond 64 bits.
    """
    from extractor_flow.config.yaml_tree import compose

    data, positions = compose(_text(path).removeprefix("\ufeff"), path)
    if data is None:
        raise ConfigError([f"{printable(str(path))}: is empty; expected a mapping of keys to values"])
    if not isinstance(data, dict):
        place = location(path, positions[()], ())
        raise ConfigError([f"{place}: the file {found_kind(data)}; expected a mapping of keys to values"])
    return without_reference(path, data, MappingProxyType(positions))


def _text(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise ConfigError([f"{printable(str(path))}: is {what}; expected a YAML file"])
        return read_text(path, limit=SIZE_LIMIT)
    except DataError as error:
        raise ConfigError([printable(str(error))]) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        meant = neighbour(path) if isinstance(error, FileNotFoundError) else None
        hint = f"; did you mean {printable(str(meant))}?" if meant else ""
        raise ConfigError([f"{printable(str(path))}: cannot be read: {reason}{hint}"]) from error


def neighbour(path: Path) -> Path | None:
    """The config in the same directory whose name is closest to that of *path*, whatever their endings."""
    try:
        all_near = islice(path.parent.iterdir(), _MOST_NEIGHBOURS)
        by_stem = {each.stem: each for each in all_near if each.suffix in _SUFFIXES}
    except OSError:
        return None
    meant = nearest(path.stem, by_stem)
    return by_stem[meant] if meant else None
