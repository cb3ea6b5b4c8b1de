"""Lies about what became of the jobs: numbers, durations, outcomes, attempts."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.files import dumps
from support.lies.about_records import not_started
from support.lies.kinds.kind import Seen, also, gone, record, subject, text
from support.lies.kinds.requests import BAD, GONE, LINES, ONE, TWO
from support.lies.mutated_runs import setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from extractor_flow.study.codes import Code
    from support.lies.mutated_runs import Change
    from support.lies.tampering import Tampering

from extractor_flow.study.codes import Code

RESUMED = "resumed"
LATE = "models/late"


def later(seconds: float) -> Callable[[str], str]:
    """A moment *seconds* after another."""

    def change(moment: str) -> str:
        shifted = datetime.fromisoformat(moment) + timedelta(seconds=seconds)
        return shifted.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return change


def half(value: float) -> float:
    return value / 2


def reworded(job: str, **words: object) -> Change:
    """Other words for what became of *job*, and no run.log that has the old ones."""
    return also(*(record(job, name, to=value) for name, value in words.items()), gone(layout.LOG))


def instead(job: str, code: Code) -> Change:
    """*job* was never started, they say; its directory and the run's log are gone."""

    def change(run: Tampering) -> None:
        with run.journal() as told:
            position = next(n for n, each in enumerate(told) if each["directory"] == job)
            told[position] = not_started(job, code)(told[position])
        gone(job, layout.LOG)(run)

    return change


def succeeded(run: Tampering) -> None:
    """The model that failed has what the one that succeeded left."""
    shutil.copyfile(run.path / ONE / "weights.json", run.path / BAD / "weights.json")
    with run.record(ONE) as model:
        pass
    text_of = json.dumps({name: model[name] for name in ("metrics", "details", "artifacts", "training_steps")})
    with run.retold(BAD) as told:
        for name in ("code", "reason", "log_tail"):
            told.pop(name, None)
        told |= {"status": "success", **json.loads(text_of.replace(ONE, BAD))}
    gone(layout.LOG)(run)


def lucky_weights(run: Tampering) -> None:
    """Weights that nobody trained, and the losses that they have."""
    from numpy import vander

    from line_fit import _loss, _points_of  # the liar knows the data

    weights = [1.5, -0.5]
    x, y = _points_of(0)
    powers = vander(x, len(weights))
    (run.path / ONE / "weights.json").write_text(dumps({"weights": [each.hex() for each in weights]}), "utf-8")
    with run.retold(ONE) as told:
        told["metrics"] |= {"final_loss": _loss(powers, weights, y), "best_score": -_loss(powers, weights, y)}


def exchanged(run: Tampering) -> None:
    """Two lines of the journal in each other's place."""
    with run.journal() as told:
        told[0], told[1] = told[1], told[0]


def another_jobs(run: Tampering) -> None:
    """What one model left is told as the other's."""
    shutil.copyfile(run.path / ONE / "weights.json", run.path / TWO / "weights.json")
    with run.record(ONE) as told:
        metrics = told["metrics"]
    with run.retold(TWO) as told:
        told["metrics"] = metrics


