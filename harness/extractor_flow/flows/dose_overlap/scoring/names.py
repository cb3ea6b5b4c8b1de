"""The names of the metrics that compare methods; imports nothing."""

from __future__ import annotations

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
SCORES = {"psnr": "psnr", "ssim": "ssim", "ms_ssim": "ms_ssim", "frc": "frc_cutoff"}
"""A metric's name, and the name of the score that it is."""
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
