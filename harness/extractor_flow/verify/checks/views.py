"""Checks that the journal holds records that can be published, and that nobody changed it under what was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.verify.subject.made import is_as_made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.verify.subject.context import RunSubject

_KIND = "inconsistent"
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("records-comparable", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(layout.JOURNAL,), requires=_RECORDED)
def records_comparable(run: RunSubject) -> Iterator[Violation]:
    """The flow can compare the journal's records: they have the metrics and details that its comparison takes.

    Catches: records whose numbers are of the wrong kind. Cannot catch: wrong numbers of the right kind.
    """
    if isinstance(run.support, str):
        claim = f"holds records that {run.reporter.name} can compare"
        yield Violation(layout.JOURNAL, "", claim, run.support, _KIND)


@check(
    "journal-outvoted",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.JOURNAL, layout.MANIFEST, layout.SUMMARY),
    requires=(*_RECORDED, Requirement.COMPARISON),
)
def journal_outvoted(run: RunSubject) -> Iterator[Violation]:
    """Where the manifest and the summary agree with each other and not with the journal, the journal was changed.

    Catches: an edit of the journal alone, and names it. Cannot catch: an edit of all three.
    """
    if is_as_made(run, layout.MANIFEST) or is_as_made(run, layout.SUMMARY):
        return
    jobs = (run.documents.get(layout.MANIFEST) or {}).get("jobs", [])
    results = (run.documents.get(layout.SUMMARY) or {}).get(run.reporter.vocabulary.results_key, [])
    listed = {job["job_key"]: job for job in jobs}
    summarized = {result["job_key"]: result for result in results}
    for key, entry in run.latest.items():
        told, job, result = entry.record.to_json(), listed.get(key, {}), summarized.get(key, {})
        for name in sorted((job.keys() & result.keys()) - {"metrics", "artifacts"}):
            if job[name] == result[name] != told.get(name):
                place = f"line {entry.line}: $.{name}"
                what = f"{layout.MANIFEST} and {layout.SUMMARY} have {brief(job[name])}"
                yield Violation(layout.JOURNAL, place, brief(told.get(name)), what, _KIND)


CHECKS = (records_comparable, journal_outvoted)
