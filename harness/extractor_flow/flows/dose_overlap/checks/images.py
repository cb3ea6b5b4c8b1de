"""Checks the stored reconstructions: they give the recorded scores, and are what their names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.likeness import nearly
from extractor_flow.flows.dose_overlap.data.calibration import constant_level
from extractor_flow.flows.dose_overlap.data.scan_geometry import covered, frame_corners
from extractor_flow.flows.dose_overlap.scoring.names import MASK, METHODS, TRAINED, TRAINING, TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.dose_overlap.checks.claims import Claims

# What no method comes as close to the truth as, everywhere: a share of its largest value.
_NO_ERROR = 1e-5
# Of numbers in single precision, in which images are stored.
_LAST_PLACE = 2e-7


@check("dose-images", reads=("reconstructions",))
def images(job: Claims) -> Iterator[Violation]:
    """The stored truth, area and constant are those of the held-out frames, and no method's image is the truth.

    Catches: another truth or a smaller area to be scored on, the truth or the untrained image shown as the trained one.
    Cannot catch: an image nearer to the truth than its method gives; dose-images-again makes each again.
    """
    arrays = job.images()
    if job.improved and np.array_equal(arrays[TRAINED], arrays["untrained"]):
        yield job.wrong(layout.RECONSTRUCTIONS, TRAINED, "is the trained network's", "the untrained network's image")
    for name in METHODS:
        if nearly(arrays[name], arrays[TRUTH], _NO_ERROR):
            yield job.wrong(layout.RECONSTRUCTIONS, name, "is a reconstruction", "the true object itself")
    frames = job.frames("test")
    source = job.data_path("test")
    constant = np.full(frames.object_guess.shape, constant_level(frames), dtype=np.complex64)
    if not np.array_equal(arrays[TRUTH], frames.object_guess):
        yield job.wrong(layout.RECONSTRUCTIONS, TRUTH, "is the object that was measured", f"{source} has another")
    if not np.array_equal(arrays[MASK], covered(frames.probe_guess, frame_corners(frames), constant.shape)):
        yield job.wrong(layout.RECONSTRUCTIONS, MASK, "is the area that the frames cover", f"{source} covers another")
    if not nearly(arrays["constant"], constant, _LAST_PLACE):
        what = f"{source} is as bright as {constant_level(frames)!r}"
        yield job.wrong(layout.RECONSTRUCTIONS, "constant", "is as bright as the frames", what)


@check("dose-scores", reads=("reconstructions",), needs=("scipy",))
def scores(job: Claims) -> Iterator[Violation]:
    """Every metric that compares images is what the stored images give, and there is no other.

    Catches: a better score of the network, a worse one of what it is compared with, an invented metric.
    Cannot catch: scores of images that were changed with them; dose-images and dose-images-again look at those.
    """
    from extractor_flow.flows.dose_overlap.scoring.cell_metrics import measured

    found = measured(job.images())
    for name in sorted((job.outcome.metrics.keys() - TRAINING) | found.keys()):
        yield from job.metric(name, found.get(name), layout.RECONSTRUCTIONS)
