"""Looks at the data that the cells share: measured and thinned once more, they must be what lies in the run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from harness.errors import DataError
from harness.evidence import Unchecked, Violation, guarded
from harness.flows.dose_overlap import layout
from harness.flows.dose_overlap.evidence import Claims, read_arrays
from harness.flows.dose_overlap.generate import base_from, base_from_file, measured_parts
from harness.flows.dose_overlap.geometry import covered, frame_corners
from harness.flows.dose_overlap.overlap import Accepted
from harness.flows.dose_overlap.scoring import MASK, TRUTH
from harness.flows.dose_overlap.study import BASELINE, Cell, Plan
from harness.flows.dose_overlap.views import Thinning, refusal_of, select
from harness.readers.arrays import NPZ_LIMIT, array_of
from harness.readers.zips import Archive
from harness.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.evidence import RunEvidence
    from harness.flows.dose_overlap.data import PtychographyData
    from harness.flows.dose_overlap.simulate import Base
    from harness.records import JobRecord

_DRY_RUN = "dry run"
_LARGEST = 1024
_ROUNDING = 1e-4
_OTHER_COUNTS = 1e-3
"""The share of pixels whose photon count another machine's rounding may change."""


@dataclass(frozen=True)
class Measured:
    """The frames of one cell, measured again: by split, or why there are none."""

    parts: Mapping[str, PtychographyData]
    refusal: str | None


class Laboratory:
    """Measures a study's object again, each dose once."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._parts: dict[int, Mapping[str, PtychographyData]] = {}

    @cached_property
    def base(self) -> Base:
        """Object, probe and positions; :class:`DataError` when the data set they come from is not here."""
        simulation = self._settings["simulation"]
        path = simulation["base_npz"]
        return base_from(simulation) if path is None else base_from_file(Path(path), sha256=simulation["base_sha256"])

    def measure(self, cell: Cell) -> Measured:
        """The frames of *cell*."""
        if cell.dose not in self._parts:
            again = measured_parts(self.base, cell.dose, seed=self._settings["simulation"]["seed"])
            self._parts = {cell.dose: again}
        parts = self._parts[cell.dose]
        if cell.view == BASELINE:
            return Measured(parts, None)
        design = self._settings["design"]
        thinning = Thinning(design["overlaps"][cell.view], design["frames"])
        chosen = {split: select(part, thinning) for split, part in parts.items()}
        refusals = [refusal_of(split, selection, thinning) for split, selection in chosen.items()]
        kept = {
            split: parts[split].select(selection.indices)
            for split, selection in chosen.items()
            if isinstance(selection, Accepted)
        }
        return Measured(kept, next((each for each in refusals if each is not None), None))


def check_data(run: RunEvidence, jobs: Sequence[Claims]) -> Iterator[Violation | Unchecked]:
    """What the data of *run* contradict, and the records of *jobs* and of skipped ones about them."""
    if run.settings["simulation"]["object_size"] > _LARGEST:
        yield Unchecked("the data", f"an object of more than {_LARGEST} pixels is not measured again")
        return
    laboratory = Laboratory(run.settings)
    try:
        _ = laboratory.base
    except DataError as error:
        yield Unchecked("the data", str(error))
        return
    claims = {job.record.job_key: job for job in jobs}
    for record in run.records:
        cell = Plan.from_parameters(run.parameters[record.job_key]).cell
        if record.job_key in claims:
            yield from _check_cell(claims[record.job_key], laboratory.measure(cell))
        elif isinstance(record.outcome, Skipped):
            yield from _check_skip(run, record, record.outcome.reason, laboratory.measure(cell))


def _check_skip(run: RunEvidence, record: JobRecord, reason: str, measured: Measured) -> Iterator[Violation]:
    if reason != measured.refusal and not reason.startswith(_DRY_RUN):
        found = "the scan has this view" if measured.refusal is None else f"the scan says: {measured.refusal}"
        yield run.contradicted(record, "reason", reason, found)


def _check_cell(job: Claims, measured: Measured) -> Iterator[Violation]:
    if measured.refusal is not None:
        yield job.contradicted("status", "success", measured.refusal)
        return
    for split, expected in measured.parts.items():
        path = f"{layout.DATA}/{job.plan.cell.data_path(split)}"
        yield from guarded(path, _check_file(job, path, split, expected))
    yield from _check_frames(job, measured.parts["train"].count)
    yield from guarded(job.path(layout.RECONSTRUCTIONS), _check_area(job, measured.parts["test"]))


def _check_file(job: Claims, path: str, split: str, expected: PtychographyData) -> Iterator[Violation]:
    claim = job.outcome.details.get("data_sha256")
    digest = job.run.files.sha256(path)
    if not isinstance(claim, dict) or claim.get(split) != digest:
        yield job.contradicted(f"details.data_sha256.{split}", claim, f"{path} has {digest}")
    there = job.run.read(path, _read_members)
    due: dict[str, NDArray[Any]] = {
        "diffraction": expected.diffraction,
        "objectGuess": expected.object_guess,
        "probeGuess": expected.probe_guess,
        "xcoords": expected.xcoords,
        "ycoords": expected.ycoords,
    }
    for name, array in due.items():
        if not _same(there[name], array, _OTHER_COUNTS if name == "diffraction" else 0.0):
            yield Violation(path, name, "is what the settings give", "measured again it differs", "evidence")


def _same(there: NDArray[Any], due: NDArray[Any], share: float) -> bool:
    if there.shape != due.shape or there.dtype != due.dtype:
        return False
    differs = ~(np.abs(there - due) <= _ROUNDING * np.abs(due).max())
    return float(differs.mean()) <= share


def _read_members(stream: BinaryIO, where: str) -> dict[str, NDArray[Any]]:
    """The arrays that a training uses; metadata, which are text, are left alone."""
    archive = Archive(stream, where, limit=NPZ_LIMIT)
    names = ("diffraction", "objectGuess", "probeGuess", "xcoords", "ycoords")
    return {name: array_of(archive.read(f"{name}.npy"), f"{where}!{name}.npy") for name in names}


def _check_frames(job: Claims, count: int) -> Iterator[Violation]:
    """The frames learned from and those set aside are all frames."""
    metrics, config = job.outcome.metrics, job.plan.training
    aside = max(round(config.validation_share * count), config.group_rule().size)
    for name, found in {"training_frames": count - aside, "validation_frames": aside}.items():
        if metrics.get(name) != found:
            yield job.contradicted(f"metrics.{name}", metrics.get(name), f"{count} frames give {found}")


def _check_area(job: Claims, frames: PtychographyData) -> Iterator[Violation]:
    """The stored truth is the object's, and the area that was scored the one that the held-out frames cover."""
    path = job.path(layout.RECONSTRUCTIONS)
    arrays = read_arrays(job, layout.RECONSTRUCTIONS)
    mask = covered(frames.probe_guess, frame_corners(frames), len(frames.object_guess))
    truth, area = arrays.get(TRUTH), arrays.get(MASK)
    if truth is None or not _same(truth, frames.object_guess, 0.0):
        yield Violation(path, TRUTH, "is the object that was measured", "measured again it differs", "evidence")
    if area is None or not np.array_equal(area, mask):
        yield Violation(path, MASK, "is the area that the held-out frames cover", "they cover another", "evidence")
