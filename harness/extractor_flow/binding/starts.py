"""``runs.jsonl`` beside the runs: every start, noted before anything is trained: discarded runs stay visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.binding import chain
from extractor_flow.contracts import violations
from extractor_flow.errors import HarnessError
from extractor_flow.files import locked
from extractor_flow.layout import STARTS, STARTS_LOCK
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import Torn, read_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from extractor_flow.files import Json
    from extractor_flow.readers.paths import ConfinedDirectory

CONTRACT = "run_start"
LIMIT = 64 * 1024 * 1024
"""The largest list that is read, in bytes: a few hundred thousand starts."""
_PATIENCE_SECONDS = 30.0  # another start holds the lock for milliseconds; a network file system may need more


@dataclass(frozen=True)
class Start:
    """One start: of which run directory, the digests of its settings and of its line; ``resumed``: not its first.

    ``facts`` is all that it says of what was started: settings, flow, command, commit, whether it was a rehearsal.
    """

    run_directory: str
    config_sha256: str
    resumed: bool
    sha256: str
    facts: Mapping[str, Json]

    @classmethod
    def from_line(cls, data: Mapping[str, Any], sha256: str) -> Self:
        """The start that the line with that digest notes."""
        facts = {name: data.get(name) for name in ("config_sha256", "flow", "command", "commit", "dry_run")}
        return cls(data["run_directory"], data["config_sha256"], data["resumed"], sha256, facts)


def record_start(root: Path, start: Mapping[str, Json]) -> str | None:
    """Add *start* to the list in *root*, durably; the SHA-256 of its line, ``None`` when it could not be written.

    A run must not fail for that: it is a warning in the log.
    """
    from loguru import logger

    try:
        with locked(root / STARTS_LOCK, patience=_PATIENCE_SECONDS) as mine:
            if mine:
                chain.cut_torn_line(root / STARTS)
                return chain.append(root / STARTS, start, lambda: chain.NOTHING)
            reason = "another process holds its lock"
    except (OSError, HarnessError) as error:
        reason = str(error)
    logger.bind(reason=reason).warning("this start was not noted in {}: {}", root / STARTS, reason)
    return None


def read_starts(root: ConfinedDirectory) -> list[Start] | None:
    """The starts noted in *root*, in order; ``None`` where there is no list.

    :class:`ReadError` when a line breaks the contract or does not continue the line before it.
    """
    try:
        with root.open(STARTS, limit=LIMIT) as stream:
            return list(_starts(read_json_lines(stream, STARTS)))
    except ReadError as error:
        if error.kind == Kind.MISSING:
            return None
        raise


def _starts(lines: Iterator[Any]) -> Iterator[Start]:
    before = chain.NOTHING
    for line in lines:
        if isinstance(line, Torn):
            return  # a start that is being noted just now, or whose process was killed
        where = f"{STARTS}:{line.number}"
        if wrong := violations(line.value, CONTRACT):
            raise ReadError(Kind.NOT_JSON, where, str(wrong[0]))
        if line.value[chain.PREVIOUS] != before:
            raise ReadError(Kind.CHAIN, where, "does not continue the line before it: a line was changed or taken out")
        before = line.sha256
        yield Start.from_line(line.value, line.sha256)
