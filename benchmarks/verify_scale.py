"""How long it takes to verify runs of 1,000 and of 10,000 records, and how much memory.

    python benchmarks/verify_scale.py [--records 1000 10000] [--keep DIRECTORY]

The runs are real ones of the ``line_fit`` flow (milliseconds a job), in one process. Each is verified in a process of
its own, whose CPU seconds and peak memory are printed, with those of a process that only imports the verifier.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

SEEDS = 100
# Waiting for the disk after every file takes most of the time of so short jobs, and says nothing about verifying.
_RUN = """
import os, sys
os.fsync = lambda descriptor: None
from extractor_flow.cli import main
sys.exit(main(sys.argv[1:]))
"""
_VERIFY = """
import resource, sys, time
from pathlib import Path
from extractor_flow.verify import verify
begun = time.process_time()
verdict = verify(Path(sys.argv[1])) if len(sys.argv) > 1 else None
used = resource.getrusage(resource.RUSAGE_SELF)
torch = "torch" in sys.modules
print(time.process_time() - begun, used.ru_maxrss / 1024, len(verdict.violations) if verdict else 0, torch)
"""


def main() -> None:
    """Make the runs, verify them, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--keep", type=Path, help="make the runs here and leave them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{'records':>8} {'CPU s':>8} {'ms/record':>10} {'peak MiB':>9}  violations  torch imported")
        _line(0, *_verified())
        for records in options.records:
            _line(records, *_verified(_made(folder, records)))


def _made(folder: Path, records: int) -> Path:
    models = [{"name": f"model-{number}", "degree": number % 5} for number in range(max(1, records // SEEDS))]
    seeds = list(range(min(records, SEEDS)))
    root = folder / f"runs-{records}"
    config = {"flow": "line_fit", "run": {"output_root": str(root), "steps": 2, "seeds": seeds}, "models": models}
    study = folder / f"study-{records}.yaml"
    study.write_text(yaml.safe_dump(config), encoding="utf-8")
    words = [sys.executable, "-c", _RUN, "run", str(study), "--executor", "serial"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return (root / "latest").resolve()


def _verified(*run: Path) -> tuple[float, float, int, str]:
    words = [sys.executable, "-c", _VERIFY, *map(str, run)]
    answer = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1]), int(answer[2]), answer[3]


def _line(records: int, seconds: float, memory: float, violations: int, torch: str) -> None:
    each = f"{seconds / records * 1000:10.2f}" if records else f"{'':10}"
    print(f"{records:8} {seconds:8.2f} {each} {memory:9.0f}  {violations:10}  {torch}")


if __name__ == "__main__":
    main()
