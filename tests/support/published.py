"""Real published runs, made as a user makes them, for tests that judge them by their files."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import chdir
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from extractor_flow.cli import main
from extractor_flow.files import read_json, write_json, write_text
from support import ROOT
from support.calling import Answer, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_extractor_flow.fixtures import RunOnce

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


@dataclass(frozen=True)
class SharedRuns:
    """Published runs that are trained once in a session, by whichever worker asks first."""

    run_once: RunOnce

    def __call__(self, config: dict[str, Any], *, drawn: bool = True) -> Path:
        """The directory of the run of *config*, with figures or without; trained in the process that asks first."""
        place = self._made(_name(config, drawn), partial(publish_run, config=config), drawn=drawn)
        return _latest(place)

    def some_cells(self) -> tuple[Answer, Path]:
        """What the command said that runs a study of a trained and a skipped cell and verifies it; its run, undrawn."""
        place = self._made(_name(ONE_DOSE, STUDY), _study_some_cells, drawn=False)
        return Answer(**read_json(place / "answer.json")), _latest(place)

    def _made(self, name: str, make: Callable[[Path], object], *, drawn: bool) -> Path:
        """The place called *name*, in which *make* made something, once."""
        place = self.run_once.output(name)
        with (place / "lock").open("w") as lock, pytest.MonkeyPatch.context() as environment:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "published").exists():
                if not drawn:
                    environment.setenv("PYTHONPATH", UNDRAWN, prepend=os.pathsep)
                make(place)
                (place / "published").touch()
        return place


def _name(config: dict[str, Any], *how: object) -> str:
    """The name of what is made of *config* in that way."""
    digest = hashlib.sha256(yaml.safe_dump([config, how]).encode()).hexdigest()
    return f"{config.get('flow', 'comparison')}-{digest[:8]}"


def _study_some_cells(place: Path) -> None:
    skip_what_cannot_train(ONE_DOSE)
    write_text(place / "study.yaml", yaml.safe_dump(ONE_DOSE))
    answer = call(main, *words(place, *NO_BASELINE, command=STUDY), cwd=place)
    write_json(place / "answer.json", asdict(answer))


def _latest(folder: Path) -> Path:
    """The directory of the run in *folder*: for everybody, and so never to be changed."""
    return (folder / "runs" / "latest").resolve(strict=True)


def publish_run(folder: Path, config: dict[str, Any], *options: str) -> Path:
    """Run *config* for real in *folder*, in this process; the run directory."""
    skip_what_cannot_train(config)
    write_text(folder / "study.yaml", yaml.safe_dump(config))
    with chdir(folder):
        main(words(folder, *options))
    return _latest(folder)


def words(folder: Path, *options: str, command: tuple[str, ...] = RUN) -> list[str]:
    """The *command* that runs the study in *folder*, one job after the other."""
    return [*command, f"{folder}/study.yaml", "--output-root", f"{folder}/runs", "--executor", "serial", *options]


def skip_what_cannot_train(config: dict[str, Any]) -> None:
    """Skip the test where the packages that *config* trains with are not installed."""
    if config.get("flow") != "line_fit":
        pytest.importorskip("stable_baselines3", reason="this run trains, with the extra [train]")
