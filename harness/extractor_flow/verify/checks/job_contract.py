"""The check of what completed jobs left against what their flow declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.errors import RequestError
from extractor_flow.evidence.check import Requirement, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.verify.subject.context import JobSubject


@check("job-contract", requires=(Requirement.REQUEST, Requirement.FLOW))
def job_contract(job: JobSubject) -> Iterator[Finding]:
    """Each completed job has the files, metrics and details that its flow declares, and no others.

    Catches: a metric, detail or file that was invented, left out or renamed. Cannot catch: what is in them; what a
    version of the flow that is not installed declares, which is said.
    """
    flow, outcome = job.run.flow, job.record.outcome
    if isinstance(flow, RequestError) or not isinstance(outcome, Completed):
        return
    version = job.run.contract_version
    if version > flow.contract.version:
        why = f"version {version} of what {flow.name} declares was in force, installed is {flow.contract.version}"
        yield Unchecked(f"the names of what {job.record.label} left", why, Why.OTHER_VERSION)
        return
    files = {role: artifact.path.removeprefix(job.path("")) for role, artifact in outcome.artifacts.items()}
    for breach in flow.contract.breaches(outcome.metrics, files, outcome.details, version=version):
        yield Violation(
            layout.JOURNAL, job.place(breach.member), brief(breach.found), brief(breach.declared), "evidence"
        )


CHECKS = (job_contract,)
