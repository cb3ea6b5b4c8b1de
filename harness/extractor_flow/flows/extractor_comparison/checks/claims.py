"""What one completed job claims and was to do, and the files that it left; each is read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.models import read_model, read_optimizer
from extractor_flow.readers.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.flows.extractor_comparison.algorithms.declared import Optimized
    from extractor_flow.readers.models import Model, Optimizer
    from extractor_flow.readers.weights import Weights
    from extractor_flow.study.records import Completed, JobRecord

# One function for each member: what is read of a file is kept by the function that read it.
_READERS = {
    each.member: partial(read_optimizer, member=each.member)
    for algorithm in ALGORITHMS.values()
    for each in algorithm.optimized
}

_CHECKPOINT = re.compile(r"checkpoint_([0-9]+)")
_KINDS = {"timesteps": ("i", 8), "results": ("f", 8), "ep_lengths": ("i", 8), "successes": ("b", 1)}


@dataclass(frozen=True)
class Saved:
    """A saved model: where it is, of what step it should be, and what the light reader finds in it."""

    path: str
    step: int
    model: Model
    optimizers: Mapping[Optimized, Optimizer]

    @property
    def tensors(self) -> int:
        """How many tensors are updated by one of the optimizers."""
        return sum(each.tensors for each in self.optimizers.values())

    @property
    def updates(self) -> int:
        """The updates that were made, by the busiest optimizer."""
        return max(map(updates_in, self.optimizers.values()), default=0)


def updates_in(optimizer: Optimizer) -> int:
    """The updates that *optimizer* made."""
    return max(optimizer.steps, default=0)


@dataclass(frozen=True)
class Claims(JobClaims):
    """What one completed job claims, and what it was to do.

    A property that reads a file raises :class:`ReadError` when the file is not what its name promises.
    """

    plan: Plan

    @classmethod
    def of(cls, run: RunContext, record: JobRecord, outcome: Completed) -> Self:
        """The claims of *record*, whose *outcome* is that it completed."""
        return cls(run, record, outcome, Plan.from_parameters(run.parameters[record.job_key]))

    @cached_property
    def curve(self) -> Curve | None:
        """The learning curve that the record claims; ``None`` if it claims none that is one."""
        data = self.outcome.details.get("curve")
        try:
            claimed = Curve.from_json(data if isinstance(data, dict) else {})
            rewards = tuple(float(reward) for reward in claimed.mean_rewards)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        whole = all(isinstance(step, int) for step in claimed.timesteps)
        return Curve(claimed.timesteps, rewards) if whole else None

    @property
    def evaluations(self) -> Mapping[str, NDArray[Any]]:
        """SB3's arrays, of their own dtypes and fitting each other, finite, begun at step 0."""
        return self.run.read(self.path(layout.EVALUATIONS), _read_schedule)

    @property
    def held_out(self) -> Mapping[str, NDArray[Any]]:
        """The same arrays of the held-out episodes; two rows, of the selected and the final policy."""
        return self.run.read(self.path(layout.HELD_OUT), _read_held_out)

    @property
    def policy(self) -> Weights:
        """The final weights, from their own file."""
        return self.run.read(self.path(layout.WEIGHTS), read_weights)

    @cached_property
    def saved(self) -> tuple[Saved, ...]:
        """The final model, the best one, and the checkpoints."""
        return tuple(
            Saved(
                path,
                step,
                self.run.read(path, read_model),
                {each: self.run.read(path, _READERS[each.member]) for each in self.plan.trainer.optimized},
            )
            for step, path in self._models()
        )

    @cached_property
    def by_step(self) -> Mapping[int, Saved]:
        """One saved model for each step at which there is one, in the order of the steps."""
        first = {each.step: each for each in reversed(self.saved)}
        return {step: first[step] for step in sorted(first)}

    @property
    def final(self) -> Saved:
        """The final model."""
        return self.saved[0]

    def _models(self) -> Iterator[tuple[int, str]]:
        yield self.outcome.training_steps, self.path(layout.FINAL_MODEL)
        best = self.outcome.metrics.get("best_timestep")
        if isinstance(best, int | float):
            yield int(best), self.path(layout.BEST_MODEL)
        for role, artifact in self.outcome.artifacts.items():
            if match := _CHECKPOINT.fullmatch(role):
                yield int(match[1]), artifact.path


def contradiction(path: str, place: str, claim: object, found: object) -> Violation:
    """The violation that *path* says *claim* at *place*, and the other evidence says *found*."""
    return Violation(path, place, brief(claim), brief(found), "evidence")


def curve_of(evaluations: Mapping[str, NDArray[Any]]) -> Curve:
    """The learning curve that *evaluations* give."""
    with np.errstate(over="ignore"):
        means = tuple(float(np.mean(row)) for row in evaluations["results"])
    return Curve(tuple(evaluations["timesteps"].tolist()), means)


def _read_schedule(stream: BinaryIO, where: str) -> dict[str, NDArray[Any]]:
    arrays = _read_evaluations(stream, where)
    if arrays["timesteps"][0] != 0:
        raise ReadError(Kind.HEADER, where, "the evaluations do not begin with the untrained policy at step 0")
    return arrays


def _read_held_out(stream: BinaryIO, where: str) -> dict[str, NDArray[Any]]:
    arrays = _read_evaluations(stream, where)
    if (rows := arrays["timesteps"].size) != 2:  # noqa: PLR2004 - the selected policy's and the final one's
        raise ReadError(Kind.SHAPE, where, f"{rows} evaluations; expected that of the selected and of the final policy")
    return arrays


def _read_evaluations(stream: BinaryIO, where: str) -> dict[str, NDArray[Any]]:
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
    if not results.size:
        raise ReadError(Kind.HEADER, where, "no evaluation")
    if not np.isfinite(results).all() or (arrays["ep_lengths"] < 1).any():
        raise ReadError(Kind.NOT_FINITE, where, "a reward that is not finite, or an episode without a step")
    return arrays
