"""A tiny project whose tests check real runs of the line_fit flow, in sessions of their own."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractor_flow.cli import main
from support.calling import call

PATIENCE = 600.0
MIXED = (
    {"name": "line"},
    {"name": "bad", "fault": "raise"},
    {"name": "gone", "requires": ["telescope"]},
)


@dataclass
class FlowProject:
    """The project's directory, and the run directories that its sessions keep in ``kept``."""

    pytester: pytest.Pytester
    temporary: Path

    @property
    def path(self) -> Path:
        return self.pytester.path

    def config(self, name: str = "study.yaml", *models: dict[str, Any], **run: Any) -> Path:
        """A config of *models* (one that fits a line, if none is given)."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = {"flow": "line_fit", "run": {"steps": 5, **run}, "models": list(models) or [{"name": "line"}]}
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return path

    def tests(self, text: str, name: str = "test_project.py") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import pytest\n{text}", encoding="utf-8")

    def run(self, *arguments: str | Path) -> pytest.RunResult:
        """A whole session, whose run directories are kept."""
        return self.pytester.runpytest_subprocess("--flow-output=kept", *map(str, arguments), timeout=PATIENCE)

    def kept(self) -> list[Path]:
        """The run directories of all sessions so far, oldest first."""
        return sorted(path.parent for path in (self.path / "kept").glob("*/run.json") if not path.parent.is_symlink())

    def commands(self) -> list[list[str]]:
        """What each run was started with."""
        return [json.loads((run / "run.json").read_text(encoding="utf-8"))["command"] for run in self.kept()]

    def leftovers(self) -> list[str]:
        """Temporary files and, where /proc shows them, processes at work in the project's directory."""
        return [path.name for path in self.temporary.iterdir()] + self._processes()

    def _processes(self) -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                # This process stands there, too, while pytester has the say.
                if entry.name != str(os.getpid()) and (entry / "cwd").readlink() == self.path:
                    found.append((entry / "cmdline").read_text(encoding="utf-8").replace("\0", " "))
        return found


def publish(config: Path, *options: str) -> Path:
    """A run of *config* made without pytest; its directory."""
    root = config.parent / "published"
    words = ("run", config.name, "--output-root", root, "--executor", "serial", *options)
    call(main, *words, cwd=config.parent)
    return (root / "latest").resolve(strict=True)
