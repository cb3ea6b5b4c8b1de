"""Makes the data that all cells of a study share, inside the run's directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.generate import base_from, base_from_file, generate
from extractor_flow.flows.dose_overlap.data.remeasure import thinnings_of
from extractor_flow.flows.dose_overlap.data.views import write_views
from extractor_flow.flows.dose_overlap.jobs import jobs_of
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping


def prepare_study(settings: Mapping[str, Any], directory: Path) -> dict[str, Skipped]:
    """Measure and thin below ``data`` in *directory*; by job key, why a job's view cannot be had.

    The same settings give the same bytes, whatever an interrupted call left.
    """
    root = directory / layout.DATA
    root.mkdir(exist_ok=True)
    simulation, design = settings["simulation"], settings["design"]
    path = simulation["base_npz"]
    base = base_from(simulation) if path is None else base_from_file(Path(path), sha256=simulation["base_sha256"])
    generate(base, design["doses"], root, seed=simulation["seed"])
    views = write_views(root, root, design["doses"], thinnings_of(settings))
    refusals = {
        (view.dose, view.name): Skipped(Code.MISSING_DATA, view.refusal) for view in views if view.refusal is not None
    }
    cells = {job.key: Plan.from_parameters(job.parameters).cell for job in jobs_of(settings)}
    return {key: refusals[cell.dose, cell.view] for key, cell in cells.items() if (cell.dose, cell.view) in refusals}
