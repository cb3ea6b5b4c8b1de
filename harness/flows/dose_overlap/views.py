"""Thins the measured scans to the wanted overlaps, and writes each view with the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError
from harness.files import write_json
from harness.flows.dose_overlap import layout
from harness.flows.dose_overlap.data import PtychographyData, read_data, write_data
from harness.flows.dose_overlap.overlap import Accepted, Rejected, select_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.files import Json

# A group of four to learn from beside one to judge by; one group to reconstruct from.
FEWEST = {"train": 8, "test": 4}

Selection = Accepted | Rejected


@dataclass(frozen=True)
class View:
    """One view at one dose; *refusal* says why it cannot be had, if it cannot."""

    dose: int
    name: str
    refusal: str | None

    def as_dict(self) -> dict[str, Json]:
        """The view's entry in ``overlap_manifest.json``."""
        if self.refusal is not None:
            return {"status": "rejected", "reason": self.refusal}
        paths: dict[str, Json] = {split: layout.view(self.dose, self.name, split) for split in layout.SPLITS}
        bundle = f"{layout.dose_directory(self.dose)}/{self.name}/{layout.METRICS_BUNDLE}"
        return {"status": "accepted", "metrics": bundle, **paths}


def write_views(source: Path, root: Path, doses: Iterable[int], overlaps: Mapping[str, float]) -> list[View]:
    """Thin what was measured with each of *doses* below *source* to each of *overlaps*, by view; all below *root*.

    A rejected view has metrics and no data. Missing data is a :class:`DataError` that says how to make it.
    """
    views = [view for dose in doses for view in _of_dose(source, root, dose, overlaps)]
    manifest: dict[str, dict[str, Json]] = {}
    for view in views:
        manifest.setdefault(layout.dose_directory(view.dose), {})[view.name] = view.as_dict()
    write_json(root / layout.OVERLAP_MANIFEST, manifest)
    return views


def refusal_of(split: str, selection: Selection) -> str | None:
    """Why the *selection* of ``train`` or ``test`` frames cannot be a view, and what would do; ``None`` if it can."""
    if isinstance(selection, Rejected):
        return f"{selection.reason} ({split} frames); scan a larger object or allow more overlap"
    if (found := len(selection.indices)) < FEWEST[split]:
        return f"only {found} {split} frames are far enough apart, {FEWEST[split]} are needed; scan a larger object"
    return None


def _of_dose(source: Path, root: Path, dose: int, overlaps: Mapping[str, float]) -> list[View]:
    parts = {split: _read(source, dose, split) for split in layout.SPLITS}
    return [_view(parts, root, dose, name, overlap) for name, overlap in overlaps.items()]


def _read(source: Path, dose: int, split: str) -> PtychographyData:
    path = source / layout.patched(dose, split)
    if not path.is_file():
        msg = f"{path}: found no such file; make it with: extractor-flow dose-overlap generate --output-root {source}"
        raise DataError(msg)
    return read_data(path)


def _view(parts: Mapping[str, PtychographyData], root: Path, dose: int, name: str, overlap: float) -> View:
    (root / layout.view(dose, name, "train")).parent.mkdir(parents=True, exist_ok=True)
    chosen = {split: select(part, overlap) for split, part in parts.items()}
    refusals = [refusal_of(split, selection) for split, selection in chosen.items()]
    refusal = next((each for each in refusals if each is not None), None)
    for split, selection in chosen.items():
        path = root / layout.view(dose, name, split)
        if refusal is None and isinstance(selection, Accepted):
            write_data(path, _kept(parts[split], selection, name, overlap))
        else:
            path.unlink(missing_ok=True)
    _write_metrics(root, dose, name, chosen)
    return View(dose, name, refusal)


def select(data: PtychographyData, overlap: float) -> Selection:
    """The frames of *data* that a view with *overlap* keeps."""
    return select_view(data.xcoords, data.ycoords, overlap=overlap, frame_size=data.frame_size)


def _kept(data: PtychographyData, selection: Accepted, name: str, overlap: float) -> PtychographyData:
    kept = data.select(np.asarray(selection.indices))
    facts: dict[str, Json] = {"view": name, "overlap": overlap, "selection_strategy": selection.selection_strategy}
    return replace(kept, metadata={**data.metadata, **facts})


def _write_metrics(root: Path, dose: int, name: str, chosen: Mapping[str, Selection]) -> None:
    bundle: dict[str, Json] = {}
    for split, selection in chosen.items():
        strategy = selection.selection_strategy if isinstance(selection, Accepted) else "rejected"
        numbers: dict[str, Json] = {"selection_strategy": strategy, **selection.metrics.as_dict()}
        write_json(root / layout.view_metrics(dose, name, split), numbers)
        bundle[split] = numbers
    write_json(root / f"{layout.dose_directory(dose)}/{name}/{layout.METRICS_BUNDLE}", bundle)
