"""Real published runs, made as a user makes them, for tests that judge them by their files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import ROOT

SMALL_WORLD = {"rays": 16, "walls": 1, "pedestrians": 1, "arena_size": 6.0, "max_steps": 20}
COMPARISON: dict[str, Any] = {
    "run": {
        "run_id": "tiny",
        "total_timesteps": 64,
        "eval_freq": 32,
        "save_freq": 32,
        "n_eval_episodes": 2,
        "num_envs": 2,
        "seeds": [1, 2],
        "baseline_extractor": "mlp",
    },
    "env": {"kwargs": SMALL_WORLD},
    "algorithm": {"n_steps": 16, "batch_size": 16, "n_epochs": 2},
    "extractors": [
        {"name": "mlp", "preset": "mlp_small"},
        {"name": "needs_gpu", "preset": "dynamics_no_conv", "expected_resources": "gpu"},
        {"name": "broken", "class": "no_such_package:Extractor"},
    ],
}


def importable() -> str:
    """The import path on which a run finds the environments and extractors of :mod:`support.flows`."""
    return os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT / "tests")])


def publish_run(folder: Path, config: dict[str, Any], *options: str) -> Path:
    """Run *config* for real in *folder*; the run directory."""
    if config.get("flow") != "line_fit":
        pytest.importorskip("stable_baselines3", reason="this run trains, with the extra [train]")
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(config), encoding="utf-8")
    root = folder / "runs"
    words = ["run", str(study), "--output-root", str(root), "--executor", "serial", *options]
    done = subprocess.run(
        [sys.executable, "-m", "extractor_flow.cli", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": importable()},
        capture_output=True,
        text=True,
        check=False,
    )
    if not (root / "latest").exists():
        raise RuntimeError(done.stderr)
    return (root / "latest").resolve()
