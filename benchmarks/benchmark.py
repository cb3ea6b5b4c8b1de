"""Measures this package beside what one would do without it: python benchmarks/benchmark.py [--quick] [--only WORD].

What is compared takes turns in one run, so that a busy machine slows both. `make benchmark` writes the table and the
picture of docs/explanation/benchmark.md; without --write nothing but the output has them.
"""

from __future__ import annotations

import argparse
import time

from measured import running, training
from measured.processes import ROOT
from measured.table import Row, draw, into_page, load, markdown

PARTS = {
    "environment": training.environment_steps,
    "idle": running.idle_slot,
    "plugin": running.plugin,
    "jobs": running.trivial_jobs,
    "records": running.records,
    "dose": running.dose_cell,
    "evaluation": training.evaluation,
    "training": training.overhead,
}


def main() -> None:
    """Measure, and print or write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes: some minutes")
    parser.add_argument("--rounds", type=int, default=2, help="two take some ten minutes of a quiet machine")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    parser.add_argument("--write", action="store_true", help="write the page and its picture")
    options = parser.parse_args()
    before, begun = load(), time.monotonic()
    rows: list[Row] = []
    for name in options.only:
        for row in PARTS[name](options.rounds, quick=options.quick):
            rows.append(row)
            print(f"{time.monotonic() - begun:.0f} s: {row}", flush=True)
    kind = f"{'Short' if options.quick else 'Whole'} run of {', '.join(options.only)}"
    kind += f" in {(time.monotonic() - begun) / 60:.0f} minutes, rounds in turns: {options.rounds}"
    text = markdown(rows, kind, before)
    print(text)
    if options.write:
        into_page(text)
        draw(rows, ROOT / "docs" / "images" / "benchmark.svg")


if __name__ == "__main__":
    main()
