"""The numbers of a cell: every method's object against the true one, on the area that the held-out frames cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.flows.dose_overlap.scoring.names import (
    IMAGES,
    INPUT,
    MAP,
    MASK,
    METHODS,
    PIE,
    SCORES,
    TRUTH,
    metric_name,
)
from extractor_flow.flows.dose_overlap.scoring.scores import score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_NOT_LEARNED = ("untrained", "constant", INPUT, PIE, MAP)


def stored(arrays: Mapping[str, NDArray[Any]], mask: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The true object and every method's, in the precision in which they are kept, scored and read again."""
    return {**{name: np.asarray(arrays[name], dtype=np.complex64) for name in (TRUTH, *METHODS)}, MASK: mask}


def measured(arrays: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """The metrics of :func:`stored` arrays; what does not exist (no whole window, no error) has no entry.

    Bad shapes, an empty mask or values that are not finite are a :class:`extractor_flow.errors.DataError`.
    """
    metrics: dict[str, float] = {}
    for method in METHODS:
        scores = score(arrays[TRUTH], arrays[method], arrays[MASK]).as_dict()
        found = {
            metric_name(method, image, short): scores[f"{image}_{SCORES[short].measured}"]
            for image in IMAGES
            for short in SCORES
        }
        metrics |= {name: value for name, value in found.items() if value is not None}
    mask = arrays[MASK]
    metrics |= {"covered_pixels": int(mask.sum()), "coverage": float(mask.mean())}
    return metrics | _gains(metrics)


def _gains(metrics: Mapping[str, float]) -> dict[str, float]:
    """By how many dB the trained network's amplitude is better than what nothing was learned for; below 0 if worse."""
    own = metrics.get("amplitude_psnr")
    others = {name: metrics.get(metric_name(name, "amplitude", "psnr")) for name in _NOT_LEARNED}
    return {f"gain_over_{name}": own - value for name, value in others.items() if own is not None and value is not None}
