"""What a study writes below ``data``, computed once more from its settings and the object that it measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
from extractor_flow.flows.dose_overlap.data.generate import entry_of, measured_files
from extractor_flow.flows.dose_overlap.data.simulation import split
from extractor_flow.flows.dose_overlap.data.thinning import Accepted
from extractor_flow.flows.dose_overlap.data.views import Thinning, View, choose, kept_frames, numbers_of
from extractor_flow.flows.dose_overlap.plan import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.flows.dose_overlap.data.simulation import Base


def thinnings_of(settings: Mapping[str, Any]) -> dict[str, Thinning]:
    """What each thinned view of a study keeps, by its name."""
    design = settings["design"]
    return {name: Thinning(design["overlaps"][name], design["frames"]) for name in design["views"] if name != BASELINE}


def refusals_of(base: Base, settings: Mapping[str, Any]) -> dict[str, str | None]:
    """By thinned view, why the scan does not have it at any dose; ``None`` if it does. Only positions are looked at."""
    size = len(base.probe_guess)
    dark = np.broadcast_to(np.float32(0), (len(base.xcoords), size, size))
    sides = split(PtychographyData(dark, base.object_guess, base.probe_guess, base.xcoords, base.ycoords))
    parts = dict(zip(layout.SPLITS, sides, strict=True))
    return {name: choose(parts, thinning)[1] for name, thinning in thinnings_of(settings).items()}


def manifests_of(base: Base, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The manifests of all doses and of all views, by the names of their files."""
    doses, views = settings["design"]["doses"], refusals_of(base, settings)
    return {
        layout.RUN_MANIFEST: {layout.dose_directory(dose): entry_of(dose) for dose in doses},
        layout.OVERLAP_MANIFEST: {
            layout.dose_directory(dose): {name: View(dose, name, why).as_dict() for name, why in views.items()}
            for dose in doses
            if views
        },
    }


def measure(
    base: Base, dose: int, settings: Mapping[str, Any]
) -> tuple[dict[str, PtychographyData], dict[str, dict[str, Any]]]:
    """The data sets of *dose*, and the numbers behind its views, by path below ``data``."""
    files = measured_files(base, dose, seed=settings["simulation"]["seed"])
    parts = {name: files[layout.patched(dose, name)] for name in layout.SPLITS}
    numbers: dict[str, dict[str, Any]] = {}
    for view, thinning in thinnings_of(settings).items():
        chosen, refusal = choose(parts, thinning)
        of_split = {name: numbers_of(selection) for name, selection in chosen.items()}
        numbers |= {layout.view_metrics(dose, view, name): found for name, found in of_split.items()}
        numbers[layout.metrics_bundle(dose, view)] = dict(of_split)
        for name, selection in chosen.items():
            if refusal is None and isinstance(selection, Accepted):
                files[layout.view(dose, view, name)] = kept_frames(parts[name], selection, view, thinning)
    return files, numbers
