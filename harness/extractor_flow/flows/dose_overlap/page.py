"""What the report page of a study shows: the cells, the methods over the dose, the images and the curves."""

from __future__ import annotations

from extractor_flow.flows.dose_overlap.scoring.names import METHODS, metric_name
from extractor_flow.study.page_spec import (
    DURATION,
    CurveSpec,
    GridSpec,
    MethodsSpec,
    PageSpec,
    PictureSpec,
)


def _methods(title: str, image: str, short: str) -> MethodsSpec:
    return MethodsSpec(title, {method: metric_name(method, image, short) for method in METHODS})


PAGE = PageSpec(
    cost=("total_parameters", "training_frames", "best_epoch"),
    grid=GridSpec(
        title="Dose × view",
        explanation="Scores of held-out frames. Blue is more, orange less than nothing.",
        detail="cell",
        row="dose",
        column="view",
        row_title="Photons a frame",
        shown=(
            "gain_over_input",
            "amplitude_psnr",
            "amplitude_ssim",
            "phase_psnr",
            "gain_over_map",
            "gain_over_iterative",
            "coverage",
            DURATION,
        ),
        methods=(
            _methods("Amplitude PSNR, dB", "amplitude", "psnr"),
            _methods("Amplitude SSIM", "amplitude", "ssim"),
            _methods("Phase PSNR, dB", "phase", "psnr"),
        ),
        methods_explanation="Means over the seeds. Where trained lies on input, training was worth nothing.",
    ),
    curve=CurveSpec(
        title="Training",
        explanation="Amplitude PSNR in dB on the frames set aside, by epoch; a line is a job, labelled with its dose.",
        detail="curves",
        x="epoch",
        y="amplitude_psnr",
    ),
    pictures=(
        PictureSpec("images_amplitude.png", "Trained network", "Amplitudes that the trained network reconstructs"),
        PictureSpec("images_input.png", "Its input", "Amplitudes of the network's input"),
        PictureSpec("images_iterative.png", "Iterative solver", "Amplitudes that the iterative solver reconstructs"),
        PictureSpec("images_map.png", "Most likely object", "Amplitudes of the most likely object that varies little"),
        PictureSpec("images_error.png", "Errors, trained", "How far the trained network's amplitudes are off"),
        PictureSpec("rings.png", "Resolved detail", "Fourier ring correlation of every method's amplitudes"),
        PictureSpec("frames.png", "Frames and fit", "Held-out frames beside what the trained network's object gives"),
        PictureSpec("scan.png", "Probe and scan", "The probe, the middles of the held-out frames, and their light"),
        PictureSpec("images_phase.png", "Phase, trained", "Phases that the trained network reconstructs"),
    ),
    settings={
        "Object": ("simulation.object_size", "simulation.seed", "simulation.base_npz"),
        "Frames": ("simulation.frame_size", "simulation.probe_diameter", "simulation.scan_step", "design.frames"),
        "Overlap": ("design.overlaps",),
        "Training": tuple(
            f"training.{name}" for name in ("epochs", "steps_per_epoch", "batch_frames", "learning_rate", "width")
        ),
        "Input": tuple(
            f"training.{name}"
            for name in ("input", "split", "projections", "refinements", "smoothness", "spread", "dim")
        ),
        "Solvers": tuple(f"solver.{name}" for name in ("iterations", "momentum", "map_steps", "smoothness", "trust")),
        "Seeds": ("run.seeds",),
    },
)
