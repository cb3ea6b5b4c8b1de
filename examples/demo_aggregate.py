"""Several runs on one page: which are whole, what each concluded, and how the extractors did in each.

    python examples/demo_aggregate.py RUN_DIR... [--resume]

Every run is verified first: a number of a contradicted run is not shown. With --resume, interrupted runs are continued;
their journals say what is missing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median

from extractor_flow.errors import HarnessError
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify

HEADLINE = "held_out_mean_reward"


def main() -> int:
    """Print a line a run and a line an extractor; 1 if a run is no run, or is contradicted."""
    parser = argparse.ArgumentParser(description="Aggregate several runs, each verified first.")
    parser.add_argument("runs", metavar="RUN_DIR", nargs="+", type=Path)
    parser.add_argument("--resume", action="store_true", help="train what interrupted runs are missing")
    options = parser.parse_args()
    return max(_told(path, resume=options.resume) for path in options.runs)


def _told(path: Path, *, resume: bool) -> int:
    try:
        run = RunDirectory.open(path)
        missing = len(run.request()["jobs"]) - len(run.records())
        if missing and resume:
            subprocess.run([sys.executable, "-m", "extractor_flow.cli", "run", "--resume", str(path)], check=False)
        verdict = verify(path, archived=(path / "archive.json").exists())
    except HarnessError as error:
        print(error)
        return 1
    if verdict.violations:
        print(f"{path}: contradicted by {verdict.violations[0].check}; its numbers are not shown")
        return 1
    print(f"{path}: {verdict.conclusion.value}; {len(run.records())} of {len(run.request()['jobs'])} jobs have ended")
    for name, rewards in _rewards(run).items():
        print(f"  {name}: median {median(rewards):.2f} over {len(rewards)} seeds")
    return 0


def _rewards(run: RunDirectory) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for record in run.records():
        if record.status == "success" and HEADLINE in record.outcome.metrics:
            found.setdefault(record.name, []).append(record.outcome.metrics[HEADLINE])
    return found


if __name__ == "__main__":
    sys.exit(main())
