"""Looks at the stored reconstructions: they must give the recorded scores, and be what their names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.claims import nearly, read_arrays, shielded
from extractor_flow.flows.dose_overlap.scoring.cell_metrics import MASK, TRUTH, measured
from extractor_flow.flows.dose_overlap.scoring.names import METHODS, TRAINED
from extractor_flow.readers.errors import Kind, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.flows.dose_overlap.checks.claims import Arrays, Claims, Finding

_NO_ERROR = 1e-5
"""What no method comes as close to the truth as, everywhere: a share of its largest value."""


def check_images(jobs: Sequence[Claims]) -> Iterator[Finding]:
    """What the reconstructions of *jobs* contradict."""
    for job in jobs:
        path = job.path(layout.RECONSTRUCTIONS)
        yield from shielded(path, _check_scores(job, path))
        if job.run.deep:
            yield from _look_deeply(job)


def _look_deeply(job: Claims) -> Iterator[Finding]:
    try:
        from extractor_flow.flows.dose_overlap.checks.torch_recompute import check_deeply
    except ImportError as error:
        yield Unchecked(job.path(layout.RECONSTRUCTIONS), f"{error}; install the extra [dose]")
        return
    yield from check_deeply(job)


def _check_scores(job: Claims, path: str) -> Iterator[Violation]:
    arrays = reconstructions(job)
    yield from _check_size(job, path, arrays)
    try:
        found = measured(arrays)
    except DataError as error:
        yield Violation(path, "", "can be scored", brief(str(error)), "evidence")
        return
    scored = {name for name in job.outcome.metrics if _is_score(name)}
    for name in sorted(scored | found.keys()):
        yield from job.metric(name, found.get(name), layout.RECONSTRUCTIONS)
    if np.ptp(np.abs(arrays["constant"])) != 0:
        yield Violation(path, "constant", "is a constant image", "it is not", "evidence")
    if job.improved and np.array_equal(arrays[TRAINED], arrays["untrained"]):
        yield Violation(path, TRAINED, "is the trained network's", "the untrained network's image", "evidence")
    for name in METHODS:
        if nearly(arrays[name], arrays[TRUTH], _NO_ERROR):
            yield Violation(path, name, "is a reconstruction", "the true object itself", "evidence")


def _check_size(job: Claims, path: str, arrays: Arrays) -> Iterator[Violation]:
    """An object that was made is as large as the settings say."""
    simulation = job.run.settings["simulation"]
    shape = (simulation["object_size"],) * 2
    if simulation["base_npz"] is None and arrays[TRUTH].shape != shape:
        what = f"the settings make an object of the shape {shape}"
        yield Violation(path, TRUTH, f"has the shape {arrays[TRUTH].shape}", what, "evidence")


def _is_score(name: str) -> bool:
    return name.startswith("gain_over_") or any(f"{image}_" in name for image in ("amplitude", "phase"))


def reconstructions(job: Claims) -> Arrays:
    """The stored arrays, of the dtypes and shapes that a cell writes."""
    path = job.path(layout.RECONSTRUCTIONS)
    arrays = read_arrays(job, layout.RECONSTRUCTIONS)
    dtypes = dict.fromkeys((TRUTH, *METHODS), "complex64") | {MASK: "bool"}
    if {name: array.dtype.name for name, array in arrays.items()} != dtypes:
        raise ReadError(Kind.HEADER, path, f"holds {brief(sorted(arrays))}; expected {', '.join(sorted(dtypes))}")
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != shape[1]:  # noqa: PLR2004 - an image
        raise ReadError(Kind.SHAPE, path, "the images are not squares of one size")
    return arrays
