"""Thins the measured scans to the wanted overlaps, and writes each view with the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.files import write_json
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData, read_data, write_data
from extractor_flow.flows.dose_overlap.data.thinning import Accepted, Rejected, select_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from extractor_flow.files import Json

# A group of four to learn from beside one to judge by; one group to reconstruct from.
FEWEST = {"train": 8, "test": 4}

Selection = Accepted | Rejected


@dataclass(frozen=True)
class Thinning:
    """What a view keeps of each side of a scan: frames (1 - overlap) N apart, at most *frames* of them if given.

    These are the ones nearest to the middle of the side, so that they still overlap as much. With the same *frames* for
    every view, views differ by their overlap and not by how much there is to learn from.
    """

    overlap: float
    frames: int | None = None


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
        return {"status": "accepted", "metrics": layout.metrics_bundle(self.dose, self.name), **paths}


def write_views(source: Path, root: Path, doses: Iterable[int], thinnings: Mapping[str, Thinning]) -> list[View]:
    """Thin what was measured with each of *doses* below *source* by each of *thinnings*, by view; all below *root*.

    A rejected view has metrics and no data. Missing data is a :class:`DataError` that says how to make it.
    """
    views = [view for dose in doses for view in _of_dose(source, root, dose, thinnings)]
    manifest: dict[str, dict[str, Json]] = {}
    for view in views:
        manifest.setdefault(layout.dose_directory(view.dose), {})[view.name] = view.as_dict()
    write_json(root / layout.OVERLAP_MANIFEST, manifest)
    return views


def refusal_of(split: str, selection: Selection, thinning: Thinning) -> str | None:
    """Why the *selection* of ``train`` or ``test`` frames cannot be a view, and what would do; ``None`` if it can."""
    if isinstance(selection, Rejected):
        return f"{selection.reason} ({split} frames); scan a larger object or allow more overlap"
    needed = max(FEWEST[split], thinning.frames or 0)
    if (found := len(selection.indices)) < needed:
        return f"only {found} {split} frames are far enough apart, {needed} are needed; scan a larger object"
    return None


def _of_dose(source: Path, root: Path, dose: int, thinnings: Mapping[str, Thinning]) -> list[View]:
    parts = {split: _read(source, dose, split) for split in layout.SPLITS}
    return [_view(parts, root, dose, name, thinning) for name, thinning in thinnings.items()]


def _read(source: Path, dose: int, split: str) -> PtychographyData:
    path = source / layout.patched(dose, split)
    if not path.is_file():
        msg = f"{path}: found no such file; make it with: extractor-flow dose-overlap generate --output-root {source}"
        raise DataError(msg)
    return read_data(path)


def _view(parts: Mapping[str, PtychographyData], root: Path, dose: int, name: str, thinning: Thinning) -> View:
    (root / layout.view(dose, name, "train")).parent.mkdir(parents=True, exist_ok=True)
    chosen, refusal = choose(parts, thinning)
    for split, selection in chosen.items():
        path = root / layout.view(dose, name, split)
        if refusal is None and isinstance(selection, Accepted):
            write_data(path, kept_frames(parts[split], selection, name, thinning))
        else:
            path.unlink(missing_ok=True)
    _write_metrics(root, dose, name, chosen)
    return View(dose, name, refusal)


def choose(parts: Mapping[str, PtychographyData], thinning: Thinning) -> tuple[dict[str, Selection], str | None]:
    """What *thinning* selects of each side of a scan, and why that is no view, if it is none."""
    chosen = {split: select(part, thinning) for split, part in parts.items()}
    refusals = (refusal_of(split, selection, thinning) for split, selection in chosen.items())
    return chosen, next((each for each in refusals if each is not None), None)


def select(data: PtychographyData, thinning: Thinning) -> Selection:
    """The frames of *data* that a view keeps; the metrics are those of all that are far enough apart."""
    xcoords, ycoords = (np.asarray(each, np.float64).tobytes() for each in (data.xcoords, data.ycoords))
    found = _thinned(xcoords, ycoords, thinning.overlap, data.frame_size)
    if thinning.frames is None or isinstance(found, Rejected):
        return found
    points = np.stack([data.xcoords, data.ycoords], axis=1)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    distances = np.linalg.norm(points[found.indices] - middle, axis=1)
    nearest = np.argsort(distances, kind="stable")[: thinning.frames]
    return replace(found, indices=np.sort(found.indices[nearest]))


@lru_cache(maxsize=16)
def _thinned(xcoords: bytes, ycoords: bytes, overlap: float, frame_size: int) -> Selection:
    """The selection of those float64 positions: the same at every dose, as all are measured along one scan."""
    found = select_view(np.frombuffer(xcoords), np.frombuffer(ycoords), overlap=overlap, frame_size=frame_size)
    if isinstance(found, Accepted):
        found.indices.setflags(write=False)
    return found


def kept_frames(data: PtychographyData, selection: Accepted, name: str, thinning: Thinning) -> PtychographyData:
    """What the view *name* writes of *data*."""
    kept = data.select(np.asarray(selection.indices))
    facts: dict[str, Json] = {"view": name, "overlap": thinning.overlap, "frames": thinning.frames}
    return replace(kept, metadata={**data.metadata, **facts, "selection_strategy": selection.selection_strategy})


def numbers_of(selection: Selection) -> dict[str, Json]:
    """The numbers behind *selection*, as they stand in the metrics' files."""
    strategy = selection.selection_strategy if isinstance(selection, Accepted) else "rejected"
    return {"selection_strategy": strategy, **selection.metrics.as_dict()}


def _write_metrics(root: Path, dose: int, name: str, chosen: Mapping[str, Selection]) -> None:
    bundle: dict[str, Json] = {}
    for split, selection in chosen.items():
        numbers = numbers_of(selection)
        write_json(root / layout.view_metrics(dose, name, split), numbers)
        bundle[split] = numbers
    write_json(root / layout.metrics_bundle(dose, name), bundle)
