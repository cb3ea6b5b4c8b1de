"""A run as the core's checks see it: everything loaded once, and what follows from it computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.binding.subjects import root_in
from extractor_flow.errors import RequestError
from extractor_flow.evidence.check import Requirement
from extractor_flow.evidence.findings import Why, brief
from extractor_flow.evidence.run_context import RunContext
from extractor_flow.registry import find_flow
from extractor_flow.study.records import Completed
from extractor_flow.verify.environment import environment_differences
from extractor_flow.verify.subject.documents import load_documents
from extractor_flow.verify.subject.matrix import MALFORMED_INPUT_ERRORS, matrix_of, restudy
from extractor_flow.verify.subject.support import latest_records, supported

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from extractor_flow.binding.witness import Witness
    from extractor_flow.evidence.findings import Violation
    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.study.flow import Flow, Study
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.subject.archive_list import ArchiveList
    from extractor_flow.verify.subject.documents import Documents, Entry
    from extractor_flow.verify.subject.matrix import Matrix
    from extractor_flow.verify.subject.support import Supported


@dataclass(frozen=True)
class Unmet:
    """Why a requirement is not met, as a sentence and as a code; *silent* where there is simply nothing to check."""

    why: str
    code: Why = Why.UNREADABLE
    silent: bool = False


@dataclass(frozen=True)
class RunSubject:
    """The run under judgement. What needs ``run.json`` is only there for checks that require it.

    ``memory`` is for what one check finds out of a file and others ask, too.
    """

    files: ConfinedDirectory
    listing: Listing
    documents: Documents
    archive: ArchiveList
    deep: bool | Collection[str] = False
    witness: Witness | None = None
    trusted: frozenset[str] = frozenset()
    memory: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def root(self) -> str | None:
        """The run's root; ``None`` where it has no list of files that can be read."""
        return root_in(self.files)

    @property
    def request(self) -> Mapping[str, Any]:
        """The content of ``run.json``."""
        data = self.documents.get(layout.RUN)
        if data is None:
            raise TypeError(layout.RUN)
        return data

    @property
    def journal(self) -> tuple[Entry, ...]:
        """The journal's records in their order."""
        return self.documents.journal

    @cached_property
    def latest(self) -> Mapping[str, Entry]:
        """The last record of each job, by job key, in the order of the study."""
        return latest_records(self.journal, self.request)

    @cached_property
    def started(self) -> Mapping[str, Entry]:
        """The last record of each job that was ever started: its result stays if the job is not started again."""
        return {entry.record.job_key: entry for entry in self.journal if entry.record.end_time is not None}

    @cached_property
    def claimed(self) -> Mapping[str, str]:
        """The job that first claims an artifact, by the artifact's path."""
        claimed: dict[str, str] = {}
        for entry in self.latest.values():
            outcome = entry.record.outcome
            for artifact in outcome.artifacts.values() if isinstance(outcome, Completed) else ():
                claimed.setdefault(artifact.path, entry.record.label)
        return claimed

    @cached_property
    def flow(self) -> Flow | RequestError:
        """The run's flow, or why there is none."""
        try:
            return find_flow(self.request["flow"])
        except RequestError as error:
            return error

    @property
    def contract_version(self) -> int:
        """The version of its flow's contract that was in force; a run of before contracts had versions is a first."""
        return int(self.request.get("job_contract", {"version": 1})["version"])

    @cached_property
    def restudied(self) -> tuple[Study | None, tuple[Violation, ...]]:
        """The study that the run's settings make, and where the run announces another."""
        return (None, ()) if isinstance(self.flow, RequestError) else restudy(self.request, self.flow)

    @cached_property
    def matrix(self) -> Matrix:
        """The jobs that the run announces, and those that its settings span."""
        return matrix_of(self.request, self.restudied[0])

    @cached_property
    def support(self) -> Supported | str:
        """What the journal supports, or why that cannot be told: no flow takes its settings, or the flow says so."""
        if isinstance(self.flow, RequestError) or self.restudied[0] is None:
            return "no flow takes the settings"
        records = [entry.record for entry in self.latest.values()]
        try:
            return supported(records, self.request, self.flow)
        except MALFORMED_INPUT_ERRORS as error:
            return brief(f"{type(error).__name__}: {error}")

    @property
    def supported(self) -> Supported:
        """What the journal supports; only there for checks that require a comparison."""
        if isinstance(self.support, str):
            raise TypeError(self.support)
        return self.support

    @cached_property
    def unmet(self) -> Mapping[Requirement, Unmet]:
        """The requirements that the run does not meet; each is looked at only where those before it are met."""
        unmet = {} if self.witness else {Requirement.WITNESS: Unmet("no witness was named", silent=True)}
        if self.documents.get(layout.RUN) is None:
            return dict.fromkeys({*Requirement} - {Requirement.WITNESS}, Unmet(f"{layout.RUN} cannot be used")) | unmet
        if not self.archive.is_there:
            unmet[Requirement.ARCHIVE] = Unmet("this is no copy", silent=True)
        if not self.documents.complete:
            lost = Unmet(f"{layout.JOURNAL} cannot be read to its end")
            unmet |= dict.fromkeys((Requirement.JOURNAL, Requirement.COMPARISON), lost)
        elif isinstance(self.support, str):
            unmet[Requirement.COMPARISON] = Unmet("its records cannot be compared")
        if isinstance(self.flow, RequestError):
            of_flow = (Requirement.FLOW, Requirement.STUDY, Requirement.COMPARISON)
            unmet |= dict.fromkeys(of_flow, Unmet(str(self.flow), Why.UNKNOWN_FLOW))
        elif self.restudied[0] is None:
            unmet[Requirement.STUDY] = Unmet("its config is not one of its flow's")
        return unmet

    def for_flow(self) -> RunContext:
        """The run as the checks of its flow see it."""
        known = {key: entry for key, entry in self.latest.items() if key in self.matrix.jobs}
        return RunContext(
            files=self.files,
            records=tuple(entry.record for entry in known.values()),
            settings=self.request["config"],
            parameters={key: self.matrix.jobs[key].parameters for key in known},
            lines={key: entry.line for key, entry in known.items()},
            deep=bool(self.deep),
            trusted=self.trusted,
            elsewhere=environment_differences(self.request) if self.deep else {},
            younger=self._younger(),
        )

    def _younger(self) -> frozenset[str]:
        if isinstance(self.flow, RequestError):
            return frozenset()
        return self.flow.contract.younger_metrics(self.contract_version)


@dataclass(frozen=True)
class JobSubject:
    """The last record of one job of the run under judgement."""

    run: RunSubject
    entry: Entry

    @property
    def record(self) -> JobRecord:
        """The record."""
        return self.entry.record

    def path(self, name: str) -> str:
        """The path of a file of this job, relative to the run directory."""
        return f"{self.record.directory}/{name}"

    def place(self, member: str) -> str:
        """Where the journal claims *member* of this job, for a violation's ``path``."""
        return f"line {self.entry.line}: $.{member}"


def load_run(
    files: ConfinedDirectory,
    listing: Listing,
    archive: ArchiveList,
    witness: Witness | None,
    *,
    deep: bool | Collection[str],
    trusted: frozenset[str],
) -> RunSubject:
    """The run in *files*, of which *witness* tells; nothing is judged yet."""
    return RunSubject(files, listing, load_documents(files), archive, deep, witness, trusted)
