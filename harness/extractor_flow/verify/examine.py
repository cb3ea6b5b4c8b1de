"""Calls checks: the one place that guards against crafted files, and that says what was not looked at, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.check import Scope
from extractor_flow.evidence.findings import Finding, Unchecked, Violation, Why, brief
from extractor_flow.readers.errors import ReadError
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor_flow.evidence.check import Check, SupportsChecks
    from extractor_flow.evidence.job_claims import JobClaims
    from extractor_flow.evidence.run_context import RunContext

# What values of the right type and the wrong content make honest code raise; PyTorch and zlib raise RuntimeError.
MALFORMED_INPUT_ERRORS = (RuntimeError, MemoryError, OSError, *FLOW_ERRORS)


@dataclass
class Tally:
    """How much was looked at: ``claims`` counts the calls of checks, ``checks`` are those called at least once."""

    claims: int = 0
    checks: dict[str, None] = field(default_factory=dict)

    def count(self, check: Check) -> None:
        """Count one call of *check*."""
        self.claims += 1
        self.checks[check.id] = None


def examine_run(checks: Iterable[Check], run: Any, tally: Tally) -> Iterator[Finding]:  # noqa: ANN401 - a context
    """What the checks of scope ``run`` among *checks* find in *run*."""
    for check in checks:
        if check.scope is Scope.RUN:
            yield from _examine(check, run, "run.json", tally, deep=run.deep)


def examine_jobs(flow: SupportsChecks, run: RunContext, tally: Tally) -> Iterator[Finding]:
    """What the flow's checks of scope ``job`` find in each completed job of *run*."""
    checks = [check for check in flow.checks() if check.scope is Scope.JOB]
    for record in run.records:
        if isinstance(record.outcome, Completed):
            try:
                claims = flow.claims(run, record, record.outcome)
            except MALFORMED_INPUT_ERRORS as error:
                yield _malformed(f"{record.directory}/job.json", error)
                continue
            yield from _examine_job(checks, claims, tally)
            run.forget()


def _examine_job(checks: Sequence[Check], job: JobClaims, tally: Tally) -> Iterator[Finding]:
    for check in checks:
        yield from _examine(check, job, f"{job.record.directory}/result.json", tally, deep=job.run.deep)


def _examine(check: Check, subject: object, file: str, tally: Tally, *, deep: bool) -> Iterator[Finding]:
    missing = [name for name in check.needs if find_spec(name) is None]
    if check.deep and not deep:
        yield Unchecked(check.id, "only --deep looks at it", Why.DEEP, check.id)
    elif missing:
        yield Unchecked(check.id, f"needs {', '.join(missing)}, which is not installed", Why.PACKAGE, check.id)
    else:
        tally.count(check)
        try:
            for finding in check.examine(subject):
                yield replace(finding, check=check.id)
        except ReadError as error:
            where = error.where.partition("!")[0].partition(":")[0]
            yield replace(Violation.refused(where, error), check=check.id)
        except MALFORMED_INPUT_ERRORS as error:
            yield replace(_malformed(file, error), check=check.id)


def _malformed(file: str, error: Exception) -> Violation:
    what = brief(f"{type(error).__name__}: {error}")
    return Violation(file, "", "can be compared with the rest of the run", what, "evidence")
