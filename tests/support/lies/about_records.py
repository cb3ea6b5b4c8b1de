"""Lies about the records of a run: told in the journal and in all that is published, or left lying beside it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.codes import SKIPS, Code
from support.lies.about_runs import BAD, GONE, ONE, lies
from support.lies.mutated_runs import Change, Mutation

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.tampering import Tampering


def recording(job: str, **members: object) -> Change:
    """The record of *job* says something else of itself, in all files; ``None`` takes a member out."""

    def change(run: Tampering) -> None:
        with run.lying(job) as record:
            record.update(members)
            for name in [name for name, value in members.items() if value is None]:
                del record[name]

    return change


def recording_skip(**members: object) -> Change:
    """The record of the job that was skipped says something else of itself."""
    return journaled(lambda records: next(each for each in records if each["directory"] == GONE).update(members))


def not_started(job: str, code: Code) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A record's words for a job that was not started."""
    kept = ("schema_version", "flow", "job_key", "directory", "config_name", "worker_mode", "start_time", "seed")
    said = {"status": "skipped" if code in SKIPS else "failed", "code": code.value, "reason": "so it was", "attempt": 1}
    if code not in SKIPS:
        said |= {"log_tail": [], "signal": "SIGINT"}
    return lambda record: {**{name: record[name] for name in kept}, **said, "directory": job}


def journaled(lie: Callable[[list[dict[str, Any]]], None]) -> Change:
    """The journal lies, and all that is published follows it."""

    def change(run: Tampering) -> None:
        with run.journal() as records:
            lie(records)
        run.republish()

    return change


def untold(job: str, code: Code, *, log: bool = True) -> Change:
    """What became of *job* is not told: it was not started, they say."""

    def lie(records: list[dict[str, Any]]) -> None:
        position = next(n for n, record in enumerate(records) if record["directory"] == job)
        records[position] = not_started(job, code)(records[position])

    def change(run: Tampering) -> None:
        journaled(lie)(run)
        if not log:
            (run.path / layout.LOG).unlink()

    return change


def again(job: str, code: Code) -> Change:
    """After a success that stands a record says that the job was not started."""

    def lie(records: list[dict[str, Any]]) -> None:
        record = next(record for record in records if record["directory"] == job)
        records.append({**not_started(job, code)(record), "start_time": record["end_time"]})

    return journaled(lie)


def dropped(*, log: bool, directory: bool) -> Change:
    """The failing model was never asked for."""

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as request:
            request["config"]["models"] = [each for each in request["config"]["models"] if each["name"] != "bad"]
            request["config_sha256"] = config_digest(request["config"])
            request["jobs"] = [job for job in request["jobs"] if job["config_name"] != "bad"]
        journaled(lambda records: records.remove(next(each for each in records if each["directory"] == BAD)))(run)
        if not log:
            (run.path / layout.LOG).unlink()
        if not directory:
            shutil.rmtree(run.path / BAD)

    return change


def unselected(run: Tampering) -> None:
    """Only the models that succeeded were selected."""
    with run.json(layout.RUN) as request:
        request["selection"] = ["one", "two", "gone"]
        request["jobs"] = [job for job in request["jobs"] if job["config_name"] != "bad"]
    journaled(lambda records: records.remove(next(each for each in records if each["directory"] == BAD)))(run)


def claiming(role: str, name: str) -> Change:
    """The first job claims the file *name* of its directory as its artifact *role*."""

    def change(run: Tampering) -> None:
        with run.lying(ONE) as record:
            record["artifacts"][role] = {"path": f"{ONE}/{name}", "sha256": "", "size_bytes": 1}

    return change


def adding(name: str, text: str = "{}") -> Change:
    """A file more."""

    def change(run: Tampering) -> None:
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).write_text(text, encoding="utf-8")

    return change


def copying_job(source: str, target: str) -> Change:
    """Another job's directory, of which nobody tells."""
    return lambda run: _none(shutil.copytree(run.path / source, run.path / target))


def asked(**members: object) -> Change:
    """The request says something else of itself."""

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as request:
            request.update(members)

    return change


def then_published(change: Change) -> Change:
    """And all that is published follows it."""

    def both(run: Tampering) -> None:
        change(run)
        run.republish()

    return both


def _none(_: object) -> None:
    """Nothing: a change returns nothing."""


RECORDS = lies(
    layout.JOURNAL,
    {
        "a failure called a skip": untold(BAD, Code.MISSING_CAPABILITY),
        "a failure that never started": untold(BAD, Code.NOT_STARTED, log=False),
        "a success called a skip": untold(ONE, Code.MISSING_CAPABILITY, log=False),
        "a skip after a success": again(ONE, Code.MISSING_CAPABILITY),
        "a failure that never started, after a success": again(ONE, Code.NOT_STARTED),
        "another reason of a failure": recording(BAD, reason="the machine was switched off"),
        "an interruption that was none": recording(BAD, code="interrupted", signal="SIGINT"),
        "an attempt of what was not started": recording_skip(attempt=99),
        "more steps than were logged": recording(ONE, training_steps=10**6),
        "a job that was not selected": unselected,
        "a record that the log has and the journal not": dropped(log=True, directory=False),
        "its order as an artifact": claiming("weights", "job.json"),
        "its attempt as an artifact": claiming("weights", "attempt-1.json"),
    },
)
DIRECTORIES = [
    Mutation("a job of which nobody tells", "models/ghost/job.json", copying_job(ONE, "models/ghost")),
    Mutation("a job in other letters", "models/ONE/job.json", copying_job(ONE, "models/ONE")),
    Mutation("a job that was dropped", f"{BAD}/job.json", dropped(log=False, directory=True)),
    Mutation("an attempt after the success", f"{ONE}/attempt-2.json", adding(f"{ONE}/attempt-2.json")),
    Mutation("the log of an attempt before the only one", f"{ONE}/attempt-1.log", adding(f"{ONE}/attempt-1.log")),
    Mutation("another Python", layout.RUN, asked(python_version="4.0.0")),
    Mutation("a rehearsal that trained", layout.RUN, then_published(asked(dry_run=True))),
    Mutation("another platform", layout.RUN, asked(platform="AmigaOS")),
]
