"""What the installed plugin costs a session that does not use it: CPU time beside pytest without it, side by side.

    python benchmarks/plugin_cost.py [--rounds 20] [--bare PYTHON]

One empty test is run in turns: as it is, with ``-p no:extractor_flow``, and, if ``--bare`` names the Python of an
environment like this one in which the plugin is not installed, there. The latter differs from the second by what
pytest spends on reading the list of the plugin's files. Plugins that load by themselves are left out of all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_OTHERS = ("hypothesispytest", "rerunfailures", "syrupy", "timeout", "xdist")


def main() -> None:
    """Run the sessions in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bare", type=Path, metavar="PYTHON", help="a Python whose environment lacks the plugin")
    options = parser.parse_args()
    pytest = [sys.executable, "-m", "pytest", "-q", *(word for name in _OTHERS for word in ("-p", f"no:{name}"))]
    sessions = {"without the plugin": [*pytest, "-p", "no:extractor_flow"], "with the plugin": pytest}
    if options.bare is not None:
        sessions = {"not installed": [str(options.bare), *pytest[1:]], **sessions}
    _print(_measured(sessions, options.rounds))


def _measured(sessions: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in sessions}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for words in sessions.values():
            _cpu_ms(words, folder)  # writes the bytecode
        for number in range(rounds):
            turns = list(sessions.items())
            for name, words in turns if number % 2 else reversed(turns):
                found[name].append(_cpu_ms(words, folder))
    return found


def _cpu_ms(words: list[str], folder: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _print(found: dict[str, list[float]]) -> None:
    base = next(iter(found.values()))
    print(f"{'CPU ms':20} {'minimum':>8} {'median':>8} {'more than the first, median of the rounds':>42}")
    for name, times in found.items():
        more = statistics.median(one - other for one, other in zip(times, base, strict=True))
        print(f"{name:20} {min(times):8.1f} {statistics.median(times):8.1f} {more:42.1f}")


if __name__ == "__main__":
    main()
