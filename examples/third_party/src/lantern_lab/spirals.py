"""The flow ``spirals``, which asks what features of a point tell two spirals apart.

A flow is these few members; the harness does the rest: processes, time limits, resuming, summaries, verification.
Nothing here is heavy: the work is in :mod:`lantern_lab.training`, imported when a job runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.config import Problem, check_schema, resolve_defaults
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.study.flow import Comparison, JobResult, ReportSpec, Study
from extractor_flow.study.jobs import Job, collisions, component_of
from extractor_flow.study.records import Completed
from extractor_flow.study.statistics import describe, pair

from lantern_lab.checks import CHECKS
from lantern_lab.contract import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.config import ConfigDocument
    from extractor_flow.evidence.check import Check
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.records import HardwareProfile, JobRecord, Skipped

FEATURES = ("raw", "polynomial", "waves")

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["maps"],
    "properties": {
        "flow": {"const": "spirals"},
        "run": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {
                "run_id": {"type": "string", "minLength": 1, "default": "spirals"},
                "output_root": {"type": "string", "minLength": 1, "default": "tmp/spirals"},
                "seeds": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "default": [0]},
                "steps": {"type": "integer", "minimum": 1, "default": 300},
                "points": {"type": "integer", "minimum": 10, "default": 200},
            },
        },
        "maps": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "features"],
                "properties": {
                    "name": {"type": "string", "pattern": "\\S"},
                    "features": {"enum": list(FEATURES)},
                    "learning_rate": {"type": "number", "exclusiveMinimum": 0, "default": 1.0},
                },
            },
        },
        "baseline": {"type": ["string", "null"], "default": None},
    },
}


class Spirals:
    """Implements :class:`~extractor_flow.study.flow.Flow` and ``SupportsChecks``."""

    name = "spirals"
    preload: tuple[str, ...] = ("numpy",)
    contract = CONTRACT
    vocabulary = ReportSpec(
        title="Spirals Summary",
        subject="Feature Map",
        results_key="map_results",
        results_heading="Feature Maps",
        headline="accuracy",
        metrics=CONTRACT.metrics,
    )

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """Every feature map with every seed."""
        problems = check_schema(document, SCHEMA) or _problems(document.data)
        if problems:
            raise document.complain(problems)
        settings: dict[str, Any] = resolve_defaults({"flow": self.name, **document.data}, SCHEMA)
        run = settings["run"] = {**settings["run"], **overrides}
        jobs = tuple(_job(run, each, seed) for each in settings["maps"] for seed in run["seeds"])
        return Study(settings, jobs, run["run_id"], run["output_root"])

    def missing_requirement(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> Skipped | None:
        """It runs anywhere."""
        del job, hardware, missing

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        """Train for real."""
        from lantern_lab.training import train

        return train(job, workspace)

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """The accuracy of each map over its seeds, and the share of them on which it beats the baseline."""
        found = {each["name"]: _accuracies(records, each["name"]) for each in settings["maps"]}
        measured = {name: values for name, values in found.items() if values}
        baseline = settings["baseline"]
        return Comparison(
            aggregate_metrics={"accuracy": max(max(values.values()) for values in measured.values())}
            if measured
            else {},
            statistics=tuple(
                {
                    "config_name": name,
                    "metric": "accuracy",
                    **describe(list(values.values())).to_json(),
                    **_against(baseline, name, measured),
                }
                for name, values in measured.items()
            ),
        )

    def checks(self) -> Sequence[Check]:
        """What a run of this flow is held to."""
        return CHECKS

    def claims(self, run: RunContext, record: JobRecord, outcome: Completed) -> JobClaims:
        """What *record* claims: nothing that the harness does not know of already."""
        return JobClaims(run, record, outcome)


def _problems(data: Mapping[str, Any]) -> list[Problem]:
    """What a schema cannot say."""
    names = [each["name"] for each in data["maps"]]
    problems = [
        Problem(("maps", second, "name"), f"shares a directory with maps[{first}]; expected another name")
        for first, second in collisions(names)
    ]
    baseline = data.get("baseline")
    if baseline is not None and baseline not in names:
        problems.append(Problem(("baseline",), f"is {baseline!r}; expected one of {', '.join(names)}"))
    return problems


def _job(run: Mapping[str, Any], entry: Mapping[str, Any], seed: int) -> Job:
    """Its parameters are all that decides the result, so that equal jobs have equal keys."""
    return Job(
        flow="spirals",
        name=entry["name"],
        directory=f"maps/{component_of(entry['name'])}/seed-{seed}",
        parameters={
            "features": entry["features"],
            "learning_rate": entry["learning_rate"],
            "steps": run["steps"],
            "points": run["points"],
        },
        seed=seed,
    )


def _accuracies(records: Sequence[JobRecord], name: str) -> dict[int, float]:
    """By seed, in the order of the seeds, whatever the order of the records."""
    own = [record for record in records if record.name == name and isinstance(record.outcome, Completed)]
    found = {record.seed or 0: record.outcome.metrics["accuracy"] for record in own}
    return dict(sorted(found.items()))


def _against(baseline: str | None, name: str, measured: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    if baseline is None or name == baseline or baseline not in measured:
        return {}
    paired = pair(measured[name], measured[baseline])
    return {} if paired is None else {"baseline": baseline, "probability_of_improvement": paired.probability}


flow = Spirals()
