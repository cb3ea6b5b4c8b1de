"""What a run of the flow ``spirals`` is held to, beside what every run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Violation
from extractor_flow.readers.text import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.job_claims import JobClaims


@check("spirals-accuracy", reads=("model",))
def measured_again(job: JobClaims) -> Iterator[Violation]:
    """The published weights put as many unseen points on the right spiral as the record claims.

    Catches: an accuracy that the model does not have, the model of another job. Cannot catch: weights that were found
    in another way than by training.
    """
    from lantern_lab.training import accuracy, weights_of

    path = job.outcome.artifacts["model"].path
    parameters = job.run.parameters[job.record.job_key]
    weights = weights_of(job.run.read(path, read_json), parameters)
    if weights is None:
        yield Violation(path, "$.weights", "is one finite number a feature", "something else", "evidence")
    else:
        yield from job.metric("accuracy", accuracy(parameters, weights, job.record.seed), path)


CHECKS = (measured_again,)
