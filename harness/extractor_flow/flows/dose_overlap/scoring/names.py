"""The names of the metrics that compare methods, and how their scores are shown."""

from __future__ import annotations

from typing import NamedTuple

TRAINED = "trained"
INPUT = "input"
"""The classical estimate that the network is given with each frame: what of the quality it did not have to learn."""
PIE, MAP = "iterative", "map"
"""The solvers: ptychographic iterations, and the most likely object that varies little."""
REFINED = "refined"
"""The most likely object near what the trained network says."""
METHODS = (TRAINED, "untrained", "constant", INPUT, PIE, MAP, REFINED)
TIMED = (INPUT, TRAINED, PIE, MAP, REFINED)
"""The methods whose CPU seconds a cell records."""
TRUTH, MASK = "truth", "mask"
"""What is stored beside the methods' objects: the true one, and the pixels on which they are scored."""
IMAGES = ("amplitude", "phase")


class Score(NamedTuple):
    """How a score is shown: its title, the name of its column in the study's table, its unit and its decimals.

    ``measured`` is what :class:`~extractor_flow.flows.dose_overlap.scoring.scores.ImageScores` calls it, and ``since``
    the version of the flow's contract that has it first.
    """

    measured: str
    title: str
    column: str
    unit: str
    decimals: int
    larger_is_better: bool = True
    since: int = 1


SCORES = {
    "psnr": Score("psnr", "PSNR", "PSNR", "dB", 2),
    "ssim": Score("ssim", "SSIM", "SSIM", "", 3),
    "ms_ssim": Score("ms_ssim", "MS-SSIM", "MS-SSIM", "", 3),
    "frc": Score("frc_cutoff", "Fourier ring correlation falls to 0.5 at", "FRC", "cycles/px", 3),
}
"""Every score of an image by the name that its metric ends in; each is a metric of a job and a column of the table."""
TRAINING = frozenset(
    {
        "final_loss",
        "best_validation_loss",
        "untrained_validation_loss",
        "best_epoch",
        "epochs_completed",
        "total_parameters",
        "training_frames",
        "validation_frames",
    }
)
"""The metrics that a training gives; all others compare reconstructions with the truth."""


def metric_name(method: str, image: str, short: str) -> str:
    """``amplitude_psnr`` for the trained network, ``constant_amplitude_psnr`` for another method."""
    return f"{image}_{short}" if method == TRAINED else f"{method}_{image}_{short}"
