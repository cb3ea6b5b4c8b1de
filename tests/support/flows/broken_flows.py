"""A sound little flow, and flows that each break the protocol in one way."""

from __future__ import annotations

import os
import random

from extractor_flow.config import check_schema, resolve_defaults
from extractor_flow.files import write_json
from extractor_flow.study.flow import Comparison, JobResult, ReportSpec, Study
from extractor_flow.study.job_contract import ArtifactSpec, JobContract, MetricSpec
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import Completed

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "flow": {"const": "broken"},
        "run": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {
                "run_id": {"type": "string", "default": "guesses"},
                "output_root": {"type": "string", "default": "tmp/guesses"},
                "seeds": {"type": "array", "items": {"type": "integer"}, "default": [0, 1]},
            },
        },
    },
}


CONTRACT = JobContract(
    artifacts={"guesses": ArtifactSpec("guesses.json", reproducible=True)},
    metrics={"accuracy": MetricSpec("Accuracy")},
)


class Sound:
    """Guesses the middle of a uniform distribution; better with every guess."""

    name = "broken"
    preload = ()
    contract = CONTRACT
    vocabulary = ReportSpec("Guesses", "Guess", "guesses", "Guesses", "accuracy", CONTRACT.metrics)

    def study(self, document, overrides):
        if problems := check_schema(document, SCHEMA):
            raise document.complain(problems)
        settings = resolve_defaults({"flow": self.name, **document.data}, SCHEMA)
        run = settings["run"] = {**settings["run"], **overrides}
        return Study(settings, tuple(map(self.job, run["seeds"])), run["run_id"], run["output_root"])

    def job(self, seed):
        return Job("broken", "guess", f"guesses/seed-{seed}", {"guesses": 5}, seed=seed)

    def missing_requirement(self, job, hardware, missing):
        return None

    def run(self, job, workspace):
        generator = random.Random(job.seed)
        guesses = []
        for number in range(job.parameters["guesses"]):
            guesses.append(generator.random())
            workspace.progress(number + 1, job.parameters["guesses"])
        return self.product(workspace, guesses)

    def product(self, workspace, guesses):
        write_json(workspace.path / "guesses.json", guesses)
        accuracy = -abs(sum(guesses) / len(guesses) - 0.5)
        return JobResult({"accuracy": accuracy}, {"guesses": "guesses.json"}, len(guesses))

    def compare(self, records, settings):
        found = [record.outcome.metrics["accuracy"] for record in records if isinstance(record.outcome, Completed)]
        return Comparison({"accuracy": max(found)} if found else {})


class Incomplete(Sound):
    name = ""
    preload = "numpy"
    compare = None

    def run(self, job):
        """Has nowhere to write to."""


class Restless(Sound):
    def study(self, document, overrides):
        document.data.setdefault("run", {})["run_id"] = os.urandom(4).hex()
        return super().study(document, overrides)


class Forgetful(Sound):
    """Its settings are no config: a run of it cannot be resumed without the file."""

    def study(self, document, overrides):
        study = super().study(document, overrides)
        return Study({**study.settings, "resolved": True}, study.jobs, study.run_id, study.output_root)


class Crowded(Sound):
    def job(self, seed):
        return Job("broken", "guess", "guesses", {"guesses": (5, 5)}, seed=seed)


class Nested(Sound):
    def job(self, seed):
        return Job("other", f"guess {seed}", "figures" if seed else "figures/inner", {"guesses": 5}, seed=seed)


class Credulous(Sound):
    """Takes any config."""

    def study(self, document, overrides):
        known = {key: value for key, value in document.data.items() if key in {"flow", "run"}}
        run = {key: value for key, value in known.get("run", {}).items() if key in {"run_id", "output_root", "seeds"}}
        return super().study(type(document)(document.path, {**known, "run": run}, {}), overrides)


class Heavy(Sound):
    preload = ("no_such_module",)

    def study(self, document, overrides):
        import jax  # noqa: F401 - a stand-in

        return super().study(document, overrides)


class Unseeded(Sound):
    def product(self, workspace, guesses):
        return super().product(workspace, [*guesses, os.urandom(1)[0] / 255, os.urandom(8)[0] / 255])


class Swallowing(Sound):
    """Whatever happens, it is a success."""

    def run(self, job, workspace):
        try:
            return super().run(job, workspace)
        except BaseException:  # noqa: BLE001 - the flaw
            return self.product(workspace, [0.0])


class Silent(Sound):
    def run(self, job, workspace):
        return self.product(workspace, [random.Random(job.seed).random()])


class Raising(Sound):
    def run(self, job, workspace):
        msg = "there is nothing to guess"
        raise ValueError(msg)


class Orderly(Sound):
    """Believes the first record."""

    def compare(self, records, settings):
        found = [record.outcome.metrics["accuracy"] for record in records if isinstance(record.outcome, Completed)]
        return Comparison({"accuracy": found[0]} if found else {})


class Inventive(Sound):
    """A zero for what nobody measured, and a NaN."""

    def compare(self, records, settings):
        found = [record.outcome.metrics["accuracy"] for record in records if isinstance(record.outcome, Completed)]
        return Comparison({"accuracy": max(found, default=0.0), "spread": float("nan") if found else 1.0})


class Meddling(Sound):
    def compare(self, records, settings):
        records.sort(key=lambda record: record.job_key)
        settings["run"]["compared"] = True
        return super().compare(records, settings)


class Boasting(Sound):
    """Statistics in a form of its own, and numbers for jobs that there are not."""

    def compare(self, records, settings):
        comparison = super().compare(records, settings)
        if not comparison.aggregate_metrics:
            return comparison
        return Comparison(comparison.aggregate_metrics, {"0" * 64: {"luck": 1.0}}, ({"winner": "guess"},))


FLOWS = {kind.__name__: kind() for kind in (Sound, *Sound.__subclasses__())}
for kind in (Sound, *Sound.__subclasses__()):
    kind.flow = FLOWS[kind.__name__]  # what an entry point can name
