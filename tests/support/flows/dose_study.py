"""A tiny real study, run as a user runs it: two doses, a dense view, and a sparse one that the scan cannot have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from extractor_flow.cli import main
from extractor_flow.run.rundir import RunDirectory
from support.calling import PLAIN, Answer, call
from support.published import DOSES

BASELINE, DENSE = "dose_1000/baseline/gs1", "dose_1000/dense/gs2"
DENSE_NAME = "dense (dose=1e+03)"
OTHER_DENSE, SPARSE = "dose_100000/dense/gs2", "dose_1000/sparse/gs2"


def command(*words: object, cwd: Path) -> Answer:
    """``extractor-flow WORDS`` to its end, in this process."""
    return call(main, *words, cwd=cwd)


def module(name: str, *words: object, cwd: Path) -> Answer:
    """``python -m NAME WORDS`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, words)],
        cwd=cwd,
        env={**os.environ, **PLAIN},
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def config(directory: Path, **sections: object) -> Path:
    """The tiny study's config, with whole *sections* replaced, in *directory*."""
    path = directory / "tiny.yaml"
    path.write_text(yaml.safe_dump({**DOSES, **sections}), encoding="utf-8")
    return path


def run(directory: Path, *options: object, **sections: object) -> tuple[Answer, RunDirectory]:
    """Run the tiny study in *directory*, in one process."""
    words = ("run", config(directory, **sections), *options)
    answer = command(*words, "--executor", "serial", "--output-root", "runs", cwd=directory)
    latest = (directory / "runs" / "latest").resolve()
    return answer, RunDirectory.open(latest)
