"""What it costs to verify runs that were made to cost much, as a Markdown table.

    python benchmarks/verify_bombs.py [--only WORD] [--seconds 300] [--gigabytes 8]

Each bomb is planted in a copy of one small genuine run, which ``extractor-flow verify`` then judges. CPU seconds and
peak memory are those of the command and of every process that it starts. The options bound a verifier without bounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import bombs

from published import COMPARISON, publish_run

if TYPE_CHECKING:
    from collections.abc import Callable

_VERIFY = [sys.executable, "-m", "extractor_flow.cli", "verify"]
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

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (gigabytes << 30, gigabytes << 30))

    words = [*_VERIFY, str(run), "--format", "json"]
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as trouble:
        process = subprocess.Popen(words, stdout=answer, stderr=trouble, preexec_fn=bound)  # noqa: PLW1509
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        trouble.seek(0)
        message = _message(answer.read(), trouble.read().decode(errors="replace"))
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1000
    return f"{cpu:.1f} | {peak:.0f} | {process.returncode} | {message}"


def _message(answer: bytes, trouble: str) -> str:
    try:
        found = json.loads(answer)["violations"]
    except ValueError:
        lines = trouble.strip().splitlines()
        return lines[-1].replace("|", "\\|")[:120] if lines else "nothing"
    if not found:
        return "verified"
    worst = next((each for each in found if each["kind"] == "budget"), found[0])
    text = f"{worst['file']}: {worst['found']} [{worst['kind']}]".replace("|", "\\|")
    return f"{text[:120]}, {len(found)} violation{'s' if len(found) > 1 else ''}"


if __name__ == "__main__":
    main()
