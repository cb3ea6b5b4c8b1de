"""``dose-overlap study``: a run of all phases, its table, and its verification, each as a user would ask for it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.config import read_config
from extractor_flow.files import parse_json
from extractor_flow.flows.dose_overlap.cli.table import Row, table
from extractor_flow.flows.dose_overlap.cli.train import say
from extractor_flow.flows.dose_overlap.config import settings_of
from extractor_flow.flows.dose_overlap.jobs import cells_of
from extractor_flow.layout import JOURNAL, LATEST, LATEST_TEXT
from extractor_flow.study.records import Completed, JobRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_SIGNALLED = 128


def run_study(config: Path, rest: Sequence[str]) -> int:
    """Run CONFIG with the further options *rest*, print its table, verify it; the worse of the two exit codes.

    A config that cannot be is a :class:`extractor_flow.errors.ConfigError` before anything is started.
    """
    settings = settings_of(read_config(config), {})
    code = _command("run", str(config), *rest)
    run = _run_directory(settings, rest)
    if code > 1 or run is None:
        return code
    say(f"\n{table(_rows(run, settings)).rstrip()}")
    return max(code, _command("verify", str(run)))


def _run_directory(settings: dict[str, Any], rest: Sequence[str]) -> Path | None:
    """The run that was resumed, or the one that ``latest`` points to."""
    if resumed := _value(rest, "--resume"):
        return Path(resumed)
    root = Path(_value(rest, "--output-root") or settings["run"]["output_root"])
    pointer, text = root / LATEST, root / LATEST_TEXT
    if pointer.is_dir():
        return pointer.resolve()
    return root / text.read_text(encoding="utf-8").strip() if text.is_file() else None


def _value(words: Sequence[str], option: str) -> str | None:
    """The value of *option* in *words*, as ``--option VALUE`` or ``--option=VALUE``; the last one counts."""
    found = None
    for position, word in enumerate(words):
        if word == option and position + 1 < len(words):
            found = words[position + 1]
        elif word.startswith(f"{option}="):
            found = word.partition("=")[2]
    return found


def _rows(run: Path, settings: dict[str, Any]) -> list[Row]:
    lines = (run / JOURNAL).read_text(encoding="utf-8").splitlines()
    latest: dict[str, JobRecord] = {}
    for line in lines:
        data = parse_json(line, where=JOURNAL)
        record = JobRecord.from_json(data if isinstance(data, dict) else {})
        latest[record.job_key] = record
    cells = {cell.name: cell for cell in cells_of(settings)}
    order = list(cells)
    done = [record for record in latest.values() if isinstance(record.outcome, Completed)]
    done.sort(key=lambda record: (order.index(record.name), record.seed or 0))
    return [Row(cells[each.name], each.outcome.metrics) for each in done if isinstance(each.outcome, Completed)]


def _command(*words: str) -> int:
    """``extractor-flow WORDS`` to its end, in a session of its own, SIGINT and SIGTERM passed on; its exit code."""
    process = subprocess.Popen([sys.executable, "-P", "-m", "extractor_flow.cli", *words], start_new_session=True)

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        process.send_signal(signum)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else _SIGNALLED - code
