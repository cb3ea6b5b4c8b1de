"""A real comparison through its command, on whatever hardware a test's marker promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from support import ROOT
from support.published import UNDRAWN

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
            env={**os.environ, "PYTHONPATH": os.pathsep.join([UNDRAWN, str(ROOT / "tests")]), "OMP_NUM_THREADS": "1"},
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


def claims(run):
    """What the run claims of its extractor, on which kind of device, and the violations found in it."""
    (record,) = run.records()
    kind, _, _ = record.outcome.details["device"].partition(":")
    return record.status, kind, verify(run.path).violations
