"""A tiny experiment and a tiny training, shared by the tests of this folder."""

from __future__ import annotations

from functools import cache

import numpy as np

from extractor_flow.flows.dose_overlap.data.simulation import (
    SyntheticSettings,
    canonical,
    simulate,
    split,
    synthetic_base,
    with_patches,
)
from extractor_flow.flows.dose_overlap.data.thinning import Accepted, select_view
from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

TINY = SyntheticSettings(object_size=96, frame_size=16, probe_diameter=8, scan_step=4)
DOSE = 2e4


@cache
def tiny_scan():
    """Train and test frames of a small object."""
    return split(with_patches(canonical(simulate(synthetic_base(TINY), DOSE))))


def tiny_view(overlap):
    """The same frames, thinned."""
    kept = [
        select_view(part.xcoords, part.ycoords, overlap=overlap, frame_size=part.frame_size) for part in tiny_scan()
    ]
    assert all(isinstance(found, Accepted) for found in kept)
    return [part.select(found.indices) for part, found in zip(tiny_scan(), kept, strict=True)]


def tiny_config(**changes):
    """A training of a second or two."""
    return TrainingConfig(
        **(
            {
                "dose": DOSE,
                "epochs": 3,
                "steps_per_epoch": 12,
                "batch_frames": 16,
                "width": 8,
                "refinements": 3,
                "seed": 5,
            }
            | changes
        )
    )


def without_truth(data):
    """The same frames under a wrong object, so that whoever looks at the truth is found out."""
    from dataclasses import replace

    return replace(data, object_guess=np.full_like(data.object_guess, 0.5j), patches=None)
