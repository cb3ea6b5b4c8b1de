"""Looks at a cell against the frames that it learned from and was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.bundle import PROBE, numbers_of, read_header
from extractor_flow.flows.dose_overlap.checks.claims import nearly, read_arrays, shielded
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, frame_corners
from extractor_flow.flows.dose_overlap.data.validation_split import middle_frame, validation_count
from extractor_flow.flows.dose_overlap.identity import training_digest
from extractor_flow.flows.dose_overlap.reconstruction.pie import constant_level
from extractor_flow.flows.dose_overlap.scoring.cell_metrics import MASK, TRUTH
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.dose_overlap.checks.claims import Claims, Finding
    from extractor_flow.flows.dose_overlap.checks.stored_data import DataFiles
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.data.remeasure import Measured
    from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

_ROUNDING = 1e-4
_CONSTANT = "constant"


def check_stored(job: Claims, files: DataFiles) -> Iterator[Finding]:
    """What the data files of *job*, as they are, contradict."""
    claim = job.outcome.details.get("data_sha256")
    digests = claim if isinstance(claim, dict) else {}
    if digests.keys() != set(layout.SPLITS):
        yield job.contradicted("details.data_sha256", claim, f"expected those of {', '.join(layout.SPLITS)}")
    for split in layout.SPLITS:
        path = job.data_path(split)
        yield from shielded(path, _check_digest(job, split, digests.get(split), files))
    train, test = (files.data(job.data_path(split)) for split in layout.SPLITS)
    if train is not None:
        yield from _check_frames(job, train.count)
        yield from shielded(job.path(layout.CHECKPOINT), _check_identity(job, train))
        yield from shielded(job.path(layout.BUNDLE), _check_optics(job, train))
    if test is not None:
        yield from shielded(job.path(layout.RECONSTRUCTIONS), _check_images(job, test))


def check_measured(job: Claims, measured: Measured) -> Iterator[Finding]:
    """What the data contradict that the settings give."""
    refusal = measured.refusal(job.plan.cell.view)
    if refusal is not None:
        yield job.contradicted("status", "success", refusal)
        return
    train, test = (measured.files[job.plan.cell.data_path(split)] for split in layout.SPLITS)
    yield from _check_frames(job, train.count)
    yield from shielded(job.path(layout.RECONSTRUCTIONS), _check_area(job, test, _ROUNDING))


def _check_digest(job: Claims, split: str, claim: object, files: DataFiles) -> Iterator[Violation]:
    path = job.data_path(split)
    digest = files.sha256(path)
    if claim != digest:
        yield job.contradicted(f"details.data_sha256.{split}", claim, f"{path} has {digest}")


def _check_frames(job: Claims, count: int) -> Iterator[Violation]:
    """The frames learned from and those set aside are all frames."""
    aside = validation_count(count, job.plan.training)
    for name, found in {"training_frames": count - aside, "validation_frames": aside}.items():
        if job.outcome.metrics.get(name) != found:
            yield job.contradicted(f"metrics.{name}", job.outcome.metrics.get(name), f"{count} frames give {found}")


def _check_identity(job: Claims, train: PtychographyData) -> Iterator[Violation]:
    path = job.path(layout.CHECKPOINT)
    try:
        digest = job.run.read(path, read_header).get("digest")
    except ReadError:
        return  # what is wrong with the checkpoint is told where it is looked at
    due = training_digest(job.plan.training, train)
    if digest != due:
        what = f"the job's settings and {job.data_path('train')} give {due}"
        yield Violation(path, "digest", brief(digest), what, "evidence")


def _check_optics(job: Claims, train: PtychographyData) -> Iterator[Violation]:
    """The bundle's probe is that of the frames, and its calibration what the frames learned from are as bright as."""
    path = job.path(layout.BUNDLE)
    try:
        calibration = job.run.read(path, read_header).get("calibration")
        probe = job.run.read(path, read_weights).get(PROBE)
    except ReadError:
        return  # what is wrong with the bundle is told where it is looked at
    due = np.stack([train.probe_guess.real, train.probe_guess.imag], axis=-1)
    if not nearly(probe, due, _ROUNDING):
        yield Violation(path, PROBE, f"is the probe of {job.data_path('train')}", "another probe", "evidence")
    numbers = numbers_of(calibration)
    low, high = _energies(train, job.plan.training)
    scale = (job.plan.training.dose / high * (1 - _ROUNDING), job.plan.training.dose / low * (1 + _ROUNDING))
    if numbers is not None and not scale[0] <= numbers["photon_scale"] <= scale[1]:
        claim, what = brief(numbers["photon_scale"]), f"the frames learned from give {scale[0]:g} to {scale[1]:g}"
        yield Violation(path, "calibration.photon_scale", claim, what, "evidence")


def _energies(train: PtychographyData, config: TrainingConfig) -> tuple[float, float]:
    """The least and the most that the mean energy of the frames learned from can be.

    Of frames equally far from the middle of those set aside, the library that searches neighbours chooses some.
    """
    energies = np.sum(train.diffraction.astype(np.float64) ** 2, axis=(-2, -1))
    points = np.stack([train.xcoords, train.ycoords], axis=1)
    distances = np.linalg.norm(points - points[middle_frame(train.count, config)], axis=1)
    learned = train.count - validation_count(train.count, config)
    last = np.sort(distances)[-learned - 1]
    surely = distances > last * (1 + _ROUNDING)
    tied = np.sort(energies[~surely & (distances >= last * (1 - _ROUNDING))])
    rest = learned - int(surely.sum())
    sums = tied[:rest].sum(), tied[len(tied) - rest :].sum()
    low, high = (float(energies[surely].sum() + each) / learned for each in sums)
    return low, high


def _check_images(job: Claims, test: PtychographyData) -> Iterator[Violation]:
    yield from _check_area(job, test, 0.0)
    level = constant_level(test)
    image = read_arrays(job, layout.RECONSTRUCTIONS).get(_CONSTANT)
    if image is None or not nearly(image, np.full(image.shape, level, np.complex64), _ROUNDING):
        what = f"{job.data_path('test')} is as bright as {level!r}"
        yield Violation(job.path(layout.RECONSTRUCTIONS), _CONSTANT, "is as bright as the frames", what, "evidence")


def _check_area(job: Claims, frames: PtychographyData, rounding: float) -> Iterator[Violation]:
    """The stored truth is the object's, and the area that was scored the one that the held-out frames cover."""
    path = job.path(layout.RECONSTRUCTIONS)
    arrays = read_arrays(job, layout.RECONSTRUCTIONS)
    mask = covered(frames.probe_guess, frame_corners(frames), len(frames.object_guess))
    truth, area, due = arrays.get(TRUTH), arrays.get(MASK), frames.object_guess
    if not nearly(truth, due, rounding):
        yield Violation(path, TRUTH, "is the object that was measured", "the data's object differs", "evidence")
    if area is None or not np.array_equal(area, mask):
        yield Violation(path, MASK, "is the area that the held-out frames cover", "they cover another", "evidence")
