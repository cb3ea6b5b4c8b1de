"""What one completed job claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation, close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.records import Completed, JobRecord


@dataclass(frozen=True)
class JobClaims:
    """What one completed job claims; a flow's own subclass adds what the job was to do."""

    run: RunContext
    record: JobRecord
    outcome: Completed

    def path(self, name: str) -> str:
        """The path of a file of this job, relative to the run directory."""
        return f"{self.record.directory}/{name}"

    def contradicted(self, member: str, claim: object, found: object) -> Violation:
        """The violation that the journal claims *claim* as *member* of this job."""
        return self.run.contradicted(self.record, member, claim, found)

    def metric(self, name: str, found: float | None, source: str) -> Iterator[Violation]:
        """The violation that *source* gives *found* for the metric *name* (``None``: it does not exist), if it does.

        A metric that is younger than the run is not missed.
        """
        claim = self.outcome.metrics.get(name)
        if claim is None or found is None:
            if claim is not found and not (claim is None and name in self.run.younger):
                yield self.contradicted(f"metrics.{name}", "nothing" if claim is None else claim, f"{source}: {found}")
        elif not close(claim, found):
            yield self.contradicted(f"metrics.{name}", claim, f"{source} gives {found!r}")
