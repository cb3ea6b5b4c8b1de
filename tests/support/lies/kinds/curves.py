"""Lies about what a training told of itself as it went: its event file, its episodes, its log."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING, Any

from support.lies.about_measurements import invented, logged, moved, valued
from support.lies.careful_lies import EVALUATIONS, MONITOR
from support.lies.kinds.kind import Seen, subject, text
from support.lies.kinds.policies import POLICIES
from support.lies.mutated_runs import ONE, TWO, copying

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.mutated_runs import Change
    from support.lies.tampering import Tampering

LOG = f"{ONE}/train.log"


def scaled(tag: str, factor: float) -> Change:
    """Each value of *tag* in the event file is so many times as large."""

    def change(events: list[Any]) -> list[Any]:
        for event in events:
            for scalar in event.summary.value:
                if scalar.tag == tag:
                    scalar.simple_value *= factor
        return events

    return logged(change)


def praised(events: list[Any]) -> list[Any]:
    """The event file has a tag of its own."""
    copy = type(events[-1])()
    copy.CopyFrom(events[-1])
    copy.summary.value[0].tag = "award/best"
    return [*events, copy]


def in_another_year(events: list[Any]) -> list[Any]:
    """Three years later."""
    for event in events:
        event.wall_time += 1e8
    return events


def slower(events: list[Any]) -> list[Any]:
    """Half a second later, event by event."""
    for number, event in enumerate(events):
        event.wall_time += 0.001 * number
    return events


def second_events(run: Tampering) -> None:
    """A second event file beside the claimed one: TensorBoard shows both as one curve."""
    (path,) = (run.path / ONE / "tensorboard").iterdir()
    shutil.copyfile(path, path.with_name(f"{path.name}9"))


def monitored(edit: Callable[[list[list[str]]], object]) -> Change:
    """Edit the episodes of the training."""

    def change(run: Tampering) -> None:
        head, names, *rows = (run.path / MONITOR).read_text(encoding="utf-8").splitlines()
        cells = [row.split(",") for row in rows]
        edit(cells)
        lines = [head, names, *(",".join(row) for row in cells)]
        (run.path / MONITOR).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with run.retold(ONE):
            pass

    return change


def balanced(rows: list[list[str]]) -> None:
    """One episode is better and the next one worse by as much."""
    for row, amount in zip(rows[-2:], (0.5, -0.5), strict=True):
        row[0] = str(float(row[0]) + amount)


def swapped(rows: list[list[str]]) -> None:
    """The first two episodes in each other's place, at their times."""
    rows[0][:2], rows[1][:2] = rows[1][:2], rows[0][:2]


def delayed(rows: list[list[str]]) -> None:
    """A hundredth of a second later."""
    for row in rows:
        row[2] = str(float(row[2]) + 0.01)


def longer(rows: list[list[str]]) -> None:
    """More steps than the environment allows."""
    for row in rows:
        row[1] = "5000"


def another_jobs_events(run: Tampering) -> None:
    """The other seed's event file beside the own one."""
    (path,) = (run.path / TWO / "tensorboard").iterdir()
    shutil.copyfile(path, run.path / ONE / "tensorboard" / path.name)


CURVES = subject(
    "event and monitor files",
    POLICIES,
    ("values explained better", scaled("train/explained_variance", 0.5), Seen.WITNESS),
    ("lower losses of values", scaled("train/value_loss", 0.5), Seen.WITNESS),
    ("smaller steps", scaled("train/approx_kl", 0.1), Seen.WITNESS),
    ("more frames a second", scaled("time/fps", 10.0), Seen.WITNESS),
    ("more entropy", scaled("train/entropy_loss", 0.5), Seen.WITNESS),
    ("a tag of its own", logged(praised), Seen.WITNESS),
    ("times a little later", logged(slower), Seen.WITNESS),
    ("times of another year", logged(in_another_year), Seen.WITNESS),
    ("events of another update", logged(moved), Seen.WITNESS),
    ("a measure that was not asked for", logged(invented), Seen.WITNESS),
    ("another reward of every evaluation", valued("eval/mean_reward", 1.0), Seen.WITNESS),
    ("another learning rate", valued("train/learning_rate", 0.5), Seen.WITNESS),
    ("losses that are not numbers", valued("train/loss", math.nan), Seen.WITNESS),
    ("only the first event", logged(lambda events: events[:1]), Seen.WITNESS),
    ("a second event file", second_events, Seen.LIGHT, "ppo-unclaimed-models"),
    ("another job's event file beside", another_jobs_events, Seen.LIGHT, "ppo-unclaimed-models"),
    ("two episodes exchanged", monitored(swapped), Seen.WITNESS),
    ("one better and one worse", monitored(balanced), Seen.WITNESS),
    ("episodes a little later", monitored(delayed), Seen.WITNESS),
    ("no episodes", monitored(list.clear), Seen.WITNESS),
    ("longer episodes than there can be", monitored(longer), Seen.WITNESS),
    ("a log that tells of checks", text(LOG, lambda old: f"{old}all is well\n"), Seen.WITNESS),
    ("a log that tells another reward", text(LOG, lambda old: old.replace("reward ", "reward 9")), Seen.WITNESS),
    ("a second file of evaluations", copying(EVALUATIONS, f"{ONE}/eval_logs/better.npz"), Seen.WITNESS),
)  # fmt: skip
