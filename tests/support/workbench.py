"""Runs the command as a user does, on tiny real studies of the line_fit flow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from extractor_flow.cli import main
from extractor_flow.run.rundir import RunDirectory
from support.calling import PLAIN, Answer, call
from support.published import lines


class Workbench:
    """A directory of its own with configs in it, where the command is run as a user runs it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def config(self, *models: dict[str, Any], **run: Any) -> Path:
        """A line_fit config; *run* are members of its ``run`` section."""
        data = lines(*models, **{"output_root": str(self.path / "runs"), **run})
        path = self.path / "study.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return path

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", "extractor_flow.cli", *map(str, words)]

    def call(self, *words: object) -> Answer:
        """``extractor-flow WORDS`` to its end, in this process."""
        return call(main, *words, cwd=self.path)

    def run(self, *words: object) -> Answer:
        """``extractor-flow WORDS`` to its end, in a process of its own."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.path,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *words: object, under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """``extractor-flow WORDS``, left running; *under* is a command that starts it, such as ``nohup``."""
        return subprocess.Popen(
            [*under, *self.command(*words)],
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # These tests may run under nohup themselves, and what is ignored is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )

    def environment(self) -> dict[str, str]:
        return {**os.environ, **PLAIN}

    def latest(self) -> RunDirectory:
        """The newest run."""
        return RunDirectory.open((self.path / "runs" / "latest").resolve())
