"""Feeds damaged files to every reader and counts what becomes of them.

    python benchmarks/fuzz_readers.py [--inputs 100000] [--seed 1] [--memory-mb 2048]

A reader may return or raise ``ReadError``; anything else is a bug, printed with the input that caused it. The process
may not use more than ``--memory-mb`` of address space beyond what it has after loading the genuine files.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from extractor_flow.readers.errors import ReadError
from support.files import genuine
from support.files.damage import damaged


def main() -> int:
    """Fuzz, print the table, and say by the exit code whether anything but a refusal came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-mb", type=int, default=2048)
    arguments = parser.parse_args()

    files = genuine.files()
    _bound_memory(arguments.memory_mb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in files}
    random = Random(arguments.seed)
    kinds = sorted(files)
    started = time.process_time()
    slowest = ("", 0.0)
    for number in range(arguments.inputs):
        kind = kinds[number % len(kinds)]
        data = damaged(kind, files[kind], random)
        began = time.process_time()
        outcomes[kind][_outcome(kind, data, number)] += 1
        slowest = max(slowest, (f"{kind} #{number}", time.process_time() - began), key=lambda item: item[1])
    seconds = time.process_time() - started
    _report(outcomes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bugs = sum(count for outcome in outcomes.values() for name, count in outcome.items() if name.startswith("BUG"))
    print(f"{arguments.inputs} inputs, {bugs} bugs, {seconds:.0f} s of CPU, slowest {slowest[0]} {slowest[1]:.3f} s")
    print(f"peak memory {peak / 1024:.0f} MiB, {(peak - before) / 1024:.0f} MiB more than before the first input")
    return 1 if bugs else 0


def _bound_memory(megabytes: int) -> None:
    """Let an allocation beyond the bound raise ``MemoryError``, which counts as a bug."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + megabytes * 1024 * 1024, hard))


def _outcome(kind: str, data: bytes, number: int) -> str:
    try:
        genuine.read(kind, data)
    except ReadError as error:
        return error.kind
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        path = Path(f"fuzz-{kind.replace(' ', '-')}-{number}.bin")
        path.write_bytes(data)
        print(f"BUG in the reader of {kind}, input kept in {path}:")
        traceback.print_exc(file=sys.stdout)
        return f"BUG {type(error).__name__}"
    return "read"


def _report(outcomes: dict[str, Counter[str]]) -> None:
    for kind, counts in outcomes.items():
        total = sum(counts.values())
        shown = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        print(f"{kind:12} {total:7}: {shown}")


if __name__ == "__main__":
    sys.exit(main())
