"""A run as its files show it, for checks to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.layout import JOURNAL
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.paths import SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.study.records import JobRecord

T = TypeVar("T")

DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class RunContext:
    """A run as its files show it: the latest record of each job, and what was asked for.

    ``settings`` and ``parameters`` (by job key) have been checked against the flow: they are what its study gives.
    ``lines`` are the records' lines in the journal, by job key. ``deep`` allows a flow its deep-learning package, and
    ``trusted`` names the code that whoever verifies the run vouches for, as ``module:name``. ``elsewhere`` says
    in what this environment differs from the run's own word of where it was made. ``younger`` are the metrics that were
    declared after the run was made.
    """

    files: ConfinedDirectory
    records: tuple[JobRecord, ...]
    settings: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    lines: Mapping[str, int] = field(default_factory=dict)
    deep: bool = False
    trusted: frozenset[str] = frozenset()
    elsewhere: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    younger: frozenset[str] = frozenset()
    _memory: dict[tuple[str, object], object] = field(default_factory=dict, repr=False, compare=False)

    def read(self, path: str, reader: Callable[[BinaryIO, str], T], *, limit: int = SIZE_LIMIT) -> T:
        """What *reader* makes of the file at *path*; its :class:`ReadError` names the file.

        Read once, whatever the number of checks that ask, until :meth:`forget`; a refusal is remembered, too.
        """
        known = (path, reader)
        if known not in self._memory:
            try:
                with self.files.open(path, limit=limit) as stream:
                    self._memory[known] = reader(stream, path)
            except ReadError as error:
                self._memory[known] = error
        found = self._memory[known]
        if isinstance(found, ReadError):
            raise found
        return cast("T", found)

    def forget(self) -> None:
        """Drop what was read, so that a run of many jobs does not stay in memory."""
        self._memory.clear()

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
