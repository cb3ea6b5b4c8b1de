"""The smallest real flow: polynomials fitted to noisy points by gradient descent, in numpy alone.

It trains for real in milliseconds, so that a harness, an executor or a plugin can be tested without a deep-learning
package; and it shows a third party all there is to a flow. A model may be given a ``fault``, with which its job goes
wrong the way real jobs do.
"""

from __future__ import annotations

import os
import signal
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.config import check_schema, resolve_defaults
from extractor_flow.evidence.check import Check, check
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.files import write_json
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.codes import Code
from extractor_flow.study.flow import Comparison, JobResult, ReportSpec, Study
from extractor_flow.study.job_contract import ArtifactSpec, Detail, JobContract, MetricSpec
from extractor_flow.study.jobs import Job, Limits, component_of
from extractor_flow.study.records import Completed, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from extractor_flow.config import ConfigDocument
    from extractor_flow.evidence.findings import Violation
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.records import HardwareProfile, JobRecord

FAULTS = (
    "none",
    "raise",
    "exit",
    "kill",
    "segfault",
    "allocate",
    "wait",
    "wait_deaf",
    "diverge",
    "no_artifact",
    "undeclared",
    "chatty",
)
_LEARNING_RATE = 0.3
_DIVERGING_RATE = 1e200
_POINTS = 64
_GIBIBYTE = 2**30
_KNOWN = ("cuda", "mps", "macos_spawn", "spawn", "slurm")
_UNHEARD_OF = "no machine is known to have it"

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["models"],
    "properties": {
        "flow": {"const": "line_fit"},
        "run": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {
                "run_id": {"type": "string", "minLength": 1, "default": "line-fit"},
                "output_root": {"type": "string", "minLength": 1, "default": "tmp/line_fit"},
                "steps": {"type": "integer", "minimum": 1, "default": 40},
                "seeds": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "default": [0]},
                "time_limit_seconds": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": None},
                "memory_limit_mb": {"type": ["integer", "null"], "minimum": 1, "default": None},
                "start_method": {"enum": ["forkserver", "spawn"], "default": "forkserver"},
            },
        },
        "models": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "degree": {"type": "integer", "minimum": 0, "default": 1},
                    "requires": {"type": "array", "items": {"type": "string"}, "default": []},
                    "fault": {"enum": list(FAULTS), "default": "none"},
                    "until": {"type": "string", "default": "", "description": "a file that ends the fault `wait`"},
                },
            },
        },
    },
}


CONTRACT = JobContract(
    artifacts={"weights": ArtifactSpec("weights.json", reproducible=True)},
    metrics={
        "best_score": MetricSpec("Best Score", "", 4),
        "untrained_loss": MetricSpec("Untrained Loss", "", 4, larger_is_better=False),
        "final_loss": MetricSpec("Final Loss", "", 4, larger_is_better=False),
    },
    details={"losses": Detail(reproducible=True)},
)


