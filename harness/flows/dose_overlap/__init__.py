"""Studies how a ptychographic reconstruction network depends on the photon dose and on the scan's overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.flow import Comparison, Product, Study, Vocabulary
from harness.flows.dose_overlap.compare import compare_records
from harness.flows.dose_overlap.config import settings_of
from harness.flows.dose_overlap.jobs import FLOW_NAME, jobs_of, unmet
from harness.flows.dose_overlap.words import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.config import ConfigDocument
    from harness.evidence import RunEvidence, Unchecked, Violation
    from harness.flow import Workspace
    from harness.jobs import Job
    from harness.records import HardwareProfile, JobRecord, RunSummary

__all__ = ["DoseOverlap", "flow"]

VOCABULARY = Vocabulary(
    title="Dose x Overlap Study Summary",
    subject="Cell",
    results_key="cell_results",
    results_heading="Cell Results",
    headline="amplitude_psnr",
    metrics=METRICS,
)


class DoseOverlap:
    """The flow ``dose_overlap``: :class:`harness.flow.Flow`, ``Preparing``, ``Drawing`` and ``Examining``."""

    name = FLOW_NAME
    vocabulary = VOCABULARY
    preload: tuple[str, ...] = ("harness.flows.dose_overlap.train",)
    packages: tuple[str, ...] = ("scipy", "skimage", "torch")
    extra: str = "pytest-extractor-flow[dose]"
    reproducible: tuple[str, ...] = ("bundle", "reconstructions")

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """The doses x views that a config asks for."""
        settings = settings_of(document, overrides)
        run = settings["run"]
        return Study(settings, jobs_of(settings), run["run_id"], run["output_root"], tuple(run["notes"]))

    def prepare(self, settings: Mapping[str, Any], directory: Path) -> Mapping[str, str]:
        """Measure the object at every dose, and thin the scans to every view."""
        from harness.flows.dose_overlap.prepare import prepare_study

        return prepare_study(settings, directory)

    def unmet(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> str | None:
        """Why *job* lacks its device."""
        del hardware
        return unmet(job, missing)

    def run(self, job: Job, workspace: Workspace) -> Product:
        """Train the cell's network, and reconstruct the held-out frames."""
        from harness.flows.dose_overlap.train import train

        return train(job, workspace)

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """Means by dose and by view, and statistics over seeds."""
        return compare_records(records, settings)

    def draw(self, summary: RunSummary, directory: Path) -> Iterable[str]:
        """Curves, quality over dose, and the grid of images."""
        from harness.flows.dose_overlap.drawing import draw_figures

        return draw_figures(summary, directory)

    def evidence(self, run: RunEvidence) -> Iterable[Violation | Unchecked]:
        """What the data, the bundles, the curves and the reconstructions contradict."""
        from harness.flows.dose_overlap.evidence import evidence_of

        return evidence_of(run)


flow = DoseOverlap()
