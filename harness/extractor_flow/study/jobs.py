"""A job: one cell of a study's matrix, as the plain data that determines its result."""

from __future__ import annotations

import fnmatch
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError, RequestError
from extractor_flow.files import dump_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor_flow.files import Json

MOST_JOBS = 20_000
"""Twice the largest run whose verification is measured; a job takes some 30 microseconds just to be listed."""

_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Limits:
    """What one job may use; ``None`` is no limit. Exceeding a limit fails the job and no other."""

    seconds: float | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class Job:
    """One training of a study.

    ``parameters`` is JSON-able and holds, with ``flow``, ``name`` and ``seed``, everything that decides the result.
    ``directory`` is the job's place inside the run directory. ``requires`` names capabilities (``cuda``, ``mps``)
    without which the job is skipped. ``weight`` orders the queue, the heaviest first; it decides no result.
    """

    flow: str
    name: str
    directory: str
    parameters: Mapping[str, Any]
    seed: int | None = None
    worker_mode: str = "single-thread"
    requires: tuple[str, ...] = ()
    weight: float = 1.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse a directory that could leave the run or surprise a file system."""
        parts = PurePosixPath(self.directory).parts
        if not parts or any(component_of(part) != part for part in parts):
            msg = f"job {self.name!r}: {self.directory!r} is not a plain relative path"
            raise DataError(msg)

    @cached_property
    def key(self) -> str:
        """The SHA-256 of everything that decides the result; equal keys promise equal results."""
        decisive = {"flow": self.flow, "name": self.name, "seed": self.seed, "parameters": self.parameters}
        return hashlib.sha256(dump_line(decisive).encode()).hexdigest()

    @property
    def label(self) -> str:
        """The display name: ``mlp_small`` or ``mlp_small seed 3``."""
        return self.name if self.seed is None else f"{self.name} seed {self.seed}"

    def to_json(self) -> dict[str, Json]:
        """The content of ``job.json``."""
        return {
            "flow": self.flow,
            "name": self.name,
            "directory": self.directory,
            "parameters": dict(self.parameters),
            "seed": self.seed,
            "worker_mode": self.worker_mode,
            "requires": list(self.requires),
            "weight": self.weight,
            "limits": {"seconds": self.limits.seconds, "memory_mb": self.limits.memory_mb},
            "key": self.key,
        }

    def announced(self) -> dict[str, Json]:
        """The job as ``run.json`` announces it."""
        facts: dict[str, Json] = {
            "config_name": self.name,
            "directory": self.directory,
            "job_key": self.key,
            "worker_mode": self.worker_mode,
        }
        return facts if self.seed is None else {**facts, "seed": self.seed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The job that :meth:`to_json` wrote; :class:`DataError` when a member is missing or the key does not fit."""
        try:
            job = cls(
                flow=data["flow"],
                name=data["name"],
                directory=data["directory"],
                parameters=data["parameters"],
                seed=data["seed"],
                worker_mode=data["worker_mode"],
                requires=tuple(data["requires"]),
                weight=data["weight"],
                limits=Limits(seconds=data["limits"]["seconds"], memory_mb=data["limits"]["memory_mb"]),
            )
        except (KeyError, TypeError) as error:
            msg = f"job.json: not a job: {error!r}"
            raise DataError(msg) from error
        if data.get("key") != job.key:
            msg = f"job.json: the key of {job.label} is {data.get('key')!r}; its content gives {job.key!r}"
            raise DataError(msg)
        return job


def component_of(name: str) -> str:
    """A file-system-safe form of *name*: one path component of ASCII letters, digits, ``.``, ``_`` and ``-``.

    A name that is safe already is returned as it is. Two names may share a form; :func:`collisions` finds them.
    """
    ascii_form = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_form)[:100].rstrip(".")
    if not _COMPONENT.fullmatch(safe):
        safe = f"_{safe}"[:100]
    return f"_{safe}" if safe.split(".")[0].casefold() in _WINDOWS_DEVICES else safe


def collisions(names: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of positions in *names* that would share a directory, also where case does not count."""
    first_seen: dict[str, int] = {}
    pairs = []
    for position, name in enumerate(names):
        folded = component_of(name).casefold()
        if folded in first_seen:
            pairs.append((first_seen[folded], position))
        else:
            first_seen[folded] = position
    return pairs


def select(jobs: Sequence[Job], patterns: Iterable[str]) -> list[Job]:
    """The jobs whose name matches one of *patterns* (shell wildcards allowed); all of them without a pattern.

    A pattern that matches nothing is a :class:`RequestError` that lists the names there are.
    """
    wanted = list(patterns)
    if not wanted:
        return list(jobs)
    for pattern in wanted:
        if not any(_matches(job, pattern) for job in jobs):
            names = ", ".join(dict.fromkeys(job.name for job in jobs))
            longer = any(_matches(job, f"{pattern}*") for job in jobs)
            hint = f"; did you mean '{pattern}*'?" if longer else ""
            msg = f"--only {pattern!r} matches no job; there are: {names}{hint}"
            raise RequestError(msg)
    return [job for job in jobs if any(_matches(job, pattern) for pattern in wanted)]


def _matches(job: Job, pattern: str) -> bool:
    return job.name == pattern or fnmatch.fnmatchcase(job.name, pattern)
