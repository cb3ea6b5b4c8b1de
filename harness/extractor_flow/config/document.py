"""A config as it was read: plain data, and the line of every key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from extractor_flow.config.messages import Keys, location
from extractor_flow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.files import Json


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a config: *path* leads to it, *message* says what was found and what would do."""

    path: Keys
    message: str


@dataclass(frozen=True)
class ConfigDocument:
    """One config file: ``data`` holds JSON-able values only, ``positions`` the 1-based line of each key and item.

    The empty path is the top level; the line of what an alias repeats is the line where it is written. A *foreign* one
    is of a run that is judged: a flow checks it without a look at any file that it names. ``reference`` is the section
    of that name, which is about judging the run and not among the ``data``.
    """

    path: Path
    data: dict[str, Json]
    positions: Mapping[Keys, int]
    foreign: bool = False
    reference: dict[str, Json] | None = None

    def line(self, path: Keys) -> int:
        """The line of *path*, or of its nearest ancestor that is in the file."""
        ancestors = (path[:length] for length in range(len(path), -1, -1))
        return next((self.positions[keys] for keys in ancestors if keys in self.positions), 1)

    def where(self, path: Keys) -> str:
        """``file:line: dotted.key``, with the line of :meth:`line`."""
        return location(self.path, self.line(path), path)

    def without(self, keys: Iterable[str]) -> Self:
        """This document without the top-level *keys*."""
        left_out = set(keys)
        return replace(self, data={key: value for key, value in self.data.items() if key not in left_out})

    def complain(self, problems: Sequence[Problem]) -> ConfigError:
        """All *problems* as one error to raise, in the order of the file, each once."""
        lines = {f"{self.where(each.path)}: {each.message}": self.line(each.path) for each in problems}
        return ConfigError(sorted(lines, key=lines.__getitem__))
