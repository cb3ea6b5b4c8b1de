"""Waits for what a command in the background does, as long as a slow machine may need."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from extractor_flow.run.rundir import RunDirectory

DEADLINE = 600
"""Seconds; on a quiet machine nothing here takes two."""


def wait_until(path: Path, process: subprocess.Popen[str]) -> None:
    """Return once *path* exists; fail when *process* ends before."""
    for _ in range(DEADLINE * 20):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        threading.Event().wait(0.05)
    pytest.fail(f"{path} did not appear")


def outcomes(run: RunDirectory) -> dict[str, object]:
    """What became of each job, by its name."""
    return {record.name: record.outcome for record in run.records()}
