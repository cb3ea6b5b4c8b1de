"""Studies how a ptychographic reconstruction network depends on the photon dose and on the scan's overlap."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap.comparison import compare_records
from extractor_flow.flows.dose_overlap.config import settings_of
from extractor_flow.flows.dose_overlap.contract import ADDED, CONTRACT
from extractor_flow.flows.dose_overlap.jobs import EXTRA, FLOW_NAME, PACKAGES, jobs_of, missing_requirement
from extractor_flow.flows.dose_overlap.page import PAGE
from extractor_flow.study.flow import Comparison, JobResult, ReportSpec, Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.config import ConfigDocument
    from extractor_flow.evidence.check import Check
    from extractor_flow.evidence.job_claims import JobClaims
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import Completed, HardwareProfile, JobRecord, RunSummary, Skipped

__all__ = ["DoseOverlap", "flow"]

VOCABULARY = ReportSpec(
    title="Dose x Overlap Study Summary",
    subject="Cell",
    results_key="cell_results",
    results_heading="Cell Results",
    headline="amplitude_psnr",
    metrics={**CONTRACT.metrics, **ADDED},
    page=PAGE,
)


class DoseOverlap:
    """The flow ``dose_overlap``: :class:`Flow`, ``SupportsPrepare``, ``SupportsDraw`` and ``SupportsChecks``."""

    name = FLOW_NAME
    vocabulary = VOCABULARY
    contract = CONTRACT
    preload: tuple[str, ...] = ("extractor_flow.flows.dose_overlap.training.preload",)
    packages: tuple[str, ...] = PACKAGES
    extra: str = EXTRA

    def starter(self) -> str:
        """A config to begin with."""
        return resources.files(__name__).joinpath("starter.yaml").read_text(encoding="utf-8")

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """The doses x views that a config asks for."""
        settings = settings_of(document, overrides)
        run = settings["run"]
        return Study(settings, jobs_of(settings), run["run_id"], run["output_root"], tuple(run["notes"]))

    def prepare(self, settings: Mapping[str, Any], directory: Path) -> Mapping[str, Skipped]:
        """Measure the object at every dose, and thin the scans to every view."""
        from extractor_flow.flows.dose_overlap.data.prepare import prepare_study

        return prepare_study(settings, directory)

    def missing_requirement(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> Skipped | None:
        """Why *job* lacks its device."""
        del hardware
        return missing_requirement(job, missing)

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        """Train the cell's network, and reconstruct the held-out frames."""
        from extractor_flow.flows.dose_overlap.training.job import train

        return train(job, workspace)

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """Means by dose and by view, and statistics over seeds."""
        return compare_records(records, settings)

    def draw(self, summary: RunSummary, directory: Path) -> Iterable[str]:
        """Curves, quality over dose, and the grid of images."""
        from extractor_flow.flows.dose_overlap.figures import draw_figures

        return draw_figures(summary, directory)

    def checks(self) -> Sequence[Check]:
        """What the data, the weights, the curves and the reconstructions of a study have to bear out."""
        from extractor_flow.flows.dose_overlap.checks import CHECKS

        return CHECKS

    def claims(self, run: RunContext, record: JobRecord, outcome: Completed) -> JobClaims:
        """What the record of a completed cell claims, with its plan."""
        from extractor_flow.flows.dose_overlap.checks.claims import Claims

        return Claims.of(run, record, outcome)


flow = DoseOverlap()
