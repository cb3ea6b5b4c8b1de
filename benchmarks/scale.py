"""What a sweep of many trivial jobs costs: python benchmarks/scale.py JOBS [--executor slurm]; a Markdown table.

The jobs fit a line in five steps, so that what is measured is the harness. For Slurm a private one with two nodes on
this machine is started, as the tests do; Debian's slurm-wlm and munge have to be installed.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from measured.processes import FLOW, ROOT, Spent, spent

sys.path.insert(0, str(ROOT / "tests"))
from support.private_slurm import NODES, PrivateSlurm, private_slurm

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADOPT = 36  # prctl's PR_SET_CHILD_SUBREAPER: what outlives its parent is waited for here, and its CPU time counted
_DAEMONS = ("slurmctld", *(f"slurmd.{name}" for name in NODES))
_READERS = (("status",), ("status", "--json"), ("verify",), ("report",))


def main() -> None:
    """Measure one sweep."""
    options = argparse.ArgumentParser()
    options.add_argument("jobs", type=int)
    options.add_argument("--executor", choices=["local", "slurm"], default="local")
    options.add_argument("--option", action="append", default=[], help="KEY=VALUE of the section slurm:")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        command = [*FLOW, "run", str(_config(place, given.jobs)), "--executor", given.executor]
        command += [word for each in given.option for word in ("--executor-option", each)]
        _tell(f"{given.jobs} jobs, executor {given.executor}", f"load before: {os.getloadavg()[0]:.1f}")
        sweep = _locally if given.executor == "local" else _by_slurm
        sweep(command, place, given.jobs)
        _read(place, (place / "runs" / "latest").resolve())


def _locally(command: list[str], place: Path, jobs: int) -> None:
    cost = spent([*command, "--jobs", "2"], place)
    _cost("until published", cost, jobs)


def _by_slurm(command: list[str], place: Path, jobs: int) -> None:
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    before = _children()
    with private_slurm(place / "slurm", largest_array=1001) as cluster, _found(cluster):
        begun = time.perf_counter()
        _cost("until submitted", spent(command, place), jobs)
        run = (place / "runs" / "latest").resolve()
        while not (run / "summary.json").is_file() or (run / "UNPUBLISHED").exists():
            _reap()
            time.sleep(1)
        wall = time.perf_counter() - begun
        for name in _DAEMONS:
            _tell(f"{name}, CPU s", f"{_own_cpu(cluster, name):.1f}")
        print(cluster.ask("sdiag"), file=sys.stderr)
    time.sleep(2)
    _reap()
    _cost("until published, daemons included", Spent(wall, _children() - before, 0.0), jobs)


def _read(place: Path, run: Path) -> None:
    """What is on the disk, and what reading it costs."""
    files = [path for path in run.rglob("*") if path.is_file()]
    _tell("files", str(len(files)))
    _tell("MB", f"{sum(path.stat().st_size for path in files) / 1e6:.1f}")
    _tell("MB in blocks of the disk", f"{sum(path.stat().st_blocks for path in files) * 512 / 1e6:.1f}")
    for command in _READERS:
        _cost(" ".join(command), spent([*FLOW, *command, str(run)], place))
    _cost("run --resume, nothing to do", spent([*FLOW, "run", "--resume", str(run)], place))


def _config(place: Path, jobs: int) -> Path:
    seeds = ", ".join(map(str, range(jobs)))
    path = place / "study.yaml"
    path.write_text(
        f"flow: line_fit\nrun: {{output_root: {place}/runs, steps: 5, seeds: [{seeds}]}}\nmodels: [{{name: a}}]\n"
    )
    return path


def _cost(what: str, cost: Spent, jobs: int | None = None) -> None:
    each = "" if jobs is None else f"; a job {cost.wall / jobs:.3f} s, {cost.cpu / jobs:.3f} CPU s"
    peak = f", {cost.peak:.0f} MiB" if cost.peak else ""
    _tell(what, f"{cost.wall:.1f} s, {cost.cpu:.1f} CPU s{peak}{each}")


def _tell(what: str, found: str) -> None:
    print(f"| {what} | {found} |", flush=True)


@contextmanager
def _found(cluster: PrivateSlurm) -> Iterator[None]:
    """Inside the block every command finds *cluster*."""
    os.environ.update(cluster.environment)
    yield
    for name in cluster.environment:
        del os.environ[name]


def _own_cpu(cluster: PrivateSlurm, daemon: str) -> float:
    pid = (cluster.place / "run" / f"{daemon}.pid").read_text().strip()
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap() -> None:
    """Take leave of the adopted processes that have ended, so that what they used is counted."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
