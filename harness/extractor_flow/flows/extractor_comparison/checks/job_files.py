"""Reads what a job measured as it trained: the evaluations, the monitor file and the event file, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.schedule import rollouts
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.events import read_events
from extractor_flow.readers.monitor import ROW_LIMIT, read_monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.readers.events import Scalars
    from extractor_flow.readers.monitor import Monitor

T = TypeVar("T")

CLOCK_STEP = 2.0
"""Seconds by which a wall clock may be set back while a job runs, or two clocks may differ."""

# A rollout is logged in at most 20 records, of which the reader of event files takes 250,000.
_READABLE_ROLLOUTS = 12_500
_KINDS = {"timesteps": ("i", 8), "results": ("f", 8), "ep_lengths": ("i", 8), "successes": ("b", 1)}


@dataclass(frozen=True)
class Measurements:
    """A job's measurements, ``None`` where a file cannot be read; ``found`` says why not.

    ``evaluations`` are SB3's arrays, of their own dtypes and fitting each other, finite, begun at step 0.
    """

    evaluations: Mapping[str, NDArray[Any]] | None
    monitor: Monitor | None
    events: Scalars | None
    found: tuple[Violation | Unchecked, ...]

    @classmethod
    def read(cls, job: Claims) -> Measurements:
        """What *job* left."""
        found: list[Violation | Unchecked] = []
        events = job.outcome.artifacts.get("tensorboard")
        plan = job.plan
        return cls(
            _loaded(job, job.path(layout.EVALUATIONS), _evaluations, found),
            _loaded(job, job.path(layout.MONITOR), read_monitor, found, long=plan.steps_to_do > ROW_LIMIT),
            None
            if events is None
            else _loaded(job, events.path, read_events, found, long=rollouts(plan) > _READABLE_ROLLOUTS),
            tuple(found),
        )


def check_moment(job: Claims, path: str, place: str, moment: object) -> Iterator[Violation]:
    """*moment*, in seconds since 1970, lies between the start and the end of *job*."""
    begin, end = interval(job)
    if not isinstance(moment, int | float) or not begin - CLOCK_STEP <= moment <= end + CLOCK_STEP:
        what = f"the job ran from {job.record.start_time} to {job.record.end_time}"
        yield Violation(path, place, brief(moment), what, "evidence")


def interval(job: Claims) -> tuple[float, float]:
    """When *job* began and ended, in seconds since 1970."""
    record = job.record
    begin, end = (datetime.fromisoformat(text) for text in (record.start_time, record.end_time or record.start_time))
    return begin.timestamp(), end.timestamp()


def claimed_curve(job: Claims) -> Curve | None:
    """The learning curve that *job* claims; ``None`` if it claims none that is one."""
    told = job.outcome.details.get("curve")
    try:
        claimed = Curve.from_json(told if isinstance(told, dict) else {})
        rewards = tuple(float(reward) for reward in claimed.mean_rewards)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    whole = all(isinstance(step, int) for step in claimed.timesteps)
    return Curve(claimed.timesteps, rewards) if whole else None


def curve_of(evaluations: Mapping[str, NDArray[Any]]) -> Curve:
    """The learning curve that *evaluations* give."""
    with np.errstate(over="ignore"):
        means = tuple(float(np.mean(row)) for row in evaluations["results"])
    return Curve(tuple(evaluations["timesteps"].tolist()), means)


def _loaded(
    job: Claims,
    path: str,
    reader: Callable[[BinaryIO, str], T],
    found: list[Violation | Unchecked],
    *,
    long: bool = False,
) -> T | None:
    """What *reader* makes of *path*; a *long* training may have left more than is read."""
    try:
        return job.run.read(path, reader)
    except ReadError as error:
        if long and error.kind in (Kind.TOO_LARGE, Kind.TOO_MANY):
            found.append(Unchecked(path, f"longer than what is read: {error.what}"))
        else:
            found.append(Violation.refused(path, error))
        return None


def _evaluations(stream: BinaryIO, where: str) -> dict[str, NDArray[Any]]:
    arrays = read_npz(stream, where)
    names = _KINDS.keys() - {"successes"}
    if not names <= arrays.keys() <= _KINDS.keys():
        raise ReadError(Kind.HEADER, where, f"holds {brief(sorted(arrays))}; expected {', '.join(sorted(names))}")
    for name, values in arrays.items():
        if (values.dtype.kind, values.dtype.itemsize) != _KINDS[name]:
            kind, size = _KINDS[name]
            raise ReadError(Kind.DTYPE, where, f"{name} is of {values.dtype}; expected {kind}{size}")
    timesteps, results = arrays["timesteps"], arrays["results"]
    shapes = {arrays[name].shape for name in arrays.keys() - {"timesteps"}}
    if timesteps.ndim != 1 or shapes != {results.shape} or results.ndim != 2 or results.shape[0] != timesteps.size:  # noqa: PLR2004
        raise ReadError(Kind.SHAPE, where, "the arrays do not fit each other")
    if not results.size or timesteps[0] != 0:
        raise ReadError(Kind.HEADER, where, "the evaluations do not begin with the untrained policy at step 0")
    if not np.isfinite(results).all() or (arrays["ep_lengths"] < 1).any():
        raise ReadError(Kind.NOT_FINITE, where, "a reward that is not finite, or an episode without a step")
    return arrays
