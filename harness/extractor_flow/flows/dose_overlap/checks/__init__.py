"""The checks of a dose x overlap study: what its files must bear out of what its records claim."""

from __future__ import annotations

from extractor_flow.flows.dose_overlap.checks.images import images, scores
from extractor_flow.flows.dose_overlap.checks.recomputed import images_again, losses_again
from extractor_flow.flows.dose_overlap.checks.records import curve, frames, metrics_file, record
from extractor_flow.flows.dose_overlap.checks.shared_data import refused_views, study_data
from extractor_flow.flows.dose_overlap.checks.weights import bundle, checkpoint

CHECKS = (
    study_data,
    refused_views,
    record,
    metrics_file,
    curve,
    frames,
    bundle,
    checkpoint,
    images,
    scores,
    images_again,
    losses_again,
)
