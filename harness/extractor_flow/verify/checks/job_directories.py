"""Checks that each job's own directory tells the same as the journal, and holds the artifacts that it claims."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.contracts import json_path
from extractor_flow.errors import DataError
from extractor_flow.evidence.check import Layer, Requirement, check
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.files import dumps
from extractor_flow.layout import JOB, RESULT, attempt_note
from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Completed, Failed
from extractor_flow.verify.checks.artifacts import wrong_artifacts
from extractor_flow.verify.json_diff import differences
from extractor_flow.verify.subject.documents import RECORD_CONTRACT, SMALL, read_document, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.verify.subject.context import JobSubject
    from extractor_flow.verify.subject.documents import Entry

_KIND = "inconsistent"
_REQUEST = (Requirement.REQUEST,)


@check("job-orders", layer=Layer.CONSISTENCY, reads=(JOB,), requires=_REQUEST)
def job_orders(job: JobSubject) -> Iterator[Violation]:
    """The job.json of each job that was started holds exactly the job that the study has.

    Catches: a job trained under other parameters, limits or another seed than the settings give. Cannot catch: settings
    that were changed in run.json and in every job.json alike.
    """
    if job.record.end_time is None:
        return
    name = job.path(JOB)
    demanded = job.run.matrix.jobs.get(job.record.job_key)
    if demanded is not None and _is_written(job, name, demanded.to_json()):
        return
    with job.run.files.open(name, limit=SMALL) as stream:
        data = require_object(read_json(stream, name, limit=SMALL), name)
    if demanded is not None and not any(differences(demanded.to_json(), data)):
        return
    try:
        ordered = Job.from_json(data)
    except (DataError, ValueError, AttributeError) as error:
        yield Violation(name, "$", "is the job's order", brief(str(error)), "schema")
        return
    for steps, wanted, stored in differences((ordered if demanded is None else demanded).to_json(), data):
        yield Violation(name, json_path(steps), brief(stored), f"the study has {brief(wanted)}", _KIND)
    if demanded is None:
        # Without its flow no study can be made, but what the job is called stands in three places.
        pairs = {"key": (ordered.key, job.record.job_key), "flow": (ordered.flow, job.run.request["flow"])}
        for member, (ours, theirs) in pairs.items():
            if ours != theirs:
                yield Violation(name, f"$.{member}", ours, f"the run has {theirs}", _KIND)


@check("job-results", layer=Layer.CONSISTENCY, reads=(RESULT,), requires=_REQUEST)
def job_results(job: JobSubject) -> Iterator[Violation]:
    """The result.json of each job that was started is the journal's record of it.

    Catches: a record that was edited in one of the two; both are named. Cannot catch: an edit of both.
    """
    name = job.path(RESULT)
    if job.record.end_time is None:
        return
    if isinstance(job.record.outcome, Failed) and name not in job.run.listing.files:
        return  # the job's process died before it could publish one, and the executor recorded how
    yield from _result(job, job.entry)


@check("results-of-the-unstarted", layer=Layer.CONSISTENCY, reads=(RESULT,), requires=_REQUEST)
def results_of_the_unstarted(job: JobSubject) -> Iterator[Violation]:
    """A job whose last record says that it was not started has no result.json that a resumed run would have kept.

    Catches: a success or a failure turned into a skip. Cannot catch: that, if the job's directory was emptied too.
    """
    name = job.path(RESULT)
    if job.record.end_time is not None or name not in job.run.listing.files:
        return
    data, wrong = read_document(job.run.files, name, RECORD_CONTRACT, limit=SMALL)
    yield from wrong
    result = None if data is None else record_of(data)
    before = job.run.started.get(job.record.job_key)
    if before is not None and result is not None and result.attempt == before.record.attempt:
        yield from _result(job, before)
    # Of a failure, the result may be all there is: a killed run did not get to record it. A success would have been
    # kept, and what was attempted is cleared away before the jobs of a session start.
    stands = (
        result is not None
        and isinstance(result.outcome, Completed)
        and not any(isinstance(each, Violation) for each in wrong_artifacts(job, result.outcome))
    )
    attempted = job.path(attempt_note(1)) in job.run.listing.files
    last = job.record.outcome
    if stands or (attempted and isinstance(last, Failed) and last.code is Code.NOT_STARTED):
        claim = f"{job.record.status}, never started"
        yield Violation(layout.JOURNAL, job.place("status"), claim, f"{name} tells of an attempt", _KIND)


def _result(job: JobSubject, entry: Entry) -> Iterator[Violation]:
    """Where the journal's *entry* and the job's result differ; which of them was changed, their digests say."""
    name, record = job.path(RESULT), entry.record
    if _is_written(job, name, record.to_json()):
        return
    data, wrong = read_document(job.run.files, name, RECORD_CONTRACT, limit=SMALL)
    yield from wrong
    for steps, journal, result in differences(record.to_json(), data) if data is not None else ():
        place = f"line {entry.line}: {json_path(steps)}"
        yield Violation(layout.JOURNAL, place, brief(journal), f"{name} has {brief(result)}", _KIND)
        yield Violation(name, json_path(steps), brief(result), f"{layout.JOURNAL} has {brief(journal)}", _KIND)


def _is_written(job: JobSubject, name: str, demanded: Mapping[str, Any]) -> bool:
    """Whether the file *name* is, byte for byte, *demanded* as it is written: then it need not be read once more."""
    content = dumps(demanded).encode()
    try:
        digest = job.run.listing.files.get(name) == len(content) and job.run.files.sha256(name)
    except ReadError:
        return False  # whoever reads it tells what it is instead
    return digest == hashlib.sha256(content).hexdigest()


CHECKS = (job_orders, job_results, results_of_the_unstarted)
