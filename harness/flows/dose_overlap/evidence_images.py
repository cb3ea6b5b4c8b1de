"""Looks at the stored reconstructions: they must give the recorded scores, and be what their names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError
from harness.evidence import Unchecked, Violation, brief, guarded
from harness.flows.dose_overlap import layout
from harness.flows.dose_overlap.evidence import read_arrays
from harness.flows.dose_overlap.scoring import MASK, TRUTH, measured
from harness.flows.dose_overlap.scoring_names import METHODS, TRAINED
from harness.readers.errors import Kind, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.flows.dose_overlap.evidence import Arrays, Claims

_OTHER_ROUNDING = 0.02


def check_images(jobs: Sequence[Claims]) -> Iterator[Violation | Unchecked]:
    """What the reconstructions of *jobs* contradict."""
    for job in jobs:
        path = job.path(layout.RECONSTRUCTIONS)
        yield from guarded(path, _check_scores(job, path))
        if job.run.deep:
            yield from guarded(path, _check_deeply(job, path))


def _check_scores(job: Claims, path: str) -> Iterator[Violation]:
    arrays = _reconstructions(job, path)
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
        if np.array_equal(arrays[name], arrays[TRUTH]):
            yield Violation(path, name, "is a reconstruction", "the true object itself", "evidence")


def _is_score(name: str) -> bool:
    return name.startswith("gain_over_") or any(f"{image}_" in name for image in ("amplitude", "phase"))


def _reconstructions(job: Claims, path: str) -> Arrays:
    """The stored arrays, of the dtypes and shapes that a cell writes."""
    arrays = read_arrays(job, layout.RECONSTRUCTIONS)
    dtypes = dict.fromkeys((TRUTH, *METHODS), "complex64") | {MASK: "bool"}
    if {name: array.dtype.name for name, array in arrays.items()} != dtypes:
        raise ReadError(Kind.HEADER, path, f"holds {brief(sorted(arrays))}; expected {', '.join(sorted(dtypes))}")
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != shape[1]:  # noqa: PLR2004 - an image
        raise ReadError(Kind.SHAPE, path, "the images are not squares of one size")
    return arrays


def _check_deeply(job: Claims, path: str) -> Iterator[Violation]:
    """Every method's object once more, from the bundle and the held-out frames."""
    from harness.flows.dose_overlap.train import objects_of, untrained_digest

    arrays = _reconstructions(job, path)
    bundle, frames = (
        job.run.files.root / name
        for name in (job.path(layout.BUNDLE), f"{layout.DATA}/{job.plan.cell.data_path('test')}")
    )
    try:
        again = objects_of(job.plan.training, bundle, frames, iterations=job.plan.solver_iterations)
    except DataError as error:
        yield Violation(path, "", "can be reconstructed again", brief(str(error)), "evidence")
        return
    for name, image in again.items():
        same_shape = image.shape == arrays[name].shape
        most = float(np.abs(arrays[name] - image)[arrays[MASK]].max()) if same_shape else np.inf
        if not most <= _OTHER_ROUNDING:
            what = f"computed again it differs by up to {most:.3g}"
            yield Violation(path, name, "is what its method gives for the held-out frames", what, "evidence")
    claim, digest = job.outcome.details.get("untrained_weights_sha256"), untrained_digest(job.plan.training)
    if claim != digest:
        yield job.contradicted("details.untrained_weights_sha256", claim, f"the seed gives {digest}")