FIGURES = subject(
    "figures",
    LINES,
    ("a better score", record(ONE, "metrics", "best_score", to=-0.001), Seen.REPLAY, "replay"),
    ("a worse start", record(ONE, "metrics", "untrained_loss", to=9.5), Seen.REPLAY, "replay"),
    ("a better loss", record(ONE, "metrics", "final_loss", to=half), Seen.LIGHT, "line-fit-final-loss"),
    ("a metric left out", record(ONE, "metrics", "untrained_loss", to=None), Seen.LIGHT, "job-contract"),
    ("other losses on the way", record(ONE, "details", "losses", 1, to=0.5), Seen.REPLAY, "replay"),
    ("more steps", reworded(ONE, training_steps=500), Seen.REPLAY, "replay"),
    ("weights that nobody trained", lucky_weights, Seen.REPLAY, "replay"),
    ("another model's weights", another_jobs, Seen.LIGHT, "line-fit-final-loss"),
    ("a failure that succeeded", succeeded, Seen.REPLAY, "replay"),
)
TIMES = subject(
    "durations and times",
    LINES,
    ("half as long", record(ONE, "duration_seconds", to=half), Seen.WITNESS),
    ("50 seconds longer", record(ONE, "duration_seconds", to=lambda value: value + 50), Seen.WITNESS),
    ("2 minutes longer", record(ONE, "duration_seconds", to=lambda value: value + 120), Seen.LIGHT, "times-of-records"),
    ("an end 50 s later", record(ONE, "end_time", to=later(50)), Seen.WITNESS),
    ("an end 2 minutes later", record(ONE, "end_time", to=later(120)), Seen.WITNESS),
    ("an end 2 minutes earlier", record(ONE, "end_time", to=later(-120)), Seen.LIGHT, "times-of-records"),
    ("a start 2 minutes earlier", record(ONE, "start_time", to=later(-120)), Seen.LIGHT, "times-of-records"),
    ("a start 2 minutes later", record(ONE, "start_time", to=later(120)), Seen.LIGHT, "times-of-records"),
    ("a skip 50 s earlier", record(GONE, "start_time", to=later(-50)), Seen.WITNESS),
    ("a skip an hour earlier", record(GONE, "start_time", to=later(-3600)), Seen.LIGHT, "times-of-records"),
    ("an attempt an hour earlier", setting(f"{ONE}/attempt-1.json", "started_at", to=later(-3600)), Seen.WITNESS),
    ("two records exchanged", exchanged, Seen.WITNESS),
)
OUTCOMES = subject(
    "outcomes",
    LINES,
    ("a kinder reason", reworded(BAD, reason="the machine was switched off"), Seen.WITNESS),
    ("another code", reworded(BAD, code="memory-limit"), Seen.WITNESS),
    ("another log", also(reworded(BAD, log_tail=["all is well"]), text(f"{BAD}/train.log", lambda _: "all is well\n")),
     Seen.WITNESS),
    ("another reason of a skip", reworded(GONE, reason="lunch break"), Seen.WITNESS),
    ("another code of a skip", reworded(GONE, code="missing-data"), Seen.WITNESS),
    ("a failure as a skip", instead(BAD, Code.MISSING_CAPABILITY), Seen.WITNESS),
    ("a failure as never started", instead(BAD, Code.NOT_STARTED), Seen.WITNESS),
    ("a success as a skip", instead(TWO, Code.MISSING_CAPABILITY), Seen.WITNESS),
    ("a success as a rehearsal", instead(TWO, Code.DRY_RUN), Seen.WITNESS),
    ("another machine", record(ONE, "hardware_profile", "workers", to=512), Seen.WITNESS),
    ("another log of a success", text(f"{ONE}/train.log", lambda _: "step 5 loss 0.0001\n"), Seen.WITNESS),
    ("no log of a success", gone(f"{ONE}/train.log"), Seen.WITNESS),
    ("no result of a failure", gone(f"{BAD}/result.json"), Seen.WITNESS),
    ("no attempt of a failure", gone(f"{BAD}/attempt-1.json"), Seen.WITNESS),
    ("an attempt that was the second",
     also(record(ONE, "attempt", to=2), gone(layout.LOG, f"{ONE}/attempt-1.json"),
          text(f"{ONE}/attempt-2.json", lambda _: dumps({"attempt": 2, "started_at": "2001-01-01T00:00:00.000Z"}))),
     Seen.WITNESS),
)  # fmt: skip


def first_try(*, log: bool, notes: bool) -> Change:
    """A success at the second attempt is told as one at the first."""

    def change(run: Tampering) -> None:
        with run.journal() as told:
            told[:] = [each for each in told if each["directory"] != LATE or each["status"] == "success"]
        with run.retold(LATE) as told:
            told["attempt"] = 1
        job = run.path / LATE
        with run.json(f"{LATE}/attempt-2.json") as note:
            note["attempt"] = 1
        if notes:
            shutil.move(job / "attempt-2.json", job / "attempt-1.json")
            (job / "attempt-1.log").unlink()
        if log:
            (run.path / layout.LOG).unlink()

    return change


def forgotten(run: Tampering) -> None:
    """The failure before the success has no record, but the success is still the second attempt."""
    with run.journal() as told:
        told[:] = [each for each in told if each["directory"] != LATE or each["status"] == "success"]
    gone(layout.LOG)(run)


def softened(run: Tampering) -> None:
    """The failure before the success had another reason."""
    with run.journal() as told:
        next(each for each in told if each["directory"] == LATE)["reason"] = "the machine was switched off"


ATTEMPTS = subject(
    "hidden attempts",
    RESUMED,
    ("the first attempt hidden", first_try(log=True, notes=True), Seen.WITNESS),
    ("the first attempt hidden, but for the log", first_try(log=False, notes=True), Seen.LIGHT, "run-log"),
    ("the first attempt hidden, but for its notes", first_try(log=True, notes=False), Seen.LIGHT, "success-is-final"),
    ("no record of the first attempt", forgotten, Seen.WITNESS),
    ("another reason of the first attempt", softened, Seen.LIGHT, "run-log"),
    ("a kinder log of the first attempt", text(f"{LATE}/attempt-1.log", lambda _: "power cut\n"), Seen.WITNESS),
    ("no notes of the first attempt", gone(f"{LATE}/attempt-1.json", f"{LATE}/attempt-1.log"), Seen.WITNESS),
    ("another reason of the first attempt, and no log", also(softened, gone(layout.LOG)), Seen.WITNESS),
)
