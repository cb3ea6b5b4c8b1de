"""What a sweep of many trivial jobs costs: python benchmarks/scale.py JOBS [--executor slurm]; a Markdown row.

The jobs fit a line in five steps, so that what is measured is the harness: seconds until the command returns, until the
run is published, and for each job; files and megabytes; seconds and exit code of its verification; the load before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

EF = [sys.executable, "-m", "extractor_flow.cli"]


def main() -> None:
    """Measure one run."""
    options = argparse.ArgumentParser()
    options.add_argument("jobs", type=int)
    options.add_argument("--executor", default="local")
    options.add_argument("--keep", type=Path, help="where the run goes; it is removed otherwise")
    given = options.parse_args()
    with TemporaryDirectory() as place:
        measure(given.jobs, given.executor, given.keep or Path(place))


def measure(jobs: int, executor: str, place: Path) -> None:
    """Print the row of one run in *place*."""
    config = place / "study.yaml"
    seeds = ", ".join(map(str, range(jobs)))
    config.write_text(
        f"flow: line_fit\nrun: {{output_root: {place}/runs, steps: 5, seeds: [{seeds}]}}\nmodels: [{{name: a}}]\n"
    )
    load = os.getloadavg()[0]
    before = time.monotonic()
    command = [*EF, "run", str(config), "--executor", executor]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    submitted = time.monotonic() - before
    run = (place / "runs/latest").resolve()
    while not (run / "summary.json").is_file() or (run / "UNPUBLISHED").exists():
        time.sleep(0.5)
    published = time.monotonic() - before
    files = [path for path in run.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    began = time.monotonic()
    answer = subprocess.run([*EF, "verify", str(run)], capture_output=True, text=True, check=False)
    verified = time.monotonic() - began
    row = [
        jobs,
        executor,
        f"{submitted:.1f}",
        f"{published:.1f}",
        f"{published / jobs:.3f}",
        len(files),
        f"{size / 1e6:.1f}",
    ]
    row += [f"{verified:.1f}", answer.returncode, f"{load:.1f}"]
    print(f"| {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    main()
