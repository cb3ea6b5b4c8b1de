"""What a completed cell claims, as the checks of this flow's evidence share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.evidence import Unchecked, Violation, brief, close
from harness.flow import FLOW_ERRORS
from harness.flows.dose_overlap import layout
from harness.readers.arrays import read_npz
from harness.readers.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from harness.evidence import RunEvidence
    from harness.flows.dose_overlap.study import Plan
    from harness.records import Completed, JobRecord

    Arrays = Mapping[str, NDArray[Any]]
    Finding = Violation | Unchecked

CRAFTED = (RuntimeError, *FLOW_ERRORS)
"""What files that no training wrote make the code raise that uses them; PyTorch raises the first."""


@dataclass(frozen=True)
class Claims:
    """What one completed job claims, and what it was to do."""

    run: RunEvidence
    record: JobRecord
    outcome: Completed
    plan: Plan

    def path(self, name: str) -> str:
        """The path of a file of this job, relative to the run directory."""
        return f"{self.record.directory}/{name}"

    def data_path(self, split: str) -> str:
        """The path of the frames of ``train`` or ``test``, relative to the run directory."""
        return f"{layout.DATA}/{self.plan.cell.data_path(split)}"

    def contradicted(self, member: str, claim: object, found: object) -> Violation:
        """The violation that the journal claims *claim* as *member* of this job."""
        return self.run.contradicted(self.record, member, claim, found)

    def metric(self, name: str, found: float | None, source: str) -> Iterator[Violation]:
        """The violation that *source* gives *found* for the metric *name* (``None``: it does not exist), if it does."""
        claim = self.outcome.metrics.get(name)
        if claim is None or found is None:
            if claim is not found:
                yield self.contradicted(f"metrics.{name}", "nothing" if claim is None else claim, f"{source}: {found}")
        elif not close(claim, found):
            yield self.contradicted(f"metrics.{name}", claim, f"{source} gives {found!r}")

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
