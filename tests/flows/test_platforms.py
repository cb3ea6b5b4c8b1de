"""A real comparison on the hardware that a marker promises: trained there, and verified claim by claim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from support import ROOT

COMMAND = (sys.executable, "-m", "extractor_flow.cli", "run", "study.yaml")
STUDY = {
    "run": {
        "total_timesteps": 64,
        "eval_freq": 32,
        "n_eval_episodes": 2,
        "final_eval_episodes": 2,
        "seed": 1,
        "baseline_extractor": "flat",
    },
    "algorithm": {"n_steps": 32, "n_epochs": 2},
    "extractors": [{"name": "flat", "class": "support.flows.corridor:Flat"}],
}


class Place:
    """Where the command runs, and where environments leave word of their processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = path / "told"
        self._told.mkdir()

    def compare(self, *words: str, run_id: str = "only", **run: object) -> RunDirectory:
        """The run of ``extractor-flow run``, which must have succeeded."""
        env = {"factory": "support.flows.platforms:make_telling", "kwargs": {"where": str(self._told)}}
        study = {**STUDY, "run": {**STUDY["run"], **run}, "env": env}
        (self.path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "extractor_flow.cli",
                "run",
                "study.yaml",
                "--run-id",
                run_id,
                "--output-root",
                run_id,
                *words,
            ],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (directory,) = (entry for entry in (self.path / run_id).iterdir() if entry.is_dir() and entry.name != "latest")
        return RunDirectory.open(directory)

    def starts(self) -> set[str]:
        """The start methods that really started the processes in which environments were made."""
        return {_start(json.loads(path.read_text(encoding="utf-8"))) for path in self._told.iterdir()}


def _start(words: list[str]) -> str:
    known = {"spawn": "from multiprocessing.spawn import", "forkserver": "from multiprocessing.forkserver import"}
    return next((name for name, sign in known.items() if any(sign in word for word in words)), "other")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def claims(run):
    """What the run claims of its extractor, on which kind of device, and the violations found in it."""
    (record,) = run.records()
    kind, _, _ = record.outcome.details["device"].partition(":")
    return record.status, kind, verify(run.path).violations


@pytest.mark.cuda
def test_a_gpu_trains_with_vectorized_workers_and_bears_every_claim_out(place):
    run = place.compare("--require", "cuda", device="cuda", worker_mode="vectorized", num_envs=2)

    hardware = json.loads((run.path / "summary.json").read_text(encoding="utf-8"))["hardware_overview"]
    assert claims(run) == ("success", "cuda", ())
    assert [("gpu_model" in profile, "cuda_version" in profile) for profile in hardware] == [(True, True)]


@pytest.mark.cuda
def test_training_on_a_gpu_starts_from_the_weights_that_the_seed_decides_anywhere(place):
    runs = [place.compare(device=device, run_id=device) for device in ("cuda", "cpu")]

    first, second = ([record.outcome.details["untrained_weights_sha256"] for record in run.records()] for run in runs)
    assert first == second


@pytest.mark.macos_spawn
def test_a_mac_spawns_its_processes_and_bears_every_claim_out(place):
    run = place.compare(device="cpu", worker_mode="vectorized", num_envs=2)

    assert (claims(run), place.starts()) == (("success", "cpu", ()), {"spawn"})


@pytest.mark.spawn
@pytest.mark.parametrize("worker_mode", ["single-thread", "vectorized"])
def test_spawned_processes_train_like_any_other_and_bear_every_claim_out(place, worker_mode):
    run = place.compare("--start-method", "spawn", device="cpu", worker_mode=worker_mode, num_envs=2)

    assert (claims(run), place.starts()) == (("success", "cpu", ()), {"spawn"})
