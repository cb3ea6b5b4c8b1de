"""Parts the photons of measured frames in two independent measurements, as a beam splitter would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData


def split_photons(
    data: PtychographyData, scale: float, share: float, rng: np.random.Generator
) -> tuple[PtychographyData, PtychographyData]:
    """Each photon of *data* goes with the probability *share* into the first part, else into the second.

    *scale* is the number of photons for each unit of intensity. Both parts are as bright as *data*; given the object
    their noise is independent, so that what is made of one cannot have fitted the noise of the other.
    """
    counts = np.rint(data.diffraction.astype(np.float64) ** 2 * scale).astype(np.int64)
    kept = rng.binomial(counts, share)
    parts = ((kept, share), (counts - kept, 1 - share))
    first, second = (
        replace(data, diffraction=np.sqrt(part / (each * scale)).astype(np.float32)) for part, each in parts
    )
    return first, second
