"""What happened to the jobs: one type per outcome, a record per job, a summary per run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError
from extractor_flow.study.codes import SIGNALLED, SKIPS, STOPPED, Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json
    from extractor_flow.study.verdict import Verdict

SCHEMA_VERSION = 1


@dataclass(frozen=True, order=True, slots=True)
class Artifact:
    """A file of a run, such as a job leaves: ``path`` relative to the run directory, its SHA-256 and its size."""

    path: str
    sha256: str
    size_bytes: int

    def to_json(self) -> dict[str, Json]:
        """The file as it stands in a job record, and in the list of a run's files."""
        return {"path": self.path, "sha256": self.sha256, "size_bytes": self.size_bytes}


@dataclass(frozen=True, slots=True)
class Completed:
    """The job ran to its end. ``training_steps`` are the steps done, ``details`` what a comparison needs.

    A metric that is not a finite number raises ``ValueError``: what was not measured has no entry.
    """

    metrics: Mapping[str, float]
    artifacts: Mapping[str, Artifact]
    training_steps: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that JSON cannot carry, and a success that did nothing."""
        bad = {key: value for key, value in self.metrics.items() if isinstance(value, bool) or not math.isfinite(value)}
        if bad:
            msg = f"not finite numbers: {', '.join(f'{key}={value!r}' for key, value in bad.items())}"
            raise ValueError(msg)
        if not self.metrics or not self.artifacts or self.training_steps <= 0:
            msg = "a completed job has metrics, artifacts and at least one training step"
            raise ValueError(msg)


@dataclass(frozen=True)
class Skipped:
    """The job was not started; the reason is for people and also says what to do about it."""

    code: Code
    reason: str

    def __post_init__(self) -> None:
        """Refuse the code of a failure."""
        if self.code not in SKIPS:
            msg = f"{self.code} is no code of a skip; expected one of {', '.join(sorted(SKIPS))}"
            raise ValueError(msg)


@dataclass(frozen=True)
class Failed:
    """The job was to run and did not complete; ``log_tail`` holds the end of its log.

    The reason is for people. ``signal`` names the signal behind one of the codes that are due to one.
    """

    code: Code
    reason: str
    log_tail: tuple[str, ...] = ()
    signal: str | None = None

    def __post_init__(self) -> None:
        """Refuse the code of a skip, and a signal in the wrong place."""
        if self.code in SKIPS:
            msg = f"{self.code} is the code of a skip; expected one of a failure"
            raise ValueError(msg)
        if (self.signal is None) == (self.code in SIGNALLED):
            msg = (
                f"signal={self.signal!r} beside the code {self.code}; expected one with {', '.join(sorted(SIGNALLED))}"
            )
            raise ValueError(msg)

    @property
    def interrupted(self) -> bool:
        """Whether the run was stopped before the job could end."""
        return self.code in STOPPED


Outcome = Completed | Skipped | Failed
REHEARSED = Skipped(Code.DRY_RUN, "dry run: nothing was trained; run again without --dry-run")
"""What becomes of every job in a rehearsal."""
STATUSES = {Completed: "success", Skipped: "skipped", Failed: "failed"}


@dataclass(frozen=True)
class HardwareProfile:
    """The machine a job ran on. ``gpu_model`` and ``cuda_version`` are both there or both absent."""

    platform: str
    arch: str
    python_version: str
    workers: int
    gpu_model: str | None = None
    cuda_version: str | None = None

    def __post_init__(self) -> None:
        """Refuse a GPU model without a CUDA version, and the reverse."""
        if (self.gpu_model is None) != (self.cuda_version is None):
            msg = f"gpu_model={self.gpu_model!r} and cuda_version={self.cuda_version!r}: both or neither"
            raise ValueError(msg)

    def to_json(self) -> dict[str, Json]:
        """The profile; absent members have no key."""
        return _without_none(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The profile that :meth:`to_json` wrote."""
        required = {name: data[name] for name in ("platform", "arch", "python_version", "workers")}
        return cls(**required, gpu_model=data.get("gpu_model"), cuda_version=data.get("cuda_version"))


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One line of the journal: which job, what became of it, when and where.

    Times are UTC in ISO 8601 with a ``Z``. A job that was never started has no end, no duration and no hardware.
    """

    flow: str
    name: str
    seed: int | None
    job_key: str
    directory: str
    outcome: Outcome
    start_time: str
    worker_mode: str
    end_time: str | None = None
    duration_seconds: float | None = None
    hardware: HardwareProfile | None = None
    attempt: int = 1

    @property
    def status(self) -> str:
        """``success``, ``failed`` or ``skipped``."""
        return STATUSES[type(self.outcome)]

    @property
    def label(self) -> str:
        """The display name: ``mlp_small`` or ``mlp_small seed 3``."""
        return self.name if self.seed is None else f"{self.name} seed {self.seed}"

    @property
    def facts(self) -> dict[str, Json]:
        """What the run's log says about the record."""
        outcome = self.outcome
        return {
            "job": self.label,
            "directory": self.directory,
            "attempt": self.attempt,
            "status": self.status,
            **({"training_steps": outcome.training_steps} if isinstance(outcome, Completed) else why_not(outcome)),
        }

    def to_json(self) -> dict[str, Json]:
        """The record as a JSON object (contract ``job_record``)."""
        return {
            "schema_version": SCHEMA_VERSION,
            "flow": self.flow,
            "job_key": self.job_key,
            "directory": self.directory,
            "attempt": self.attempt,
            "config_name": self.name,
            "status": self.status,
            "start_time": self.start_time,
            "worker_mode": self.worker_mode,
            **_without_none(
                {
                    "seed": self.seed,
                    "end_time": self.end_time,
                    "duration_seconds": self.duration_seconds,
                    "hardware_profile": None if self.hardware is None else self.hardware.to_json(),
                }
            ),
            **_outcome_to_json(self.outcome),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that :meth:`to_json` wrote; :class:`DataError` when it is not one."""
        try:
            hardware = data.get("hardware_profile")
            return cls(
                flow=data["flow"],
                name=data["config_name"],
                seed=data.get("seed"),
                job_key=data["job_key"],
                directory=data["directory"],
                outcome=_outcome_from_json(data),
                start_time=data["start_time"],
                worker_mode=data["worker_mode"],
                end_time=data.get("end_time"),
                duration_seconds=data.get("duration_seconds"),
                hardware=None if hardware is None else _machine(tuple(hardware.items())),
                attempt=data["attempt"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            msg = f"not a job record: {error!r}"
            raise DataError(msg) from error


@lru_cache(maxsize=64)  # thousands of records are of a few machines, which need be in memory once
def _machine(facts: tuple[tuple[str, Any], ...]) -> HardwareProfile:
    return HardwareProfile.from_json(dict(facts))


def _outcome_to_json(outcome: Outcome) -> dict[str, Json]:
    match outcome:
        case Completed(metrics=metrics, artifacts=artifacts, training_steps=steps, details=details):
            return {
                "metrics": dict(metrics),
                "artifacts": {name: artifact.to_json() for name, artifact in artifacts.items()},
                "training_steps": steps,
                "details": dict(details),
            }
        case Skipped():
            return why_not(outcome)
        case Failed(log_tail=log_tail):
            return {**why_not(outcome), "log_tail": list(log_tail)}


def why_not(outcome: Skipped | Failed) -> dict[str, Json]:
    """Why there is no result, worded as in every published file."""
    signal = outcome.signal if isinstance(outcome, Failed) else None
    return _without_none({"code": outcome.code.value, "reason": outcome.reason, "signal": signal})


def _outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    match data["status"]:
        case "success":
            return Completed(
                metrics=dict(data["metrics"]),
                artifacts={name: Artifact(**artifact) for name, artifact in data["artifacts"].items()},
                training_steps=data["training_steps"],
                details=dict(data["details"]),
            )
        case "skipped":
            return Skipped(Code(data["code"]), data["reason"])
        case "failed":
            return Failed(Code(data["code"]), data["reason"], tuple(data["log_tail"]), data.get("signal"))
        case other:
            msg = f"status {other!r}; expected success, failed or skipped"
            raise ValueError(msg)


@dataclass(frozen=True)
class RunSummary:
    """Everything a run claims, as one value; its JSON, Markdown and HTML are views of it.

    ``aggregate_metrics`` has no entry for what is undefined. ``statistics`` holds one object per compared name.
    ``skipped_views`` tells of skips in the flow's own terms.
    ``provenance`` are members of ``run.json``: the command, the config and its digest, the packages, the commit.
    """

    run_id: str
    flow: str
    created_at: str
    output_root: str
    run_directory: str
    hardware_overview: tuple[HardwareProfile, ...]
    records: tuple[JobRecord, ...]
    aggregate_metrics: Mapping[str, float]
    statistics: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    verdict: Verdict | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    skipped_views: tuple[Mapping[str, Any], ...] = ()


# The names under which the comparison flow's users know these values.
ExtractorRunRecord = JobRecord
TrainingRunSummary = RunSummary


def _without_none(data: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in data.items() if value is not None}
