"""The protocol between the core and a flow: a third party that implements it gets everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from extractor_flow.errors import HarnessError
from extractor_flow.study.page_spec import PageSpec
from extractor_flow.study.verdict import Verdict as Verdict  # noqa: PLC0414, TC001 - part of the protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.config import ConfigDocument
    from extractor_flow.study.job_contract import JobContract, Metric
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import HardwareProfile, JobRecord, RunSummary, Skipped

FLOW_ERRORS = (HarnessError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What a flow raises when it is given settings or records that no study of its own could have."""


@dataclass(frozen=True)
class ReportSpec:
    """The names and headings a flow uses in its published files.

    ``results_key`` is the summary's list of results, ``subject`` what a row is about, ``headline`` the metric shown as
    the best one (the larger the better), ``metrics`` how each is shown: those of the flow's contract, and what its
    comparison adds; ``page`` what the report page shows beyond them.
    """

    title: str
    subject: str
    results_key: str
    results_heading: str
    headline: str
    metrics: Mapping[str, Metric]
    page: PageSpec = field(default_factory=PageSpec)


@dataclass(frozen=True)
class Study:
    """A checked config, ready to run: the resolved settings (defaults filled in) and the matrix they span."""

    settings: Mapping[str, Any]
    jobs: tuple[Job, ...]
    run_id: str
    output_root: str
    notes: tuple[str, ...] = ()
    start_method: str | None = None
    """How job processes start, when the config says so: ``forkserver`` or ``spawn``."""


@dataclass(frozen=True)
class Comparison:
    """What a flow concludes from its records.

    ``job_metrics`` adds metrics to single jobs, by job key (such as an efficiency relative to a baseline);
    ``aggregate_metrics`` speaks of the run; ``statistics`` has an object per compared name. Nothing undefined appears.
    ``verdict`` is ``None`` where the flow states none. ``skipped_views`` tells of skips in the flow's own terms.
    """

    aggregate_metrics: Mapping[str, float] = field(default_factory=dict)
    job_metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    statistics: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    verdict: Verdict | None = None
    skipped_views: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class JobResult:
    """What :meth:`Flow.run` returns: files by name, relative to the job's directory, and the numbers measured."""

    metrics: Mapping[str, float]
    artifacts: Mapping[str, str]
    training_steps: int
    details: Mapping[str, Any] = field(default_factory=dict)


class Workspace(Protocol):
    """A running job's own directory, as the flow sees it."""

    @property
    def path(self) -> Path:
        """The directory, existing and empty but for the job's own protocol files."""
        ...

    def progress(self, done: int, total: int, **facts: float) -> None:
        """Report how far the job is; cheap enough to call often.

        A fact ``evaluating`` says what the job does now; a fact named like another with ``_step`` says which step that
        one belongs to.
        """
        ...


class SupportsCompare(Protocol):
    """What the published files need from a flow: its name, its words, and its comparison."""

    name: str
    vocabulary: ReportSpec

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """Pure: what the records say together; the order of the records does not matter."""
        ...


class Flow(SupportsCompare, Protocol):
    """A kind of training study.

    Members other than :meth:`run` and :meth:`draw` must not import a deep-learning package. ``run`` is called in a
    process of its own, raises what goes wrong, and returns nothing it did not measure.
    """

    preload: tuple[str, ...]
    """Modules a warm server imports before it forks job processes."""
    contract: JobContract
    """What every completed job leaves; the core holds each to it."""

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """The study a config asks for; :class:`extractor_flow.errors.ConfigError` with every complaint at once.

        *overrides* are the command line's: ``run_id``, ``output_root``, ``seeds``; absent ones have no key. The
        settings of a study, given as a document again, make the same study.
        """
        ...

    def missing_requirement(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> Skipped | None:
        """Why *job* cannot run here, or ``None``; *missing* maps a capability to its probe's message."""
        ...

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        """Train for real, in *workspace*."""
        ...


@runtime_checkable
class SupportsPrepare(Protocol):
    """The optional member of a flow whose jobs share data that has to be made first."""

    def prepare(self, settings: Mapping[str, Any], directory: Path) -> Mapping[str, Skipped]:
        """Make the shared data inside *directory*, the run's; by job key, why jobs cannot run with them.

        Called once a run, in a process of its own; must be deterministic, and may find what an interrupted call left.
        """
        ...


@runtime_checkable
class SupportsCatalogue(Protocol):
    """The optional member of a flow that lists what a config may name, such as the presets of an extractor."""

    def catalogue(self) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
        """Name, description and default parameters of each choice; imports nothing heavy."""
        ...


@runtime_checkable
class SupportsStarter(Protocol):
    """The optional member of a flow that has a config to begin with."""

    def starter(self) -> str:
        """YAML that can be run as it stands, small, its keys explained in comments."""
        ...


@runtime_checkable
class SupportsExtra(Protocol):
    """The optional members of a flow that trains with packages which installing the flow does not bring along."""

    packages: tuple[str, ...]
    """Modules without which nothing can be trained; a run is refused where one of them is not installed."""

    extra: str
    """What to install for them, as pip takes it."""


@runtime_checkable
class SupportsTrial(Protocol):
    """The optional member of a flow whose settings name other people's code: classes, environments, arguments."""

    def make_once(self, job: Job) -> None:
        """Make what *job* names and train nothing; whatever is raised here, the job would have met when it started.

        Called before a run is begun, once for jobs that differ in their seeds only, in a process of its own.
        """
        ...


@runtime_checkable
class SupportsDraw(Protocol):
    """The optional member of a flow that draws figures of the whole run; runs in a process of its own."""

    def draw(self, summary: RunSummary, directory: Path) -> Iterable[str]:
        """Write figures into *directory*; the file names written."""
        ...
