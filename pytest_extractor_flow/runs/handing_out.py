"""Whether a run may be handed to a test: not if a job failed in it, unless the test asks for failures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.study.flow import Study
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import Skipped
    from pytest_extractor_flow.runs.session_runs import FlowRun
    from pytest_extractor_flow.state import PluginState

_MOST_REASONS = 10  # a screenful; the run's own summary has them all


def require_good_jobs(run: FlowRun, config: Path | None, state: PluginState) -> None:
    """Fail the test that asks for *run*, made from *config*, if a job failed in it, and say why each did.

    A skip is no failure, unless the session promised the capability that was missing.
    """
    from extractor_flow.errors import HarnessError

    try:
        reasons = list(_reasons(run, config, state))
    except HarnessError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if reasons:
        shown = "\n".join(f"  {reason}" for reason in reasons[:_MOST_REASONS])
        more = f"\n  and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
        jobs = "1 job" if len(reasons) == 1 else f"{len(reasons)} jobs"
        msg = f"{jobs} failed in this run; a test that judges failures says flow(..., allow_failures=True)"
        pytest.fail(f"{msg}\n{shown}{more}", pytrace=False)


def broken_promise(skipped: Skipped, job: Job | None, state: PluginState) -> bool:
    """Whether a job was skipped for want of what this session has promised (``--require-hardware``)."""
    from extractor_flow.study.codes import Code

    wanting = skipped.code is Code.MISSING_CAPABILITY
    return wanting and job is not None and not state.promised.isdisjoint(job.requires)


def _reasons(run: FlowRun, config: Path | None, state: PluginState) -> Iterator[str]:
    from extractor_flow.study.records import Failed, Skipped

    asked = state.promised and config is not None and any(isinstance(each.outcome, Skipped) for each in run.records)
    jobs = {job.key: job for job in study_of(config).jobs} if asked and config is not None else {}
    for record in run.records:
        match record.outcome:
            case Failed(reason=reason):
                yield f"{record.label}: {reason}"
            case Skipped(reason=reason) as skipped if broken_promise(skipped, jobs.get(record.job_key), state):
                yield f"{record.label}: {reason}"


def study_of(path: Path) -> Study:
    """The study that a config asks for; a path below the working directory is shown relative to it."""
    from extractor_flow.config import read_config
    from extractor_flow.errors import RequestError
    from extractor_flow.registry import DEFAULT_FLOW, executor_names, find_flow

    here = Path.cwd()
    document = read_config(path.relative_to(here) if path.is_relative_to(here) else path)
    try:
        flow = find_flow(str(document.data.get("flow", DEFAULT_FLOW)))
    except RequestError as error:
        msg = f"{document.where(('flow',))}: {error}"
        raise RequestError(msg) from error
    return flow.study(document.without(executor_names()), {})
