"""Computes again, with PyTorch, what the stored networks give: every image, and the losses of three epochs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.bundle import check_bundle
from extractor_flow.flows.dose_overlap.checks.claims import shielded
from extractor_flow.flows.dose_overlap.checks.reconstructions import reconstructions
from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import initial_network
from extractor_flow.flows.dose_overlap.scoring.cell_metrics import MASK
from extractor_flow.flows.dose_overlap.training.job import objects_of, torch_settings, untrained_digest
from extractor_flow.flows.dose_overlap.training.task import TrainingTask
from extractor_flow.readers.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.checks.claims import Claims, Finding

_OTHER_ROUNDING = 0.02
_MEAN_ROUNDING = {"iterative": 0.01, "untrained": 0.005}
_USUAL_MEAN_ROUNDING = 1e-3
"""How far images may be from those computed again: at most, and in the mean. Noise in the frames amplifies rounding."""
_UNSEEN = 1e-3
"""The share of pixels that were not scored on which images may differ."""
_LOSSES = {"cpu": 0.02}
_LOSSES_ELSEWHERE = 0.25
"""By how much, as a share, a loss may differ from one computed again on the processor."""


def check_deeply(job: Claims) -> Iterator[Finding]:
    """What the bundle and the frames of *job* give another image or another loss for."""
    needed = (job.path(layout.BUNDLE), *(job.data_path(split) for split in layout.SPLITS))
    missing = [finding for path in needed if (finding := _refusal(job, path)) is not None]
    bundle = job.path(layout.BUNDLE)
    if missing or any(True for _ in shielded(bundle, check_bundle(job))):
        yield from missing
        return
    yield from shielded(bundle, _check_images(job))
    yield from shielded(bundle, _check_losses(job))
    claim, digest = job.outcome.details.get("untrained_weights_sha256"), untrained_digest(job.plan.training)
    if claim != digest:
        yield job.contradicted("details.untrained_weights_sha256", claim, f"the seed gives {digest}")


def _refusal(job: Claims, path: str) -> Violation | None:
    try:
        job.run.files.size(path)
    except ReadError as error:
        return Violation.refused(path, error)
    return None


def _check_images(job: Claims) -> Iterator[Violation]:
    """Every method's object once more, from the bundle and the held-out frames."""
    path = job.path(layout.RECONSTRUCTIONS)
    try:
        arrays = reconstructions(job)
    except ReadError:
        return  # told where the scores are measured again
    bundle, frames = (job.run.files.root / name for name in (job.path(layout.BUNDLE), job.data_path("test")))
    again = objects_of(job.plan.training, bundle, frames, iterations=job.plan.solver_iterations)
    for name, image in again.items():
        found = _difference(name, arrays[name], image, arrays[MASK])
        if found is not None:
            what = f"computed again it differs by {found}"
            yield Violation(path, name, "is what its method gives for the held-out frames", what, "evidence")


def _difference(name: str, there: NDArray[Any], again: NDArray[Any], mask: NDArray[Any]) -> str | None:
    """How the image *there* differs from the one computed *again*, where that is more than rounding."""
    if there.shape != again.shape:
        return f"its shape, {again.shape}"
    with np.errstate(all="ignore"):
        off = np.abs(there - again)
        most, mean = float(off[mask].max(initial=0)), math.sqrt(float((off[mask] ** 2).mean()))
        unseen = float((~(off <= _OTHER_ROUNDING))[~mask].mean()) if not mask.all() else 0.0
    if most <= _OTHER_ROUNDING and mean <= _MEAN_ROUNDING.get(name, _USUAL_MEAN_ROUNDING):
        return f"more than {_OTHER_ROUNDING:g} on {unseen:.2%} of what was not scored" if unseen > _UNSEEN else None
    return f"up to {most:.3g}, {mean:.3g} in the mean"


def _check_losses(job: Claims) -> Iterator[Violation]:
    """The validation losses of the untrained and of the best network, on the frames set aside."""
    root, config = job.run.files.root, replace(job.plan.training, device="cpu")
    curves: Any = job.outcome.details.get("curves")
    best = int(job.outcome.metrics["best_epoch"])
    share = _LOSSES.get(str(job.outcome.details.get("device")), _LOSSES_ELSEWHERE)
    with torch_settings(config.threads):
        task = TrainingTask.of(config, read_data(root / job.data_path("train")))
        networks = {0: initial_network(config), best: read_bundle(root / job.path(layout.BUNDLE)).network()}
        for epoch, network in networks.items():
            again = task.look(network, epoch, None, 0.0).validation_loss
            claim = curves[epoch]["validation_loss"]
            if not math.isclose(claim, again, rel_tol=share):
                what = f"its network gives {again!r}"
                place = f"$.curves[{epoch}].validation_loss"
                yield Violation(job.path(layout.CURVES), place, brief(claim), what, "evidence")
