"""How this flow's metrics are shown."""

from __future__ import annotations

from extractor_flow.flows.dose_overlap.plan import VIEWS, dose_text
from extractor_flow.study.flow import Metric

_METHODS = {
    "": "",
    "untrained": " of the untrained network",
    "constant": " of a constant image",
    "input": " of the network's input",
    "iterative": " of the iterative solver",
}
_SCORES = {
    "psnr": ("PSNR", "dB", 2),
    "ssim": ("SSIM", "", 3),
    "ms_ssim": ("MS-SSIM", "", 3),
    "frc": ("Fourier ring correlation falls to 0.5 at", "cycles/px", 3),
}


def _scores() -> dict[str, Metric]:
    return {
        "_".join(filter(None, (method, image, short))): Metric(f"{image.capitalize()} {title}{words}", unit, decimals)
        for method, words in _METHODS.items()
        for image in ("amplitude", "phase")
        for short, (title, unit, decimals) in _SCORES.items()
    }


def _averages() -> dict[str, Metric]:
    groups = {view: f"over the doses of {view}" for view in VIEWS}
    groups |= {f"dose_{10**power}": f"over the views at {dose_text(10**power)} photons" for power in range(13)}
    return {
        f"avg_{image}_{short}_{group}": Metric(f"Mean {image} {title} {words}", unit, decimals)
        for group, words in groups.items()
        for image in ("amplitude", "phase")
        for short, (title, unit, decimals) in _SCORES.items()
    }


METRICS = {
    **_scores(),
    **_averages(),
    "gain_over_untrained": Metric("Amplitude PSNR gained over the untrained network", "dB"),
    "gain_over_constant": Metric("Amplitude PSNR gained over a constant image", "dB"),
    "gain_over_input": Metric("Amplitude PSNR gained over the network's input", "dB"),
    "coverage": Metric("Share of the object on which is scored", "", 3),
    "covered_pixels": Metric("Pixels on which is scored", "px", 0),
    "final_loss": Metric("Last training loss", "nats/px", 4),
    "best_validation_loss": Metric("Best validation loss", "nats/px", 4),
    "untrained_validation_loss": Metric("Validation loss of the untrained network", "nats/px", 4),
    "best_epoch": Metric("Best epoch", "", 0),
    "epochs_completed": Metric("Epochs", "", 0),
    "total_parameters": Metric("Parameters", "", 0),
    "training_frames": Metric("Frames learned from", "", 0),
    "validation_frames": Metric("Frames set aside", "", 0),
    "total_wall_time": Metric("Total wall time", "s", 1),
    "completed_runs": Metric("Completed runs", "", 0),
    "skipped_runs": Metric("Skipped runs", "", 0),
    "failed_runs": Metric("Failed runs", "", 0),
}
