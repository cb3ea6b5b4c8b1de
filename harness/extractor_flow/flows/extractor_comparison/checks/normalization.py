"""The statistics that observations were normalised by, from their artifact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import Kind, ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.checks.claims import Claims

_PARTS = ("mean", "var", "count")
_EPSILON = 1e-8
_OBSERVATION = "observation"
Arrays = dict[str, "NDArray[Any]"]


@dataclass(frozen=True)
class Statistics:
    """The statistics after one step: mean and variance of the observation, or of each key of it."""

    parts: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
    clip: float

    def normalized(self, observations: Any) -> Any:  # noqa: ANN401 - an array or a dict of arrays
        """A batch of *observations* as the policy saw them."""
        if isinstance(observations, dict):
            return {key: self._part(f"{_OBSERVATION}.{key}", values) for key, values in observations.items()}
        return self._part(_OBSERVATION, observations)

    def _part(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        if name not in self.parts:
            return values
        mean, variance = self.parts[name]
        scaled = (values - mean) / np.sqrt(variance + _EPSILON)
        clipped: NDArray[Any] = np.clip(scaled, -self.clip, self.clip).astype(np.float32)
        return clipped


def statistics_at(job: Claims, step: int) -> Statistics | None:
    """The statistics of the policy of *step*; ``None`` where nothing is normalised."""
    wanted = job.plan.environment.normalize
    if wanted is None:
        return None
    arrays = job.run.read(job.path(layout.NORMALIZATION), _read)
    steps = arrays["timesteps"].tolist()
    if step not in steps:
        raise ReadError(Kind.HEADER, job.path(layout.NORMALIZATION), f"no statistics of step {step}")
    row = steps.index(step)
    names = {name.rpartition(".")[0] for name in arrays if name.startswith(_OBSERVATION)}
    parts = {name: (arrays[f"{name}.mean"][row], arrays[f"{name}.var"][row]) for name in names}
    return Statistics(parts, float(wanted["clip_obs"]))


def _read(stream: BinaryIO, where: str) -> Arrays:
    arrays = read_npz(stream, where)
    names = {name.rpartition(".")[0] for name in arrays if name != "timesteps"}
    expected = {"timesteps", *(f"{name}.{part}" for name in names for part in _PARTS)}
    if arrays.keys() != expected or not names:
        raise ReadError(Kind.HEADER, where, f"holds {sorted(arrays)}; expected mean, var and count of each statistic")
    steps = arrays["timesteps"]
    if steps.ndim != 1 or steps.dtype.kind != "i" or not steps.size:
        raise ReadError(Kind.SHAPE, where, "timesteps are no list of steps")
    for name in names:
        mean, var, count = (arrays[f"{name}.{part}"] for part in _PARTS)
        if {each.dtype.str[1:] for each in (mean, var, count)} != {"f8"}:
            raise ReadError(Kind.DTYPE, where, f"{name} is not of numbers of 64 bits")
        if mean.shape != var.shape or mean.shape[:1] != steps.shape or count.shape != steps.shape:
            raise ReadError(Kind.SHAPE, where, f"{name} does not fit timesteps")
        if not all(np.isfinite(each).all() for each in (mean, var, count)) or (var < 0).any():
            raise ReadError(Kind.NOT_FINITE, where, f"{name} holds NaN, infinity or a negative variance")
    return arrays
