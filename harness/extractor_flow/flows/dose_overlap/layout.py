"""The names of the files that this flow writes: data sets under a root, and what a job leaves in its directory."""

from __future__ import annotations

from extractor_flow.layout import JOB_LOG, MANIFEST, SKIPS

DATA = "data"
RAW = "simulated_raw.npz"
CANONICAL = "canonical.npz"
PATCHED = "patched.npz"
SPLITS = ("train", "test")
RUN_MANIFEST = "run_manifest.json"
OVERLAP_MANIFEST = "overlap_manifest.json"
METRICS_BUNDLE = "metrics_bundle.json"
TRAINING_MANIFEST = MANIFEST
SKIP_SUMMARY = SKIPS

BUNDLE = "bundle.safetensors"
CHECKPOINT = "checkpoint.safetensors"
CURVES = "curves.json"
RECONSTRUCTIONS = "reconstructions.npz"
METRICS = "metrics.json"
LOG = JOB_LOG


def dose_directory(dose: int) -> str:
    """``dose_1000``, in which everything measured with that dose lies."""
    return f"dose_{dose}"


def patched(dose: int, split: str) -> str:
    """All frames of one side of the scan, with the true object under each."""
    return f"{dose_directory(dose)}/patched_{split}.npz"


def view(dose: int, name: str, split: str) -> str:
    """The frames that a thinned view keeps of one side of the scan."""
    return f"{dose_directory(dose)}/{name}/{name}_{split}.npz"


def view_metrics(dose: int, name: str, split: str) -> str:
    """The numbers behind that choice."""
    return f"{dose_directory(dose)}/{name}/{split}_metrics.json"


def metrics_bundle(dose: int, name: str) -> str:
    """Both sides' numbers in one file."""
    return f"{dose_directory(dose)}/{name}/{METRICS_BUNDLE}"
