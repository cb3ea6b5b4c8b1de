"""What it costs to verify runs that were made to cost much, as a Markdown table.

    python benchmarks/verify_bombs.py [--only WORD] [--seconds 300] [--gigabytes 8]

Each bomb is planted in a copy of one small genuine run, which ``extractor-flow verify`` then judges. CPU seconds and
peak memory are those of the command and of every process that it starts. The options bound a verifier without bounds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.files import bombs
from support.published import COMPARISON, publish_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_VERIFY = [sys.executable, "-m", "extractor_flow.cli", "verify"]
_MEASURE = """
import os, resource, subprocess, sys
seconds, memory, *words = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
process = subprocess.Popen(words)
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, process.returncode, file=sys.stderr)
"""
_STUDY = {**COMPARISON, "extractors": COMPARISON["extractors"][:2]}


def main() -> None:
    """Plant the bombs one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="the bombs with this word in their names")
    parser.add_argument("--seconds", type=int, default=300, help="of CPU, for one bomb")
    parser.add_argument("--gigabytes", type=int, default=8, help="of address space, for one bomb")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        genuine = publish_run(Path(temporary), _STUDY)
        print("| input | CPU s | peak MB | exit | message |\n|---|---:|---:|---:|---|")
        rows: dict[str, Callable[[Path], object]] = {"(the genuine run)": lambda _: None, **bombs.ALL}
        for name, plant in rows.items():
            if options.only in name:
                run = shutil.copytree(genuine, Path(temporary) / "copy" / genuine.name)
                plant(run)
                print(f"| {name} | {_judged(run, options.seconds, options.gigabytes)} |", flush=True)
                shutil.rmtree(run)


def _judged(run: Path, seconds: int, gigabytes: int) -> str:
    """The cells of one row."""
    # Through a small process: the peak of one that is forked from this one would be at least what this one holds.
    words = [sys.executable, "-c", _MEASURE, str(seconds), str(gigabytes << 30), *_VERIFY, str(run), "--format", "json"]
    done = subprocess.run(words, capture_output=True, check=False)
    *trouble, measured = done.stderr.decode(errors="replace").splitlines()
    cpu, peak, code = measured.split()
    return f"{float(cpu):.1f} | {int(peak) / 1000:.0f} | {code} | {_message(done.stdout, trouble)}"


def _message(answer: bytes, lines: Sequence[str]) -> str:
    try:
        found = json.loads(answer)["violations"]
    except ValueError:
        return lines[-1].replace("|", "\\|")[:120] if lines else "nothing"
    if not found:
        return "verified"
    worst = next((each for each in found if each["kind"] == "budget"), found[0])
    text = f"{worst['file']}: {worst['found']} [{worst['kind']}]".replace("|", "\\|")
    return f"{text[:120]}, {len(found)} violation{'s' if len(found) > 1 else ''}"


if __name__ == "__main__":
    main()
