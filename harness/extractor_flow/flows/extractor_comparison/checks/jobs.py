"""Checks the jobs of a run against each other, and those that were skipped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import Scope, check
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.jobs import ACCELERATORS, jobs_of, missing_requirement
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import Artifact, JobRecord

_SHOWN = re.compile(rf"(?:{layout.CHECKPOINTS}/rl_model_[0-9]+_steps|best_model/[^/]+)\.zip|{layout.TENSORBOARD}/[^/]+")
# These tell the time, or come of a training that no other seed has: two jobs never leave the same.
_OWN = re.compile(r"final_model|best_model|monitor|tensorboard|policy|checkpoint_[0-9]+")


@check("ppo-skips", scope=Scope.RUN)
def skips(run: RunContext) -> Iterator[Violation]:
    """A job is skipped in a rehearsal, or for want of a device that it needs.

    Catches: a failure, or a result that did not please, called a skip. Cannot catch: a device said to be missing.
    """
    jobs = {job.key: job for job in jobs_of(run.settings)}
    for record in run.records:
        if isinstance(record.outcome, Skipped):
            job, code = jobs.get(record.job_key), record.outcome.code
            allowed = {Code.DRY_RUN} | (set() if job is None else _codes(job))
            if code not in allowed:
                wanted = " or ".join(sorted(allowed))
                yield run.contradicted(record, "code", code.value, f"this job can only be skipped for {wanted}")


@check("ppo-unclaimed-models", scope=Scope.RUN)
def unclaimed_models(run: RunContext) -> Iterator[Violation]:
    """Every model and event file in the directory of a completed job is one that its record claims.

    Catches: a checkpoint planted beside the others, a curve that TensorBoard would show with the job's own. Cannot
    catch: a model that was deleted with its record's claim, where the schedule does not give it.
    """
    completed = [record for record in run.records if isinstance(record.outcome, Completed)]
    directories = {record.directory for record in completed}
    claimed = {artifact.path for record in completed for artifact in _artifacts(record).values()}
    for path in run.files.walk().files if completed else ():
        directory, _, name = path.rpartition("/")
        directory, _, folder = directory.rpartition("/")
        if directory in directories and path not in claimed and _SHOWN.fullmatch(f"{folder}/{name}"):
            yield contradiction(path, "", "is a file of this job's training", "no record claims it")


@check("ppo-jobs-differ", scope=Scope.RUN)
def jobs_differ(run: RunContext) -> Iterator[Violation]:
    """No two jobs leave the same file where it tells the time, nor the same weights if seed or network differ.

    Catches: one training told as that of several seeds or extractors. Cannot catch: a copy in which a bit was changed,
    which --deep and --replay find.
    """
    first: dict[tuple[str, str], JobRecord] = {}
    for record in run.records:
        for role, artifact in _artifacts(record).items():
            other = first.setdefault((role, artifact.sha256), record) if _OWN.fullmatch(role) else record
            if other is not record and not (role == "policy" and _may_be_equal(run, record, other)):
                for one, two in ((record, other), (other, record)):
                    what = f"the same file as {two.label} has"
                    yield contradiction(_artifacts(one)[role].path, "", f"is of {one.label}", what)


def _artifacts(record: JobRecord) -> Mapping[str, Artifact]:
    return record.outcome.artifacts if isinstance(record.outcome, Completed) else {}


def _may_be_equal(run: RunContext, one: JobRecord, two: JobRecord) -> bool:
    """Whether two trainings should give equal weights: the same seed, and one network under two names."""
    starts, plans = [], []
    for record in (one, two):
        details = record.outcome.details if isinstance(record.outcome, Completed) else {}
        starts.append(details.get("untrained_weights_sha256"))
        plans.append(run.parameters.get(record.job_key))
    return one.seed == two.seed and (plans[0] == plans[1] or starts[0] == starts[1])


def _codes(job: Job) -> set[Code]:
    """The codes with which *job* is skipped on some machine: one that has no accelerator, or lacks one of them."""
    machines = (ACCELERATORS, *((device,) for device in ACCELERATORS))
    skips = [missing_requirement(job, dict.fromkeys(missing, "")) for missing in machines]
    return {skip.code for skip in skips if skip is not None}
