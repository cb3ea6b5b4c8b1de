"""The harness itself: many trivial jobs, many records, the plugin, an idle slot, one dose cell."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from measured.processes import FLOW, ROOT, spent
from measured.table import Row, middle

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEEDS = 100
# Waiting for the disk after every file takes most of the time of so short jobs, and says nothing about reading them.
_UNSYNCED = """
import os, sys
os.fsync = lambda descriptor: None
from extractor_flow.cli import main
sys.exit(main(sys.argv[1:]))
"""
_OTHERS = ("hypothesispytest", "rerunfailures", "syrupy", "timeout", "xdist")
_PRELOAD = "import extractor_flow.flows.extractor_comparison.training.preload"


def trivial_jobs(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Jobs of a millisecond, each in a process of its own."""
    jobs = 20 if quick else 200
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = _lines(Path(folder), jobs)
            times.append(spent([*FLOW, "run", str(config), "--jobs", "2"], Path(folder)))
    yield middle(f"{jobs} trivial jobs, two slots", "s a job", [each.wall / jobs for each in times])
    yield middle(f"{jobs} trivial jobs, two slots", "CPU s a job", [each.cpu / jobs for each in times])


def records(_rounds: int, *, quick: bool) -> Iterator[Row]:
    """Verifying and publishing anew a run of many records."""
    for count in (10, 100) if quick else (10, 100, 1000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            spent([sys.executable, "-c", _UNSYNCED, "run", str(_lines(place, count)), "--executor", "serial"], place)
            run = str((place / "runs" / "latest").resolve())
            verified, reported = (spent([*FLOW, command, run], place) for command in ("verify", "report"))
        yield Row(f"verify, {count} records", "CPU s", verified.cpu)
        yield Row(f"report (read, publish, draw), {count} records", "CPU s", reported.cpu)
        yield Row(f"verify, {count} records", "MiB", verified.peak)


def plugin(rounds: int, *, quick: bool) -> Iterator[Row]:
    """One empty test with the plugin and without, other plugins left out."""
    bare = [sys.executable, "-m", "pytest", "-q", *(word for name in _OTHERS for word in ("-p", f"no:{name}"))]
    sessions = {"with": bare, "without": [*bare, "-p", "no:extractor_flow"]}
    found: dict[str, list[float]] = {name: [] for name in sessions}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for number in range(1 + rounds * (1 if quick else 4)):
            for name in sessions if number % 2 else reversed(sessions):
                cost = spent(sessions[name], place).cpu
                found[name] += [1000 * cost] if number else []  # the first one writes the bytecode
    yield middle("a pytest session that does not use the plugin", "CPU ms", found["with"], "without", found["without"])


def idle_slot(_rounds: int, *, quick: bool) -> Iterator[Row]:  # noqa: ARG001 - as the others
    """A server from which jobs are forked, with all that they need imported."""
    with tempfile.TemporaryDirectory() as folder:
        yield Row("an idle slot of a comparison", "MiB", spent([sys.executable, "-c", _PRELOAD], Path(folder)).peak)


def dose_cell(rounds: int, *, quick: bool) -> Iterator[Row]:
    """One cell of the dose x overlap study, preparation and comparison included."""
    config = yaml.safe_load((ROOT / "configs" / "dose_overlap" / "smoke.yaml").read_text(encoding="utf-8"))
    if quick:
        config["training"] |= {"epochs": 1, "steps_per_epoch": 2}
    config["design"] |= {"doses": [1000.0], "views": ["dense"], "overlaps": {"dense": 0.7}}
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "dose.yaml"
            path.write_text(yaml.safe_dump(config), encoding="utf-8")
            arguments = ["run", str(path), "--output-root", f"{folder}/runs", "--executor", "serial"]
            times.append(spent([*FLOW, *arguments], Path(folder)))
    yield Row("a study of one dose x overlap cell (smoke)", "CPU s", statistics.median(each.cpu for each in times))


def _lines(place: Path, jobs: int) -> Path:
    models = [{"name": f"model-{number}", "degree": number % 5} for number in range(max(1, jobs // _SEEDS))]
    run = {"output_root": str(place / "runs"), "steps": 5, "seeds": list(range(min(jobs, _SEEDS)))}
    shutil.rmtree(place / "runs", ignore_errors=True)
    path = place / "study.yaml"
    path.write_text(yaml.safe_dump({"flow": "line_fit", "run": run, "models": models}), encoding="utf-8")
    return path
