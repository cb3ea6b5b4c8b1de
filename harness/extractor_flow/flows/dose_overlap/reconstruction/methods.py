"""What every method makes of the held-out frames of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import (
    reconstruct,
    reconstruct_constant,
    reconstruct_input,
    reconstruct_iteratively,
    reconstruct_untrained,
)
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, TRAINED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.reconstruction.bundle import Bundle


def objects_of(bundle: Bundle, frames: PtychographyData, *, iterations: int) -> dict[str, NDArray[np.complex128]]:
    """What every method makes of *frames*, by its name; the true object in there is not looked at."""
    config = bundle.config
    with torch_threads(config.threads):
        found = {
            TRAINED: reconstruct(bundle, frames),
            INPUT: reconstruct_input(bundle, frames),
            "untrained": reconstruct_untrained(config, frames),
            "constant": reconstruct_constant(frames),
            "iterative": reconstruct_iteratively(frames, iterations=iterations, seed=config.seed),
        }
    return {name: each.image for name, each in found.items()}
