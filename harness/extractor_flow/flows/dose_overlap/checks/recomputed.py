"""Recomputes with PyTorch what the stored networks give: every image, and the losses of every epoch kept."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.scoring.names import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.dose_overlap.checks.claims import Arrays, Claims
    from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork

# How far an image may be from the one computed again: at most, and in the mean; amplitudes are about 1. Frames that
# differ in their last place move the most likely object by up to 8e-4, and 1.2e-5 in the mean; other libraries of
# Fourier transforms move what it begins with ten times as far. Other processors are not yet measured.
_MOST = 1e-2
_MEAN = 5e-4
# The share of pixels that were not scored on which images may differ: a constant there is at the edge of one that is
# not, and rounding decides which.
_UNSEEN = 1e-3
# By how much, as a share, a number of the curve may differ from one computed again on the processor. Other threads and
# libraries move it by 5e-7. A GPU computes convolutions with ten bits after the point: numbers cut to that move the
# losses of small networks by 6e-5 and their scores by 1.3e-4; larger ones add up more.
_SHARES = {"cpu": 1e-4}
_SHARE_ELSEWHERE = 0.01
_NEAR_ZERO = 1e-6
_MEASURED = [field.name for field in fields(EpochRecord) if field.name not in {"epoch", "train_loss", "learning_rate"}]


@check("dose-images-again", reads=("bundle", "reconstructions"), needs=("scipy", "torch"), deep=True)
def images_again(job: Claims) -> Iterator[Violation]:
    """Every method's image is what it gives for the held-out frames, computed once more with the bundle's weights.

    Catches: an image that was retouched, of another network, or of other frames, also where scores and digests fit it.
    Cannot catch: weights that were chosen by looking at the truth.
    """
    from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle
    from extractor_flow.flows.dose_overlap.reconstruction.methods import objects_of

    arrays, frames = job.images(), job.frames("test")
    weights = _tensors(job.weights(layout.BUNDLE, "network."))
    bundle = Bundle(job.plan.training, job.calibration(), job.frames("train").probe_guess, weights)
    for name, image in objects_of(bundle, frames, job.plan.solver).images.items():
        found = _difference(arrays[name], image, arrays[MASK])
        if found is not None:
            what = f"computed again it differs by {found}"
            yield job.wrong(layout.RECONSTRUCTIONS, name, "is what its method gives for the held-out frames", what)


def _difference(stored: NDArray[Any], again: NDArray[Any], mask: NDArray[Any]) -> str | None:
    """How the image *stored* differs from the one computed *again*, where that is more than rounding."""
    if stored.shape != again.shape:
        return f"its shape, {again.shape}"
    off = np.abs(stored - again)
    most, mean = float(off[mask].max(initial=0)), math.sqrt(float((off[mask] ** 2).mean()))
    unseen = float((off > _MOST)[~mask].mean()) if not mask.all() else 0.0
    if most <= _MOST and mean <= _MEAN:
        return f"more than {_MOST:g} on {unseen:.2%} of what was not scored" if unseen > _UNSEEN else None
    return f"up to {most:.3g}, {mean:.3g} in the mean"


@check("dose-losses-again", reads=("bundle", "checkpoint", "curves"), needs=("scipy", "torch"), deep=True)
def losses_again(job: Claims) -> Iterator[Violation]:
    """The untrained, the best and the last network give the losses and scores that the curve has for their epochs.

    Catches: lower losses told alike everywhere, weights of another epoch, a network that was never trained.
    Cannot catch: the losses of epochs whose weights were not kept; --replay trains them again.
    """
    from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
    from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import untrained_digest
    from extractor_flow.flows.dose_overlap.reconstruction.task import TrainingTask

    claim, digest = job.outcome.details.get("untrained_weights_sha256"), untrained_digest(job.plan.training)
    if claim != digest:
        yield job.contradicted("details.untrained_weights_sha256", claim, f"the seed gives {digest}")
    config = replace(job.plan.training, device="cpu")
    share = _SHARES.get(str(job.outcome.details.get("device")), _SHARE_ELSEWHERE)
    with torch_threads(config.threads):
        task = TrainingTask.of(config, job.frames("train"))
        for number, source, network in _networks(job):
            claimed, again = job.curve()[number], task.look(network, number, None, 0.0).as_dict()
            for name in _MEASURED:
                if not _equal(claimed[name], again[name], share):
                    what = f"the network of {source} gives {again[name]!r}"
                    yield job.wrong(layout.CURVES, f"$.curves[{number}].{name}", claimed[name], what)


def _networks(job: Claims) -> Iterator[tuple[int, str, PatchNetwork]]:
    """Every epoch whose weights are kept, where they are kept, and the network."""
    from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import initial_network

    losses = [epoch["validation_loss"] for epoch in job.curve()]
    yield 0, "the seed", initial_network(job.plan.training)
    for number, name, group in (
        (losses.index(min(losses)), layout.BUNDLE, "network."),
        (len(losses) - 1, layout.CHECKPOINT, "network/"),
    ):
        network = initial_network(job.plan.training)
        network.load_state_dict(_tensors(job.weights(name, group)))
        yield number, name, network


def _tensors(weights: Arrays) -> dict[str, Any]:
    """*weights* for PyTorch, which takes no read-only memory."""
    import torch

    return {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}


def _equal(claim: object, again: object, share: float) -> bool:
    if not isinstance(claim, int | float) or not isinstance(again, int | float):
        return claim is again
    return math.isclose(claim, again, rel_tol=share, abs_tol=_NEAR_ZERO)
