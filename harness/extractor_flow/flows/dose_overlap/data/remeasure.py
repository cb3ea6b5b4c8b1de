"""Measures a study's object again, and thins the scans once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.generate import measured_files
from extractor_flow.flows.dose_overlap.data.thinning import Accepted
from extractor_flow.flows.dose_overlap.data.views import (
    Selection,
    Thinning,
    View,
    kept_frames,
    numbers_of,
    refusal_of,
    select,
)
from extractor_flow.flows.dose_overlap.plan import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.data.simulation import Base


@dataclass(frozen=True, eq=False)
class Measured:
    """What a study writes for one dose: its data, and the numbers behind each view, by path below ``data``.

    ``views`` are its thinned views by name, possible or refused.
    """

    files: Mapping[str, PtychographyData]
    numbers: Mapping[str, Mapping[str, Any]]
    views: Mapping[str, View]

    def refusal(self, view: str) -> str | None:
        """Why there is no such view; ``None`` where there is."""
        return None if view == BASELINE else self.views[view].refusal


def thinnings_of(settings: Mapping[str, Any]) -> dict[str, Thinning]:
    """What each thinned view of a study keeps, by its name."""
    design = settings["design"]
    return {name: Thinning(design["overlaps"][name], design["frames"]) for name in design["views"] if name != BASELINE}


def measure(base: Base, dose: int, settings: Mapping[str, Any]) -> Measured:
    """Everything that a study with *settings* writes for *dose*."""
    files = measured_files(base, dose, seed=settings["simulation"]["seed"])
    numbers: dict[str, Mapping[str, Json]] = {}
    views: dict[str, View] = {}
    for name, thinning in thinnings_of(settings).items():
        parts = {split: files[layout.patched(dose, split)] for split in layout.SPLITS}
        chosen = {split: select(part, thinning) for split, part in parts.items()}
        refusals = (refusal_of(split, selection, thinning) for split, selection in chosen.items())
        views[name] = View(dose, name, next((each for each in refusals if each is not None), None))
        numbers |= _numbers(dose, name, chosen)
        for split, selection in chosen.items():
            if views[name].refusal is None and isinstance(selection, Accepted):
                files[layout.view(dose, name, split)] = kept_frames(parts[split], selection, name, thinning)
    return Measured(files, numbers, views)


def _numbers(dose: int, name: str, chosen: Mapping[str, Selection]) -> dict[str, Mapping[str, Json]]:
    of_split = {split: numbers_of(selection) for split, selection in chosen.items()}
    whole: dict[str, Json] = dict(of_split)
    files: dict[str, Mapping[str, Json]] = {
        layout.view_metrics(dose, name, split): numbers for split, numbers in of_split.items()
    }
    return {**files, layout.metrics_bundle(dose, name): whole}
