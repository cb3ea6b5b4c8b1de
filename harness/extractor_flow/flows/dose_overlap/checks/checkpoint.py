"""Looks at a cell's checkpoint, the second witness of its training: curves, best weights and steps once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.bundle import network_of, read_header
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.checks.claims import Arrays, Claims

_NOW, _BEST, _OPTIMISER = "network", "best", "optimiser"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_MEMBERS = {"digest", "history"}


def check_checkpoint(job: Claims) -> Iterator[Violation]:
    """The state after the last epoch is that of the training that the curves and the bundle tell of."""
    path = job.path(layout.CHECKPOINT)
    header = job.run.read(path, read_header)
    if header.keys() != _MEMBERS:
        yield Violation(path, "", brief(sorted(header)), f"expected {', '.join(sorted(_MEMBERS))}", "evidence")
    history, curves = header.get("history"), job.outcome.details.get("curves")
    if history != curves:
        yield Violation(path, "history", brief(history), f"the record's curves are {brief(curves)}", "evidence")
        told = f"{layout.CHECKPOINT} tells of another training: {brief(history)}"
        yield Violation(job.path(layout.CURVES), "$.curves", brief(curves), told, "evidence")
    groups = _groups(job.run.read(path, read_weights))
    known = {_NOW, _BEST, _OPTIMISER}
    if groups.keys() != known:
        yield Violation(path, "", brief(sorted(groups)), f"expected {', '.join(sorted(known))}", "evidence")
        return
    yield from _check_finite(path, groups)
    yield from _check_weights(job, path, groups)
    yield from _check_optimiser(job, path, groups)


def _groups(tensors: Arrays) -> dict[str, dict[str, NDArray[Any]]]:
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    for key, value in tensors.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, {})[name] = value
    return groups


def _check_finite(path: str, groups: Mapping[str, Arrays]) -> Iterator[Violation]:
    bad = [
        f"{group}/{name}"
        for group, tensors in groups.items()
        for name, value in tensors.items()
        if value.dtype != np.float32 or not np.isfinite(value).all()
    ]
    if bad:
        yield Violation(path, ", ".join(bad), "holds finite numbers in single precision", "it does not", "evidence")


def _check_weights(job: Claims, path: str, groups: Mapping[str, Arrays]) -> Iterator[Violation]:
    """The best weights are the bundle's, and the last ones too where the last epoch was the best."""
    now, best = groups[_NOW], groups[_BEST]
    if _shapes(now) != _shapes(best):
        yield Violation(path, _BEST, "holds one network twice", "networks of different shapes", "evidence")
    metrics = job.outcome.metrics
    if metrics.get("best_epoch") == metrics.get("epochs_completed") and not _equal(now, best):
        yield Violation(
            path, _NOW, "holds the last epoch's weights", "not the best, and the last epoch was", "evidence"
        )
    try:
        bundled = network_of(job.run.read(job.path(layout.BUNDLE), read_weights))
    except ReadError:
        return  # what is wrong with the bundle is told where the bundle is looked at
    if not _equal(best, bundled):
        yield Violation(path, _BEST, "holds the best epoch's weights", f"not those in {layout.BUNDLE}", "evidence")
        what = f"{layout.CHECKPOINT} has others as the best"
        yield Violation(job.path(layout.BUNDLE), "", "holds the best epoch's weights", what, "evidence")


def _check_optimiser(job: Claims, path: str, groups: Mapping[str, Arrays]) -> Iterator[Violation]:
    """Every parameter has been updated as often as the record says."""
    now, state = groups[_NOW], groups[_OPTIMISER]
    due = {f"{number}.{moment}" for number in range(len(now)) for moment in _MOMENTS}
    if state.keys() != due:
        what = f"expected the moments of {len(now)} parameters"
        yield Violation(path, _OPTIMISER, brief(sorted(state)), what, "evidence")
        return
    shapes = sorted(value.shape for value in now.values())
    for moment in _MOMENTS[:2]:
        if sorted(state[f"{number}.{moment}"].shape for number in range(len(now))) != shapes:
            yield Violation(path, f"{_OPTIMISER}: {moment}", "fits the network", "other shapes", "evidence")
    squares = [state[f"{number}.exp_avg_sq"] for number in range(len(now))]
    if not all((value >= 0).all() for value in squares) or not any(value.any() for value in squares):
        yield Violation(path, _OPTIMISER, "holds mean squares of gradients", "below 0, or all of them 0", "evidence")
    steps = {float(value) for number in range(len(now)) for value in state[f"{number}.step"].reshape(-1).tolist()}
    if steps != {float(job.outcome.training_steps)}:
        what = f"the record has {job.outcome.training_steps}"
        yield Violation(path, _OPTIMISER, f"{brief(sorted(steps))} steps", what, "evidence")


def _shapes(weights: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: value.shape for name, value in weights.items()}


def _equal(one: Arrays, two: Arrays) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(value, two[name]) for name, value in one.items())
