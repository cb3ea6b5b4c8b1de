"""Calls checks: the one place that guards against crafted files, and that says what was not looked at, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.check import Layer, Scope
from extractor_flow.evidence.findings import Finding, Unchecked, Violation, Why, brief
from extractor_flow.layout import JOB, RESULT, RUN
from extractor_flow.readers.errors import ReadError
from extractor_flow.study.records import Completed
from extractor_flow.verify.subject.context import JobSubject
from extractor_flow.verify.subject.matrix import MALFORMED_INPUT_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor_flow.evidence.check import Check, Requirement, SupportsChecks
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify.subject.context import RunSubject


@dataclass
class Examination:
    """The examination of one run: what was looked at, and what was not.

    ``claims`` counts the calls of each check: a claim is what one check looks at, in the run or in one of its jobs.
    ``blocked`` has the checks that were not called, by the requirement that the run does not meet.
    """

    run: RunSubject
    claims: Counter[Check] = field(default_factory=Counter)
    blocked: dict[Requirement, list[str]] = field(default_factory=lambda: defaultdict(list))

    def core(self, checks: Sequence[Check]) -> Iterator[Finding]:
        """What the core's *checks* find: those of scope ``run`` first, then the others in each job's last record."""
        of_jobs = []
        for check in checks:
            unmet = next((each for each in check.requires if each in self.run.unmet), None)
            if unmet is not None:
                self.blocked[unmet].append(check.id)
            elif check.scope is Scope.RUN:
                yield from self._examine(check, self.run, RUN)
            else:
                of_jobs.append(check)
        for entry in self.run.latest.values() if of_jobs else ():
            subject = JobSubject(self.run, entry)
            for check in of_jobs:
                yield from self._examine(check, subject, subject.path(RESULT))

    def of_flow(self, flow: SupportsChecks) -> Iterator[Finding]:
        """What the checks of *flow* find: in the run, and then in each job that completed."""
        context = self.run.for_flow()
        for check in flow.checks():
            if check.scope is Scope.RUN:
                yield from self._examine(check, context, RUN)
        context.forget()
        checks = [check for check in flow.checks() if check.scope is Scope.JOB]
        for record in context.records:
            if isinstance(record.outcome, Completed):
                yield from self._job_of_flow(flow, checks, context, record)
                context.forget()

    def _job_of_flow(
        self, flow: SupportsChecks, checks: Sequence[Check], run: RunContext, record: JobRecord
    ) -> Iterator[Finding]:
        """The findings in one job, and that it is unjudged if no check could look at anything of it."""
        try:
            claims = flow.claims(run, record, record.outcome)  # type: ignore[arg-type]
        except MALFORMED_INPUT_ERRORS as error:
            yield _malformed(f"{record.directory}/{JOB}", error)
            return
        judged = False
        for check in checks:
            found = self._examine(check, claims, f"{record.directory}/{RESULT}")
            judged |= _judges(check, found)
            yield from found
        if not judged:
            yield Unchecked(record.label, "no check could look at anything that the job left", Why.UNJUDGED)

    def unmet(self) -> Iterator[Unchecked]:
        """What the run does not offer, with the checks that were not called for it."""
        for requirement, checks in self.blocked.items():
            unmet = self.run.unmet[requirement]
            if not unmet.silent:
                yield Unchecked(", ".join(checks), unmet.why, unmet.code)

    def _examine(self, check: Check, subject: Any, file: str) -> list[Finding]:  # noqa: ANN401 - what it is called with
        """What *check* finds in *subject*; *file* is where a subject that breaks it is said to be wrong."""
        if (excuse := self._excuse(check)) is not None:
            return [excuse]
        self.claims[check] += 1
        return [self.run.archive.settle(replace(each, check=check.id)) for each in _guarded(check, subject, file)]

    def _excuse(self, check: Check) -> Unchecked | None:
        """Why *check* is not called at all, if it is not."""
        deep = self.run.deep
        if check.deep and not (deep if isinstance(deep, bool) else check.id in deep):
            return Unchecked(check.id, "only --deep looks at it", Why.DEEP, check.id)
        if missing := [name for name in check.needs if not _is_installed(name)]:
            why = f"needs {', '.join(missing)}, which is not installed"
            return Unchecked(check.id, why, Why.PACKAGE, check.id)
        return None


@cache
def _is_installed(module: str) -> bool:
    """Whether *module* could be imported; nothing is."""
    return find_spec(module) is not None


def _guarded(check: Check, subject: Any, file: str) -> Iterator[Finding]:  # noqa: ANN401
    try:
        yield from check.examine(subject)
    except ReadError as error:
        yield Violation.refused(error.where.partition("!")[0].partition(":")[0], error)
    except MALFORMED_INPUT_ERRORS as error:
        yield _malformed(file, error)


def _judges(check: Check, found: Sequence[Finding]) -> bool:
    """Whether *check* has looked at evidence: it reads some, and what it *found* is not merely that it could not."""
    looked = not found or any(isinstance(each, Violation) for each in found)
    return looked and check.layer is Layer.EVIDENCE and bool(check.reads)


def _malformed(file: str, error: Exception) -> Violation:
    what = brief(f"{type(error).__name__}: {error}")
    return Violation(file, "", "can be compared with the rest of the run", what, "evidence")
