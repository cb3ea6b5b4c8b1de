"""Starts a run as a user does, disturbs its processes, resumes it, and says what is wrong then."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.files import read_json
from extractor_flow.layout import SUMMARY, UNPUBLISHED
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from support.waiting import DEADLINE

if TYPE_CHECKING:
    import random
    import subprocess
    from collections.abc import Iterable

    from support.workbench import Workbench

_MARK = "FAULT_RUN"


@dataclass(frozen=True)
class Undisturbed:
    """What a run measures that nothing disturbs, and the seconds that it takes here and now."""

    config: Path
    results: list[dict[str, Any]]
    seconds: float


def undisturbed(workbench: Workbench, config: Path) -> Undisturbed:
    """Run *config* to its end, with two slots."""
    root, begun = workbench.path / "whole", time.monotonic()
    process = workbench.start("run", config, "--output-root", root, "--jobs", 2)
    _, told = process.communicate(timeout=DEADLINE)
    seconds = time.monotonic() - begun
    assert process.returncode == 0, told
    return Undisturbed(config, measured(RunDirectory.open((root / "latest").resolve())), seconds)


def measured(run: RunDirectory) -> list[dict[str, Any]]:
    """What the summary says of each job but for its times, and the bytes of its weights."""
    summary = read_json(run.path / SUMMARY)
    results = next(value for key, value in summary.items() if key.endswith("_results"))
    keys = ("config_name", "seed", "status", "code", "metrics", "training_steps")
    return [{**{key: each.get(key) for key in keys}, **_weights(run.path / each["directory"])} for each in results]


def _weights(place: Path) -> dict[str, bytes]:
    found = [path for pattern in ("weights.json", "*.safetensors") for path in place.glob(pattern)]
    return {path.name: path.read_bytes() for path in found}


class Trial:
    """One run that is disturbed, and resumed."""

    def __init__(self, workbench: Workbench, whole: Undisturbed, number: int) -> None:
        self.workbench, self.whole = workbench, whole
        self.root = workbench.path / f"root-{number}"
        self.process: subprocess.Popen[str]

    def start(self, under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start the run, by the command *under*; its processes are known by their environment."""
        os.environ[_MARK] = str(self.root)
        try:
            words = ("run", self.whole.config, "--output-root", self.root, "--jobs", 2)
            self.process = self.workbench.start(*words, under=under)
        finally:
            del os.environ[_MARK]
        return self.process

    def wait(self, chance: random.Random) -> None:
        """Return at a random moment of the time that the run takes undisturbed."""
        threading.Event().wait(chance.uniform(0, self.whole.seconds))

    def processes(self) -> list[int]:
        """The processes that work in the run."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):
                    words, where = ((entry / name).read_bytes() for name in ("cmdline", "environ"))
                    found += [int(entry.name)] if words and f"{_MARK}={self.root}".encode() in where else []
        return found

    def end(self) -> str:
        """What the command wrote to its standard error, once it has ended."""
        return self.process.communicate(timeout=DEADLINE)[1]

    def finish(self) -> list[tuple[Any, ...]]:
        """Resume the run; what is wrong then."""
        problems = [("left running", pid) for pid in self.orphans()]
        paths = [path.parent for path in self.root.glob("*/run.json") if not path.parent.is_symlink()]
        problems += self._resumed(RunDirectory(paths[0])) if paths else []
        shutil.rmtree(self.root, ignore_errors=True)
        return problems

    def _resumed(self, run: RunDirectory) -> list[tuple[Any, ...]]:
        before = [record for record in run.journal() if record.status == "success"]
        results = [run.path / record.directory / "result.json" for record in before]
        inodes = [path.stat().st_ino for path in results]
        self.workbench.call("run", "--resume", run.path, "--executor", "serial")
        journal = run.journal()
        problems: list[tuple[Any, ...]] = [("lost", each.name) for each in before if each not in journal]
        problems += [("trained again", p) for p, i in zip(results, inodes, strict=True) if p.stat().st_ino != i]
        problems += [("half a file", path) for path in run.path.rglob("*.tmp")]
        problems += [("unpublished", run.path)] if (run.path / UNPUBLISHED).exists() else []
        problems += [] if (found := measured(run)) == self.whole.results else [("another summary", found)]
        return problems + [("verify", each) for each in verify(run.path).violations]

    def orphans(self) -> list[int]:
        """Processes of the run that do not end soon after it."""
        for _ in range(100):
            if not (left := self.processes()):
                return []
            threading.Event().wait(0.1)
        return left


def strike(pids: Iterable[int], number: signal.Signals) -> int:
    """Send the signal *number* to each of *pids*; how many of them were still there."""
    struck = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            struck += 1
    return struck
