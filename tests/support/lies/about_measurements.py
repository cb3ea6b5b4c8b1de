"""Tampering with what a job measured as it trained, and with all that tells of it: digests, records, published files.

What contradicts such a lie is another witness: the plan the evaluations, these the record.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from extractor_flow import layout
from extractor_flow.config import ConfigDocument
from extractor_flow.files import dump_line, dumps
from extractor_flow.registry import find_flow
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.jobs import Job
from support.lies.careful_lies import EVALUATIONS, evaluated
from support.lies.mutated_runs import BROKEN, ONE, SKIPPED, Change, Mutation
from support.lies.tampering import Tampering

EVENTS = f"{ONE}/tensorboard/"
_BILLIONS = 32 * 10_000_001

Arrays = dict[str, Any]


def told(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the record of a job, and all that follows from it."""

    def lie(run: Tampering) -> None:
        with run.lying(ONE) as record:
            change(record)

    return lie


def cast(name: str, change: Callable[[Any], Any]) -> Change:
    """Change one array of the evaluations."""
    return evaluated(lambda arrays: {**arrays, name: change(arrays[name])})


def successful(change: Callable[[Any], Any]) -> Change:
    """Change which episodes of the evaluations were successes, and the rates that the record tells."""

    def lie(run: Tampering) -> None:
        cast("successes", change)(run)
        with np.load(run.path / EVALUATIONS) as arrays, run.lying(ONE) as record:
            rates = np.abs(arrays["successes"]).mean(axis=1).tolist()
            best = arrays["timesteps"].tolist().index(record["metrics"]["best_timestep"])
            names = {"untrained": rates[0], "best": rates[best], "final": rates[-1]}
            record["metrics"] |= {f"{name}_success_rate": rate for name, rate in names.items()}

    return lie


def without_successes(run: Tampering) -> None:
    """Whether the episodes were successes is not told at all."""
    evaluated(lambda arrays: {name: arrays[name] for name in arrays if name != "successes"})(run)
    with run.lying(ONE) as record:
        record["metrics"] = {name: value for name, value in record["metrics"].items() if "success" not in name}


def logged(change: Callable[[list[Any]], Iterable[Any]]) -> Change:
    """Change the events of the event file, which are TensorBoard's own messages."""

    def lie(run: Tampering) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        (path,) = (run.path / EVENTS).iterdir()
        data, position, events = path.read_bytes(), 0, []
        while position < len(data):
            (size,) = struct.unpack_from("<Q", data, position)
            events.append(Event.FromString(data[position + 12 : position + 12 + size]))
            position += size + 16
        with path.open("wb") as stream:
            writer = RecordWriter(stream)
            for event in change(events):
                writer.write(event.SerializeToString())
        run.digested(ONE)

    return lie


def valued(tag: str, value: float) -> Change:
    """Set every value of *tag* in the event file."""

    def change(events: list[Any]) -> list[Any]:
        for event in events:
            for scalar in event.summary.value:
                if scalar.tag == tag:
                    scalar.simple_value = value
        return events

    return logged(change)


def invented(events: list[Any]) -> list[Any]:
    """With a measure of the last evaluation that there never was."""
    copy = type(events[-1])()
    copy.CopyFrom(events[-1])
    copy.summary.value[0].tag = "eval/success_rate"
    return [*events, copy]


def moved(events: list[Any]) -> list[Any]:
    """The losses of the last update are of a later one."""
    for event in events:
        if [value.tag for value in event.summary.value] == ["train/loss"]:
            event.step += 32
    return events


def skipped(job: str, code: str | None = None) -> Change:
    """*job* was skipped, says its record, with *code*, or with that of the one that really was."""

    def lie(run: Tampering) -> None:
        with run.record(SKIPPED) as other:
            words, kept = {"code": code or other["code"], "reason": other["reason"]}, set(other)
        with run.record(job) as record:
            for name in record.keys() - kept:
                del record[name]
            record.update(status="skipped", **words)
        run.republish()

    return lie


def relabelled(change: Callable[[dict[str, Any]], object], retell: Callable[[dict[str, Any]], object]) -> Change:
    """Change the config, and make every file tell of it as if the run had been made so."""

    def lie(run: Tampering) -> None:
        with run.json(layout.RUN) as request:
            keys = [job["job_key"] for job in request["jobs"]]
            change(request["config"])
            document = ConfigDocument(Path(layout.RUN), data=request["config"], positions={})
            overrides = {**request["overrides"], "run_id": request["run_id"], "output_root": request["output_root"]}
            study = find_flow(request["flow"]).study(document, overrides)
            request["config"], request["notes"] = dict(study.settings), list(study.notes)
            request["config_sha256"] = config_digest(study.settings)
            request["jobs"] = [job.announced() for job in study.jobs]
        _renewed(run, dict(zip(keys, study.jobs, strict=True)))
        for job in study.jobs:
            if (run.path / job.directory / "metrics.json").exists():
                with run.lying(job.directory) as record:
                    retell(record)

    return lie


def _renewed(run: Tampering, jobs: dict[str, Job]) -> None:
    """The journal and the orders tell of *jobs*, which are given by the keys that they had before."""
    records = [json.loads(line) for line in (run.path / layout.JOURNAL).read_text(encoding="utf-8").splitlines()]
    for record in records:
        job = jobs[record["job_key"]]
        record["job_key"] = job.key
        for name, content in (("job.json", job.to_json()), ("result.json", record)):
            if (run.path / job.directory / name).exists():
                (run.path / job.directory / name).write_text(dumps(content), encoding="utf-8")
    (run.path / layout.JOURNAL).write_text("".join(map(dump_line, records)), encoding="utf-8")
    run.republish()


