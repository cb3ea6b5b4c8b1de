"""The matrix that a run announced, and the one that its flow makes of its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.config import ConfigDocument
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.jobs import select
from extractor_flow.verify.json_diff import violations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json
    from extractor_flow.study.flow import Flow, Study
    from extractor_flow.study.jobs import Job

# What values of the right type and the wrong content make honest code raise; PyTorch and zlib raise RuntimeError.
MALFORMED_INPUT_ERRORS = (RuntimeError, OSError, *FLOW_ERRORS)


@dataclass(frozen=True)
class Matrix:
    """What the run was to do: the announced jobs by key, in order, and the flow's own jobs where it is installed."""

    announced: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Job] = field(default_factory=dict)

    @property
    def directories(self) -> frozenset[str]:
        """The directories of all its jobs."""
        return frozenset(
            {entry["directory"] for entry in self.announced.values()} | {job.directory for job in self.jobs.values()}
        )


def matrix_of(request: Mapping[str, Any], study: Study | None) -> Matrix:
    """The matrix that *request* announces and *study* spans."""
    announced = {entry["job_key"]: entry for entry in request["jobs"]}
    return Matrix(announced, {} if study is None else {job.key: job for job in study.jobs})


def restudy(request: Mapping[str, Any], flow: Flow) -> tuple[Study | None, tuple[Violation, ...]]:
    """The study that the settings in *request* make, and where it is not the one that was run."""
    document = ConfigDocument(Path(layout.RUN), data=request["config"], positions={}, foreign=True)
    overrides = {**request.get("overrides", {}), "run_id": request["run_id"], "output_root": request["output_root"]}
    try:
        study = flow.study(document, overrides)
        jobs = select(study.jobs, request["selection"])
    except MALFORMED_INPUT_ERRORS as error:
        claim = f"is a config of {flow.name}"
        return None, (Violation(layout.RUN, "$.config", claim, brief(str(error)), "inconsistent"),)
    again: dict[str, Json] = {
        "config": dict(study.settings),
        "run_id": study.run_id,
        "output_root": study.output_root,
        "jobs": [job.announced() for job in jobs],
        "notes": list(study.notes),
        "results_key": flow.vocabulary.results_key,
    }
    # A run of before contracts had versions is one of the first.
    if request.get("job_contract", {}).get("version") == flow.contract.version:
        again["job_contract"] = flow.contract.to_json()
    recorded = {key: request[key] for key in again}
    return study, tuple(violations(layout.RUN, again, recorded, "the flow makes of this config"))
