"""What a job of this flow leaves: the only place where a file, a metric or a detail is declared."""

from __future__ import annotations

from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.plan import VIEWS, dose_text
from extractor_flow.flows.dose_overlap.scoring.names import (
    IMAGES,
    INPUT,
    MAP,
    PIE,
    REFINED,
    SCORES,
    TRAINED,
    metric_name,
)
from extractor_flow.study.job_contract import ArtifactSpec, Detail, JobContract, Metric, MetricSpec

_METHODS = {
    TRAINED: "",
    "constant": " of a constant image",
    "untrained": " of the untrained network",
    INPUT: " of the network's input",
    PIE: " of the iterative solver",
    MAP: " of the most likely object",
    REFINED: " of the most likely object near the network's",
}


def _scores() -> dict[str, MetricSpec]:
    """The scores of each method's objects against the truth; one that is undefined is left out."""
    return {
        metric_name(method, image, short): MetricSpec(
            f"{image.capitalize()} {score.title}{suffix}",
            score.unit,
            score.decimals,
            required=False,
            since=score.since,
            larger_is_better=score.larger_is_better,
            described=(method, image) == (TRAINED, "amplitude")
            or (method == TRAINED and short in {"psnr", "ssim"})
            or (image == "amplitude" and short == "psnr"),
        )
        for method, suffix in _METHODS.items()
        for image in IMAGES
        for short, score in SCORES.items()
    }


def _averages() -> dict[str, Metric]:
    groups = {view: f"over the doses of {view}" for view in VIEWS}
    groups |= {f"dose_{10**power}": f"over the views at {dose_text(10**power)} photons" for power in range(13)}
    return {
        f"avg_{image}_{short}_{group}": Metric(f"Mean {image} {score.title} {title}", score.unit, score.decimals)
        for group, title in groups.items()
        for image in IMAGES
        for short, score in SCORES.items()
    }


CONTRACT = JobContract(
    version=1,
    artifacts={
        "bundle": ArtifactSpec(layout.BUNDLE, reproducible=True),
        "checkpoint": ArtifactSpec(layout.CHECKPOINT, reproducible=True),
        "curves": ArtifactSpec(layout.CURVES, small=True),
        "reconstructions": ArtifactSpec(layout.RECONSTRUCTIONS, reproducible=True),
        "metrics": ArtifactSpec(layout.METRICS, small=True),
    },
    metrics={
        **_scores(),
        "gain_over_untrained": MetricSpec("Amplitude PSNR gained over the untrained network", "dB", required=False),
        "gain_over_constant": MetricSpec("Amplitude PSNR gained over a constant image", "dB", required=False),
        "gain_over_input": MetricSpec("Amplitude PSNR gained over the network's input", "dB", required=False),
        "gain_over_iterative": MetricSpec("Amplitude PSNR gained over the iterative solver", "dB", required=False),
        "gain_over_map": MetricSpec("Amplitude PSNR gained over the most likely object", "dB", required=False),
        "coverage": MetricSpec("Fraction of the object that is scored", "", 3),
        "covered_pixels": MetricSpec("Pixels that are scored", "px", 0),
        "final_loss": MetricSpec("Last training loss", "nats/px", 4, larger_is_better=False),
        "best_validation_loss": MetricSpec("Best validation loss", "nats/px", 4, larger_is_better=False),
        "untrained_validation_loss": MetricSpec(
            "Validation loss of the untrained network", "nats/px", 4, larger_is_better=False
        ),
        "best_epoch": MetricSpec("Best epoch", "", 0),
        "epochs_completed": MetricSpec("Epochs", "", 0),
        "total_parameters": MetricSpec("Parameters", "", 0, larger_is_better=False),
        "training_frames": MetricSpec("Frames learned from", "", 0),
        "validation_frames": MetricSpec("Frames set aside", "", 0),
    },
    details=dict.fromkeys(
        (
            "cell",
            "curves",
            "bundle_sha256",
            "bundle_size_bytes",
            "stopped_early",
            "untrained_weights_sha256",
            "data_sha256",
        ),
        Detail(reproducible=True),
    )
    | dict.fromkeys(("device", "torch_threads", "versions", "cpu_seconds"), Detail()),
)

ADDED = {
    **_averages(),
    "total_wall_time": Metric("Total wall time", "s", 1),
    "completed_runs": Metric("Completed runs", "", 0),
    "skipped_runs": Metric("Skipped runs", "", 0),
    "failed_runs": Metric("Failed runs", "", 0),
}
"""What the comparison of the jobs adds to the run as a whole."""