def billions(config: dict[str, Any]) -> None:
    """More rollouts than anybody could list."""
    config["run"].update(total_timesteps=_BILLIONS, eval_freq=_BILLIONS, save_freq=None)


def billions_done(record: dict[str, Any]) -> None:
    """So many steps, and a reward to match."""
    record["training_steps"] = record["details"]["requested_steps"] = _BILLIONS
    record["metrics"] |= {"best_mean_reward": 99.0, "final_mean_reward": 99.0}


def _nothing(_: object) -> None:
    """Nothing more to retell."""


LIES = [
    Mutation(
        "an invented metric",
        layout.JOURNAL,
        told(lambda job: job["metrics"].update(human_score=1.7)),
        checks=("job-contract",),
    ),
    Mutation(
        "a ratio of the comparison in the record",
        layout.JOURNAL,
        told(lambda job: job["metrics"].update(sample_efficiency_ratio=9.0)),
        checks=("job-contract",),
    ),
    Mutation(
        "a metric left out",
        layout.JOURNAL,
        told(lambda job: job["metrics"].pop("features_dim")),
        checks=("job-contract", "ppo-parameters"),
    ),
    Mutation(
        "an invented detail",
        layout.JOURNAL,
        told(lambda job: job["details"].update(audited_by="somebody")),
        checks=("job-contract",),
    ),
    Mutation(
        "other evaluation seeds",
        layout.JOURNAL,
        told(lambda job: job["details"]["seeds"].update(evaluation=[1, 2])),
        checks=("ppo-record",),
    ),
    Mutation(
        "other seeds of the environments",
        layout.JOURNAL,
        told(lambda job: job["details"]["seeds"].update(environments=[7, 8])),
        checks=("ppo-record",),
    ),
    Mutation("no seeds", layout.JOURNAL, told(lambda job: job["details"].update(seeds=[1])), checks=("ppo-record",)),
    Mutation(
        "no versions",
        layout.JOURNAL,
        told(lambda job: job["details"].pop("versions")),
        checks=("job-contract", "ppo-record"),
    ),
    Mutation(
        "versions without words",
        layout.JOURNAL,
        told(lambda job: job["details"].update(versions={"numpy": 2})),
        checks=("ppo-record",),
    ),
    Mutation(
        "no digest of the untrained weights",
        layout.JOURNAL,
        told(lambda job: job["details"].pop("untrained_weights_sha256")),
        checks=("job-contract", "ppo-record"),
    ),
    Mutation(
        "a curve between the steps",
        layout.JOURNAL,
        told(lambda job: job["details"].update(curve={"timesteps": [0, 32.5], "mean_rewards": [0, 1]})),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "a success rate of 500 %",
        EVALUATIONS,
        successful(lambda values: np.full(values.shape, 5.0)),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "a negative success rate",
        EVALUATIONS,
        successful(lambda values: np.full(values.shape, -1)),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "successes that are complex", EVALUATIONS, successful(lambda values: values + 1j), checks=("ppo-evaluations",)
    ),
    Mutation(
        "successes that are not numbers",
        EVALUATIONS,
        cast("successes", lambda values: values * np.nan),
        checks=("ppo-evaluations",),
    ),
    Mutation("successes of episodes that failed", EVALUATIONS, successful(np.ones_like), checks=("ppo-evaluations",)),
    Mutation("successes that are not told", EVALUATIONS, without_successes, checks=("ppo-evaluations",)),
    Mutation(
        "lengths of half a step",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values + 0.5),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "lengths that are not numbers",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values * np.nan),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "lengths that are complex",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values + 1j),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "timesteps of 32 bits",
        EVALUATIONS,
        cast("timesteps", lambda values: values.astype(np.int32)),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "rewards of 32 bits",
        EVALUATIONS,
        cast("results", lambda values: values.astype(np.float32)),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "longer episodes",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values * 0 + 5000),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "shorter episodes",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values * 0 + 1),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "episodes of 2**62 steps",
        EVALUATIONS,
        cast("ep_lengths", lambda values: values * 0 + 2**62),
        checks=("ppo-evaluations",),
    ),
    Mutation("a skip without need", layout.JOURNAL, skipped(SKIPPED, "missing-data"), checks=("ppo-skips", "run-log")),
    Mutation("a failure as a skip", layout.JOURNAL, skipped(BROKEN), checks=("ppo-skips", "run-log")),
    Mutation(
        "a success as a skip", layout.JOURNAL, skipped(ONE), checks=("ppo-skips", "results-of-the-unstarted", "run-log")
    ),
    Mutation("billions of steps", EVALUATIONS, relabelled(billions, billions_done), checks=("ppo-evaluations",)),
    Mutation(
        "another clip range in the config",
        f"{ONE}/final_model.zip",
        relabelled(lambda config: config["algorithm"].update(clip_range=0.05), _nothing),
        checks=("ppo-settings",),
    ),
    Mutation(
        "a shorter limit in the config",
        EVALUATIONS,
        relabelled(lambda config: config["env"]["kwargs"].update(max_steps=5), _nothing),
        checks=("ppo-evaluations",),
    ),
]
