"""Real published runs, made as a user makes them, for tests that judge them by their files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from extractor_flow.cli import main
from extractor_flow.files import write_text
from pytest_extractor_flow.once.execution import Command
from pytest_extractor_flow.runs.session_runs import by_published_run
from support import ROOT

if TYPE_CHECKING:
    from pytest_extractor_flow.fixtures import RunOnce
    from pytest_extractor_flow.once.execution import Execution

SMALL_WORLD = {"rays": 16, "walls": 1, "pedestrians": 1, "arena_size": 6.0, "max_steps": 20}
COMPARISON: dict[str, Any] = {
    "run": {
        "run_id": "tiny",
        "total_timesteps": 64,
        "eval_freq": 32,
        "save_freq": 32,
        "n_eval_episodes": 2,
        "final_eval_episodes": 2,
        "num_envs": 2,
        "seeds": [1, 2],
        "baseline_extractor": "mlp",
    },
    "env": {"kwargs": SMALL_WORLD},
    "algorithm": {"n_steps": 16, "batch_size": 16, "n_epochs": 2},
    "extractors": [
        {"name": "mlp", "preset": "mlp_small"},
        {"name": "needs_gpu", "preset": "dynamics_no_conv", "expected_resources": "gpu"},
        {"name": "broken", "class": "support.flows.corridor:Breaks"},
    ],
}


DOSES: dict[str, Any] = {
    "flow": "dose_overlap",
    "run": {"run_id": "tiny"},
    "design": {"doses": [1000, 100000], "overlaps": {"dense": 0.6, "sparse": 0.2}},
    "simulation": {"object_size": 112, "frame_size": 16, "probe_diameter": 8, "scan_step": 3},
    "training": {"epochs": 2, "steps_per_epoch": 6, "width": 4, "projections": 2, "refinements": 2, "batch_frames": 8},
    "solver": {"iterations": 2, "map_steps": 2},
}
# The dense cell of one dose, and the sparse one that the scan cannot have: every cell costs its verification each time.
ONE_DOSE: dict[str, Any] = {**DOSES, "design": {**DOSES["design"], "doses": [1000]}}
NO_BASELINE = ("--only", "[ds]*")


def lines(*models: dict[str, Any], **run: Any) -> dict[str, Any]:
    """The config of a line_fit study; *run* are members of its ``run`` section."""
    return {"flow": "line_fit", "run": {"steps": 5, **run}, "models": list(models)}


UNDRAWN = str(ROOT / "tests" / "support" / "undrawn")
"""On a process's path: it has no matplotlib."""
RUN, STUDY = ("run",), ("dose-overlap", "study")
PATIENCE = 3600
"""Seconds that a shared run may take, on the slowest machine."""


@dataclass(frozen=True)
class SharedRuns:
    """Published runs that are trained once in a session, by whichever worker asks first."""

    run_once: RunOnce

    def __call__(self, config: dict[str, Any], *, drawn: bool = True) -> Path:
        """The directory of the run of *config*, with figures or without; trained in the process that asks first."""
        place = self.run_once.output(_name(config, drawn))
        with (place / "lock").open("w") as lock, pytest.MonkeyPatch.context() as environment:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "published").exists():
                if not drawn:
                    environment.setenv("PYTHONPATH", UNDRAWN, prepend=os.pathsep)
                publish_run(place, config)
                (place / "published").touch()
        return (place / "runs" / "latest").resolve(strict=True)

    def some_cells(self) -> Execution:
        """How the study of a trained and a skipped cell ended, by the command that verifies it at once; undrawn."""
        skip_what_cannot_train(ONE_DOSE)
        name = _name(ONE_DOSE, STUDY)
        place = self.run_once.output(name)
        write_text(place / "study.yaml", yaml.safe_dump(ONE_DOSE))
        argv = (sys.executable, "-m", "extractor_flow.cli", *words(place, *NO_BASELINE, command=STUDY))
        # One thread, as in the processes of the jobs.
        environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": UNDRAWN}
        return self.run_once(Command(name, argv, PATIENCE, cwd=place, environment=environment), by_published_run)


def _name(config: dict[str, Any], *how: object) -> str:
    """The name of what is made of *config* in that way."""
    digest = hashlib.sha256(yaml.safe_dump([config, how]).encode()).hexdigest()
    return f"{config.get('flow', 'comparison')}-{digest[:8]}"


def published(execution: Execution) -> Path:
    """The directory of the run that was published: for everybody, and so never to be changed."""
    return (execution.output / "runs" / "latest").resolve(strict=True)


def publish_run(folder: Path, config: dict[str, Any], *options: str) -> Path:
    """Run *config* for real in *folder*, in this process; the run directory."""
    skip_what_cannot_train(config)
    write_text(folder / "study.yaml", yaml.safe_dump(config))
    with chdir(folder):
        main(words(folder, *options))
    return (folder / "runs" / "latest").resolve(strict=True)


def words(folder: Path, *options: str, command: tuple[str, ...] = RUN) -> list[str]:
    """The *command* that runs the study in *folder*, one job after the other."""
    return [*command, f"{folder}/study.yaml", "--output-root", f"{folder}/runs", "--executor", "serial", *options]


def skip_what_cannot_train(config: dict[str, Any]) -> None:
    """Skip the test where the packages that *config* trains with are not installed."""
    if config.get("flow") != "line_fit":
        pytest.importorskip("stable_baselines3", reason="this run trains, with the extra [train]")
