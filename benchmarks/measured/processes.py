"""What a command costs: wall time, CPU time of it and all that it started, and the memory of its largest process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOW = [sys.executable, "-m", "extractor_flow.cli"]
# It adopts what outlives its parent, such as a fork server, and so waits for all of them and counts what they used.
_MEASURE = """
import ctypes, json, os, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
begun = time.perf_counter()
first = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
code, cpu, peak, wall = None, 0.0, 0, None
while True:
    try:
        pid, status, used = os.wait4(-1, 0)
    except ChildProcessError:
        break
    cpu += used.ru_utime + used.ru_stime
    peak = max(peak, used.ru_maxrss)
    if pid == first:
        code, wall = os.waitstatus_to_exitcode(status), time.perf_counter() - begun
with open(sys.argv[1], "w") as file:
    json.dump([code, wall, cpu, peak / 1024], file)
"""


@dataclass(frozen=True)
class Spent:
    """Seconds of wall and CPU time, and MiB."""

    wall: float
    cpu: float
    peak: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


def spent(command: list[str], place: Path) -> Spent:
    """What *command* costs in the directory *place*; its failure ends the benchmark."""
    answer = place / "spent.json"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    arguments = [sys.executable, "-S", "-c", _MEASURE, str(answer), *command]
    subprocess.run(arguments, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
    code, *numbers = json.loads(answer.read_text(encoding="utf-8"))
    if code != 0:
        msg = f"{' '.join(command)}: exit code {code}"
        raise RuntimeError(msg)
    return Spent(*numbers)
