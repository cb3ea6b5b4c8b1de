"""What a completed cell claims, as the checks of this flow's evidence share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import ReadError
from extractor_flow.study.flow import FLOW_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.dose_overlap.plan import Plan

    Arrays = Mapping[str, NDArray[Any]]
    Finding = Violation | Unchecked

CRAFTED = (RuntimeError, *FLOW_ERRORS)
"""What files that no training wrote make the code raise that uses them; PyTorch raises the first."""


@dataclass(frozen=True)
class Claims(JobClaims):
    """What one completed job claims, and what it was to do."""

    plan: Plan

    def data_path(self, split: str) -> str:
        """The path of the frames of ``train`` or ``test``, relative to the run directory."""
        return f"{layout.DATA}/{self.plan.cell.data_path(split)}"

    @property
    def improved(self) -> bool:
        """Whether some epoch is claimed to be better than the untrained network."""
        return self.outcome.metrics.get("best_epoch", 0) > 0


def shielded(file: str, check: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of *check*, which reads *file*; what a crafted file makes it raise is the last of them."""
    try:
        yield from check
    except ReadError as error:
        yield Violation.refused(file, error)
    except CRAFTED as error:
        what = brief(f"{type(error).__name__}: {error}")
        yield Violation(file, "", "can be compared with the rest of the run", what, "evidence")


def nearly(there: NDArray[Any] | None, due: NDArray[Any], rounding: float) -> bool:
    """Whether *there* is *due* but for *rounding*, a share of its largest value; whatever *there* holds."""
    if there is None or there.shape != due.shape or there.dtype != due.dtype:
        return False
    with np.errstate(all="ignore"):
        return bool((np.abs(there - due) <= rounding * np.abs(due).max()).all())


def read_arrays(job: Claims, name: str) -> Arrays:
    """The plain arrays of an NPZ file in the job's directory."""
    return job.run.read(job.path(name), read_npz)
