"""This package's wall time on a config, with one job slot and with two, over a bare Stable-Baselines3 script.

All three run one after the other, several rounds, from a cold start, everything included: interpreter, imports,
training, evaluation, files, summary, figures. Run it on an idle machine with at least two cores.

    python benchmarks/overhead.py [--config FILE] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFAULT = ROOT / "configs" / "scenarios" / "multi_extractor_default.yaml"


def seconds(command: list[str], directory: Path) -> float:
    """The wall time of *command*; its failure ends the benchmark."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def commands(config: Path, output: Path) -> dict[str, list[str]]:
    """What is compared."""
    flow = [sys.executable, "-m", "extractor_flow.cli", "run", str(config), "--output-root", str(output / "runs")]
    return {
        "bare script": [sys.executable, str(ROOT / "benchmarks" / "bare_sb3.py"), str(config), str(output / "bare")],
        "one slot": [*flow, "--jobs", "1"],
        "two slots": [*flow, "--jobs", "2"],
    }


def main() -> None:
    """Print the seconds of every round, the medians and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    measured: dict[str, list[float]] = {}
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as directory:
            for name, command in commands(options.config.resolve(), Path(directory)).items():
                measured.setdefault(name, []).append(seconds(command, Path(directory)))
        shown = ", ".join(f"{name} {times[-1]:.2f} s" for name, times in measured.items())
        print(f"round {number}: {shown}")
    bare = statistics.median(measured["bare script"])
    for name, times in measured.items():
        middle = statistics.median(times)
        print(f"{name:<12} median {middle:6.2f} s   ratio {middle / bare:.2f}")


if __name__ == "__main__":
    main()