class LineFit:
    """The flow; see the module."""

    name = "line_fit"
    preload: tuple[str, ...] = ("numpy",)
    contract = CONTRACT
    vocabulary = ReportSpec(
        title="Line Fit Summary",
        subject="Model",
        results_key="model_results",
        results_heading="Model Results",
        headline="best_score",
        metrics=CONTRACT.metrics,
    )

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """Every model with every seed."""
        if problems := check_schema(document, SCHEMA):
            raise document.complain(problems)
        settings: dict[str, Any] = resolve_defaults({"flow": self.name, **document.data}, SCHEMA)
        run = settings["run"] = {**settings["run"], **overrides}
        jobs = tuple(_job(run, model, seed) for model in settings["models"] for seed in run["seeds"])
        return Study(settings, jobs, run["run_id"], run["output_root"], start_method=run["start_method"])

    def missing_requirement(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> Skipped | None:
        """A model may require a capability that is not here."""
        del hardware
        lacks = {name: missing.get(name, _UNHEARD_OF) for name in job.requires if name in missing or name not in _KNOWN}
        lacking = [f"{name}: {why}" for name, why in lacks.items()]
        why = f"{job.name} requires {', '.join(lacking)}; run it where that is"
        return Skipped(Code.MISSING_CAPABILITY, why) if lacking else None

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        """Fit by gradient descent on the mean squared error."""
        import numpy as np

        np.seterr(over="ignore", invalid="ignore")
        generator = np.random.default_rng(job.seed)
        x, y = _points(generator)
        powers = np.vander(x, job.parameters["degree"] + 1)
        weights = generator.standard_normal(powers.shape[1])
        losses = [_loss(powers, weights, y)]
        rate = _DIVERGING_RATE if job.parameters["fault"] == "diverge" else _LEARNING_RATE
        for step in range(1, job.parameters["steps"] + 1):
            _misbehave(job.parameters, workspace)
            print(f"step {step} loss {losses[-1]:.4f}")  # noqa: T201 - goes to the job's log
            weights = weights - rate * 2.0 * powers.T @ (powers @ weights - y) / _POINTS
            losses.append(_loss(powers, weights, y))
            workspace.progress(step, job.parameters["steps"], loss=losses[-1])
        return _product(job, workspace, weights, losses)

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """The best score of all."""
        del settings
        scores = [r.outcome.metrics["best_score"] for r in records if isinstance(r.outcome, Completed)]
        return Comparison(aggregate_metrics={"best_score": max(scores)} if scores else {})

    def checks(self) -> tuple[Check, ...]:
        """The loss of the weights."""
        return (final_loss,)

    def claims(self, run: RunContext, record: JobRecord, outcome: Completed) -> JobClaims:
        """What the record says; the check finds all it needs there."""
        return JobClaims(run, record, outcome)


@check("line-fit-final-loss", reads=("weights",))
def final_loss(job: JobClaims) -> Iterator[Violation]:
    """The final loss is that of the stored weights on the points of the job's seed.

    Catches: another loss, other weights. Cannot catch: weights that were found without training.
    """
    import numpy as np

    path = job.outcome.artifacts["weights"].path
    stored: dict[str, Any] = require_object(job.run.read(path, read_json), path)
    weights = np.array([float.fromhex(value) for value in stored["weights"]])
    degree = job.run.parameters[job.record.job_key]["degree"]
    x, y = _points_of(job.record.seed)
    with np.errstate(over="ignore", invalid="ignore"):
        yield from job.metric("final_loss", _loss(np.vander(x, degree + 1), weights, y), path)


def _job(run: Mapping[str, Any], model: Mapping[str, Any], seed: int) -> Job:
    several = len(run["seeds"]) > 1
    name = component_of(model["name"])
    return Job(
        flow="line_fit",
        name=model["name"],
        directory=f"models/{name}/seed-{seed}" if several else f"models/{name}",
        parameters={"steps": run["steps"], **{key: value for key, value in model.items() if key != "name"}},
        seed=seed,
        requires=tuple(model["requires"]),
        limits=Limits(seconds=run["time_limit_seconds"], memory_mb=run["memory_limit_mb"]),
    )


@lru_cache(maxsize=256)  # all models have the same points, seed by seed
def _points_of(seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    return _points(np.random.default_rng(seed))


def _points(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The points to fit: where they are, and their values."""
    x = generator.uniform(-1.0, 1.0, _POINTS)
    y = 1.5 * x - 0.5 + 0.1 * generator.standard_normal(_POINTS)
    return x, y


def _loss(powers: np.ndarray, weights: np.ndarray, y: np.ndarray) -> float:
    return float(((powers @ weights - y) ** 2).mean())


def _product(job: Job, workspace: Workspace, weights: np.ndarray, losses: list[float]) -> JobResult:
    if job.parameters["fault"] != "no_artifact":
        write_json(workspace.path / "weights.json", {"weights": [value.hex() for value in weights.tolist()]})
    surplus = {"luck": 1.0} if job.parameters["fault"] == "undeclared" else {}
    return JobResult(
        metrics={"untrained_loss": losses[0], "final_loss": losses[-1], "best_score": -min(losses), **surplus},
        artifacts={"weights": "weights.json"},
        training_steps=len(losses) - 1,
        details={"losses": losses},
    )


def _misbehave(parameters: Mapping[str, Any], workspace: Workspace) -> None:
    match parameters["fault"]:
        case "raise":
            msg = "this model was asked to raise"
            raise RuntimeError(msg)
        case "exit":
            os._exit(3)
        case "kill" | "segfault" as fault:
            os.kill(os.getpid(), signal.SIGKILL if fault == "kill" else signal.SIGSEGV)
        case "allocate":
            hoard = [bytearray(_GIBIBYTE)]
            while True:
                hoard.append(bytearray(_GIBIBYTE))
        case "wait" | "wait_deaf" as fault:
            _wait_for(Path(parameters["until"]), workspace, deaf=fault == "wait_deaf")
        case _:
            return


def _wait_for(path: Path, workspace: Workspace, *, deaf: bool) -> None:
    """Stand still until *path* exists, as with a simulator that hangs; a file beside it tells that it has begun."""
    if deaf:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    path.with_name(f"{path.name}.{workspace.path.name}.waiting").touch()
    while not path.exists():
        time.sleep(0.01)


flow = LineFit()
