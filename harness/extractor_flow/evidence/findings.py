"""What a verifier and a flow share when a run is judged by its files: the run as it is on disk, and what is wrong.

A flow may have the member :meth:`SupportsEvidence.evidence`, which measures again what its jobs claim.
It gets a stranger's files: it reads them with :mod:`extractor_flow.readers` only, and imports nothing they name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar, runtime_checkable

from extractor_flow.readers.errors import ReadError, one_line
from extractor_flow.readers.paths import SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.study.records import Completed, JobRecord

T = TypeVar("T")

JOURNAL = "records.jsonl"
DEVICES = ("cpu", "cuda", "mps")
TOLERANCE = 1e-9
_SHOWN = 200


@dataclass(frozen=True)
class Violation:
    """A claim that the files do not bear out.

    ``file`` is relative to the run directory, ``path`` leads to the claim inside it (a JSON path, a row; empty for the
    file as a whole), ``claim`` is what is claimed or demanded, ``found`` what was found. ``kind`` names the sort of
    violation: one of the readers' kinds, or a layer's.
    """

    file: str
    path: str
    claim: str
    found: str
    kind: str

    def __post_init__(self) -> None:
        """Make the texts of strangers printable, and keep them on one line and short."""
        for name in ("file", "path", "claim", "found"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @classmethod
    def refused(cls, file: str, error: ReadError) -> Violation:
        """The violation that a reader's refusal of *file* is."""
        inside = error.where.removeprefix(file).removeprefix("!").removeprefix(":")
        return cls(file, inside, "can be read safely", error.what, error.kind)


@dataclass(frozen=True)
class Unchecked:
    """Something that was not verified: *what*, and *why* not."""

    what: str
    why: str

    def __post_init__(self) -> None:
        """As with a violation."""
        for name in ("what", "why"):
            object.__setattr__(self, name, one_line(getattr(self, name)))


@dataclass(frozen=True)
class RunEvidence:
    """A run as its files show it: the latest record of each job, and what was asked for.

    ``settings`` and ``parameters`` (by job key) have been checked against the flow: they are what its study gives.
    ``lines`` are the records' lines in the journal, by job key. ``deep`` allows a flow its deep-learning package.
    """

    files: ConfinedDirectory
    records: tuple[JobRecord, ...]
    settings: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    lines: Mapping[str, int] = field(default_factory=dict)
    deep: bool = False

    def read(self, path: str, reader: Callable[[BinaryIO, str], T], *, limit: int = SIZE_LIMIT) -> T:
        """What *reader* makes of the file at *path*; its :class:`ReadError` names the file."""
        with self.files.open(path, limit=limit) as stream:
            return reader(stream, path)

    def place(self, record: JobRecord, member: str) -> str:
        """Where the journal claims *member* (such as ``metrics.best``) of *record*, for a violation's ``path``."""
        line = self.lines.get(record.job_key)
        return f"$.{member}" if line is None else f"line {line}: $.{member}"

    def contradicted(self, record: JobRecord, member: str, claim: object, found: object) -> Violation:
        """The violation that *record* claims *claim* as its *member*, and the evidence says *found*."""
        return Violation(JOURNAL, self.place(record, member), brief(claim), brief(found), "evidence")

    def check_device(self, record: JobRecord, device: object, wish: str) -> Iterator[Violation]:
        """What is wrong with the *device* that *record* says it computed on, where *wish* was asked for.

        *device* is PyTorch's name for it, such as ``cuda:0``; *wish* is ``cpu``, ``cuda``, ``mps`` or ``auto``.
        """
        kind = str(device).partition(":")[0]
        if kind not in (DEVICES if wish == "auto" else (wish,)):
            yield self.contradicted(record, "details.device", device, f"the job has {wish!r}")
        hardware = record.hardware
        if kind == "cuda" and hardware is not None and hardware.gpu_model is None:
            yield self.contradicted(record, "details.device", device, "the job's hardware profile has no GPU")
        if kind == "mps" and hardware is not None and not hardware.platform.startswith(("macOS", "Darwin")):
            yield self.contradicted(record, "details.device", device, f"the job ran on {hardware.platform}")


@dataclass(frozen=True)
class JobClaims:
    """What one completed job claims, for a flow to add what the job was to do."""

    run: RunEvidence
    record: JobRecord
    outcome: Completed

    def path(self, name: str) -> str:
        """The path of a file of this job, relative to the run directory."""
        return f"{self.record.directory}/{name}"

    def contradicted(self, member: str, claim: object, found: object) -> Violation:
        """The violation that the journal claims *claim* as *member* of this job."""
        return self.run.contradicted(self.record, member, claim, found)

    def metric(self, name: str, found: float | None, source: str) -> Iterator[Violation]:
        """The violation that *source* gives *found* for the metric *name* (``None``: it does not exist), if it does."""
        claim = self.outcome.metrics.get(name)
        if claim is None or found is None:
            if claim is not found:
                yield self.contradicted(f"metrics.{name}", "nothing" if claim is None else claim, f"{source}: {found}")
        elif not close(claim, found):
            yield self.contradicted(f"metrics.{name}", claim, f"{source} gives {found!r}")


@runtime_checkable
class SupportsEvidence(Protocol):
    """The optional member of a flow that re-measures what can be re-measured without training."""

    def evidence(self, run: RunEvidence) -> Iterable[Violation | Unchecked]:
        """What the artifacts of *run* contradict, and what of it cannot be checked here.

        That the artifacts have the digests that the journal records is checked elsewhere; they may be missing, or not
        be what they should be: :func:`guarded` turns a reader's refusal into a violation, and the next check goes on.
        """
        ...


def guarded(file: str, check: Iterable[T]) -> Iterator[T | Violation]:
    """The findings of *check*, which reads *file*; a refusal to read it is the last of them."""
    try:
        yield from check
    except ReadError as error:
        yield Violation.refused(file, error)


def close(claim: object, found: object) -> bool:
    """Whether two numbers are equal but for the rounding of sums, which differs between machines."""
    if not isinstance(claim, int | float) or not isinstance(found, int | float):
        return claim == found
    return math.isclose(claim, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE**2)


def brief(value: object) -> str:
    """*value* as a violation shows it: at most 200 characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
