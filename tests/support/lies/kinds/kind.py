"""One kind of lie, and the ways in which a careful liar changes a run for it.

A liar here has all of the harness: after each change he publishes the run again, chains the journal and binds every
file. What he cannot change is a root that somebody else has written down, and what training again gives.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from extractor_flow import layout
from extractor_flow.config import ConfigDocument
from extractor_flow.files import dumps
from extractor_flow.registry import find_flow
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.jobs import select
from support.lies.mutated_runs import Change, put
from support.lies.tampering import Tampering

Edit = Callable[[dict[str, Any]], object]
ASIDE = "runs-kept-aside.jsonl"
"""Where whoever copies a run for a lie puts the list of starts that was beside it."""


class Seen(StrEnum):
    """What catches a lie first."""

    LIGHT = "light"  # a violation
    OPEN = "never verified"  # no violation, and yet never exit code 0
    DEEP = "deep"
    REPLAY = "replay"
    WITNESS = "witness"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Kind:
    """One kind of lie: what it changes, what catches it first, and the check that does."""

    title: str
    change: Change
    seen: Seen
    check: str = ""
    published: bool = True  # whether everything is made again afterwards, so that it agrees


@dataclass(frozen=True)
class Subject:
    """Lies about one thing, told of the run of one study."""

    name: str
    study: str
    kinds: tuple[Kind, ...]


def subject(name: str, study: str, *rows: tuple[Any, ...]) -> Subject:
    """The lies of *rows*, each the arguments of a :class:`Kind`."""
    return Subject(name, study, tuple(Kind(*row) for row in rows))


def record(job: str, *steps: str | int, to: object) -> Change:
    """Set what *steps* lead to in the record of *job*, wherever it stands."""

    def change(run: Tampering) -> None:
        with run.retold(job) as data:
            put(data, steps, to)

    return change


def records(edit: Edit) -> Change:
    """Edit the record of every job, wherever it stands."""

    def change(run: Tampering) -> None:
        with run.journal() as told:
            directories = [each["directory"] for each in told]
        for directory in dict.fromkeys(directories):
            with run.retold(directory) as data:
                edit(data)

    return change


def also(*changes: Change) -> Change:
    """All of *changes*, one after the other."""

    def change(run: Tampering) -> None:
        for each in changes:
            each(run)

    return change


def gone(*names: str) -> Change:
    """Files and directories that are taken away."""

    def change(run: Tampering) -> None:
        for name in names:
            path = run.path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def text(name: str, edit: Callable[[str], str]) -> Change:
    """Edit the text of a file."""

    def change(run: Tampering) -> None:
        path = run.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(edit(path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")

    return change


def asked(edit: Edit) -> Change:
    """Edit the config, and let everything tell of the run as if it had been asked for just so.

    Jobs that the new config does not have are taken out of the journal, with their directories and the run's log.
    """

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as told:
            edit(told["config"])
            study = find_flow(told["flow"]).study(
                ConfigDocument(Path(layout.RUN), data=told["config"], positions={}),
                {**told["overrides"], "run_id": told["run_id"], "output_root": told["output_root"]},
            )
            told["config"], told["notes"] = dict(study.settings), list(study.notes)
            told["config_sha256"] = config_digest(study.settings)
            chosen = select(study.jobs, told["selection"])
            told["jobs"] = [job.announced() for job in chosen]
        jobs = {job.directory: job for job in chosen}
        dropped = _rekeyed(run, jobs)
        if dropped:
            gone(layout.LOG, *dropped)(run)

    return change


def _rekeyed(run: Tampering, jobs: dict[str, Any]) -> list[str]:
    """Let journal, orders and results tell of *jobs*; the directories of those that are none of them any more."""
    keys: dict[str, str] = {}
    with run.journal() as told:
        directories = [each["directory"] for each in told]
        told[:] = [each for each in told if each["directory"] in jobs]
        for each in told:
            job = jobs[each["directory"]]
            keys[each["job_key"]] = job.key
            each.update({"job_key": job.key} | ({} if job.seed is None else {"seed": job.seed}))
            if (run.path / job.directory / layout.JOB).exists():
                (run.path / job.directory / layout.JOB).write_text(dumps(job.to_json()), encoding="utf-8")
    for directory in dict.fromkeys(directories):
        if directory in jobs:
            with run.retold(directory):
                pass
    if (run.path / layout.PREPARED).exists():
        with run.json(layout.PREPARED) as prepared:
            prepared["refused"] = {keys.get(key, key): why for key, why in prepared["refused"].items()}
    return [each for each in dict.fromkeys(directories) if each not in jobs and (run.path / each).exists()]


def beside(change: Change) -> Change:
    """*change*, while the list of starts lies beside the run as it did."""

    def both(run: Tampering) -> None:
        run.path.with_name(ASIDE).rename(run.path.with_name(layout.STARTS))
        change(run)

    return both


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The values of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
