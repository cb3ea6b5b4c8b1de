"""Checks that every published JSON file says what the journal supports: all of them are made again and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.render import legacy_results, manifest, summary_json
from extractor_flow.run import rundir
from extractor_flow.verify.json_diff import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.verify.subject.context import RunSubject

_KIND = "inconsistent"
_RECORDED = (Requirement.REQUEST, Requirement.JOURNAL)


@check("records-comparable", layer=Layer.CONSISTENCY, scope=Scope.RUN, reads=(rundir.JOURNAL,), requires=_RECORDED)
def records_comparable(run: RunSubject) -> Iterator[Violation]:
    """The flow can compare the journal's records: they have the metrics and details that its comparison takes.

    Catches: records whose numbers are of the wrong kind. Cannot catch: wrong numbers of the right kind.
    """
    if isinstance(run.support, str):
        claim = f"holds records that {run.reporter.name} can compare"
        yield Violation(rundir.JOURNAL, "", claim, run.support, _KIND)


@check(
    "published-json",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(rundir.SUMMARY, rundir.MANIFEST, rundir.SKIPS, rundir.HISTORICAL),
    requires=(*_RECORDED, Requirement.COMPARISON),
)
def published_json(run: RunSubject) -> Iterator[Finding]:
    """Summary, manifest, skip summary and historical layout are what the journal gives, made again.

    Catches: any number, status, reason or order that was changed in one of them. Cannot catch: a lie that the journal
    tells, too.
    """
    request, summary, spec = run.request, run.supported.summary, run.reporter.vocabulary
    views: dict[str, Callable[[], Any]] = {
        rundir.SUMMARY: lambda: summary_json.to_json(summary, spec),
        rundir.MANIFEST: lambda: manifest.training_manifest(
            summary, selection=request["selection"], dry_run=request["dry_run"], skip_summary_path=rundir.SKIPS
        ),
        rundir.SKIPS: lambda: manifest.skip_summary(summary),
        rundir.HISTORICAL: lambda: legacy_results.complete_results(summary, request["config"]),
    }
    for name, view in views.items():
        if name in run.documents.json:
            yield from violations(name, view(), run.documents.json[name], "the journal gives", run.supported.rounded)
        else:
            yield Unchecked(name, "it cannot be used", Why.UNREADABLE)


@check(
    "journal-outvoted",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(rundir.JOURNAL, rundir.MANIFEST, rundir.SUMMARY),
    requires=(*_RECORDED, Requirement.COMPARISON),
)
def journal_outvoted(run: RunSubject) -> Iterator[Violation]:
    """Where the manifest and the summary agree with each other and not with the journal, the journal was changed.

    Catches: an edit of the journal alone, and names it. Cannot catch: an edit of all three.
    """
    jobs = run.documents.json.get(rundir.MANIFEST, {}).get("jobs", [])
    results = run.documents.json.get(rundir.SUMMARY, {}).get(run.reporter.vocabulary.results_key, [])
    listed = {job["job_key"]: job for job in jobs}
    summarized = {result["job_key"]: result for result in results}
    for key, entry in run.latest.items():
        told, job, result = entry.record.to_json(), listed.get(key, {}), summarized.get(key, {})
        for name in sorted((job.keys() & result.keys()) - {"metrics", "artifacts"}):
            if job[name] == result[name] != told.get(name):
                place = f"line {entry.line}: $.{name}"
                what = f"{rundir.MANIFEST} and {rundir.SUMMARY} have {brief(job[name])}"
                yield Violation(rundir.JOURNAL, place, brief(told.get(name)), what, _KIND)


CHECKS = (records_comparable, published_json, journal_outvoted)
