"""Tampering by a careful liar: the lie is told in every file that says the same, with digests that fit.

What is left to catch it is the evidence: the schedule, the evaluations, the models, the clock.
"""

from __future__ import annotations

import io
import shutil
import zipfile

import numpy as np
from safetensors.numpy import load, save

from extractor_flow import layout
from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from support.lies.mutated_runs import BROKEN, ONE, SKIPPED, TWO, Change, Mutation, copying, lying, then_digested
from support.lies.tampering import Tampering

EVALUATIONS, HELD_OUT = f"{ONE}/eval_logs/evaluations.npz", f"{ONE}/eval_logs/held_out.npz"
WEIGHTS, FINAL, MONITOR = f"{ONE}/policy.safetensors", f"{ONE}/final_model.zip", f"{ONE}/monitor.csv"


def evaluated(change, file=EVALUATIONS) -> Change:
    """Change the arrays of the evaluations, and set all digests right."""

    def rewrite(run: Tampering) -> None:
        with np.load(run.path / file) as arrays:
            changed = change(dict(arrays))
        buffer = io.BytesIO()
        np.savez(buffer, **changed)
        (run.path / file).write_bytes(buffer.getvalue())
        run.digested(ONE)

    return rewrite


def weighted(change) -> Change:
    """Change the weights, and set all digests right."""

    def rewrite(run: Tampering) -> None:
        tensors = load((run.path / WEIGHTS).read_bytes())
        (run.path / WEIGHTS).write_bytes(save({name: change(values) for name, values in tensors.items()}))
        run.digested(ONE)

    return rewrite


def repacked(member: str, data: bytes | None) -> Change:
    """Replace (or, without *data*, drop) a member of the final model, and set all digests right."""

    def rewrite(run: Tampering) -> None:
        with zipfile.ZipFile(run.path / FINAL) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members.pop(member)
        with zipfile.ZipFile(run.path / FINAL, "w") as archive:
            for name, content in {**members, **({} if data is None else {member: data})}.items():
                archive.writestr(name, content)
        run.digested(ONE)

    return rewrite


def plagiarize(run: Tampering) -> None:
    """All artifacts of one seed are those of the other, and the metrics with them."""
    for name in (
        "policy.safetensors",
        "final_model.zip",
        "best_model/best_model.zip",
        "eval_logs/evaluations.npz",
        "eval_logs/held_out.npz",
    ):
        shutil.copyfile(run.path / TWO / name, run.path / ONE / name)
    with run.record(TWO) as other, run.lying(ONE) as record:
        record["metrics"], record["details"]["curve"] = other["metrics"], other["details"]["curve"]


def succeed(job: str) -> Change:
    """A job that did not succeed gets the record and the artifacts of one that did."""

    def change(run: Tampering) -> None:
        (run.path / job).mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.path / ONE, run.path / job, dirs_exist_ok=True)
        with run.record(ONE) as model:
            pass
        with run.journal() as records:
            position = next(n for n, record in enumerate(records) if record["directory"] == job)
            told = {key: records[position][key] for key in ("config_name", "job_key", "seed", "directory")}
            artifacts = {
                role: {**artifact, "path": artifact["path"].replace(ONE, job)}
                for role, artifact in model["artifacts"].items()
            }
            records[position] = {**model, **told, "artifacts": artifacts}
        run.digested(job)

    return change


def the_seeds_of_selection(run: Tampering) -> None:
    """The held-out episodes are those by which the policy was selected."""
    with run.lying(ONE) as record:
        record["details"]["seeds"]["held_out"] = record["details"]["seeds"]["evaluation"]


def no_evaluation(arrays):
    """Without the one in the middle."""
    return {name: np.delete(values, 1, axis=0) for name, values in arrays.items()}


LIES = [
    Mutation(
        "a better reward, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "best_mean_reward", to=99.5),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "a better final reward, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "final_mean_reward", to=99.5),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "a worse start, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "untrained_mean_reward", to=-99.5),
        checks=("ppo-metrics",),
    ),
    *(
        Mutation(
            f"{name} improved, everywhere", layout.JOURNAL, lying(ONE, "metrics", name, to=99), checks=("ppo-held-out",)
        )
        for name in CONTRACT.metrics
        if name.startswith("held_out")
    ),
    Mutation(
        "held-out episodes that selection saw, everywhere",
        layout.JOURNAL,
        the_seeds_of_selection,
        checks=("ppo-record",),
    ),
    Mutation(
        "a held-out episode left out",
        HELD_OUT,
        evaluated(
            lambda arrays: {**arrays, **{name: arrays[name][:, 1:] for name in arrays if name != "timesteps"}}, HELD_OUT
        ),
        checks=("ppo-held-out",),
    ),
    Mutation(
        "the held-out figures of another selection",
        HELD_OUT,
        evaluated(lambda arrays: {**arrays, "timesteps": arrays["timesteps"] + 32}, HELD_OUT),
        checks=("ppo-held-out",),
    ),
    Mutation(
        "less spread, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "final_std_reward", to=0.0),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "more gain, everywhere", layout.JOURNAL, lying(ONE, "metrics", "reward_gain", to=99.5), checks=("ppo-metrics",)
    ),
    Mutation(
        "success, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "final_success_rate", to=1.0),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "more episodes, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "eval_episodes", to=100),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "quicker convergence, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "convergence_timestep", to=1),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "fewer parameters, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "total_parameters", to=10),
        checks=("ppo-parameters",),
    ),
    Mutation(
        "a smaller extractor, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "extractor_parameters", to=10),
        checks=("ppo-parameters",),
    ),
    Mutation(
        "other features, everywhere",
        layout.JOURNAL,
        lying(ONE, "metrics", "features_dim", to=10),
        checks=("ppo-parameters",),
    ),
    Mutation(
        "more steps, everywhere", layout.JOURNAL, lying(ONE, "training_steps", to=640), checks=("ppo-record", "run-log")
    ),
    Mutation(
        "more steps asked for, everywhere",
        layout.JOURNAL,
        lying(ONE, "details", "requested_steps", to=640),
        checks=("ppo-record",),
    ),
    Mutation(
        "a better curve, everywhere",
        layout.JOURNAL,
        lying(ONE, "details", "curve", "mean_rewards", 1, to=99.5),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "another training seed, everywhere",
        layout.JOURNAL,
        lying(ONE, "details", "seeds", "training", to=9),
        checks=("ppo-record",),
    ),
    Mutation(
        "a GPU that was not there, everywhere",
        layout.JOURNAL,
        lying(ONE, "details", "device", to="cuda"),
        checks=("ppo-record",),
    ),
    Mutation(
        "another environment, everywhere",
        layout.JOURNAL,
        lying(ONE, "details", "environment", to="Hard-v9"),
        checks=("ppo-record",),
    ),
    Mutation(
        "a longer duration, everywhere",
        layout.JOURNAL,
        lying(ONE, "duration_seconds", to=99999.5),
        checks=("times-of-records",),
    ),
    Mutation(
        "before the run, everywhere",
        layout.JOURNAL,
        lying(ONE, "start_time", to="2001-01-01T00:00:00.000Z"),
        checks=("times-of-records",),
    ),
    Mutation(
        "one artifact less, everywhere",
        layout.JOURNAL,
        lying(ONE, "artifacts", to=lambda all_: {role: all_[role] for role in all_ if role != "checkpoint_32"}),
        checks=("ppo-artifacts",),
    ),
    Mutation(
        "better evaluations",
        layout.JOURNAL,
        evaluated(lambda arrays: {**arrays, "results": arrays["results"] + 9}),
        checks=("ppo-metrics",),
    ),
    Mutation(
        "an evaluation skipped",
        EVALUATIONS,
        evaluated(no_evaluation),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "fewer episodes",
        EVALUATIONS,
        evaluated(lambda arrays: {name: a if a.ndim == 1 else a[:, :1] for name, a in arrays.items()}),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "an evaluation that is not a number",
        EVALUATIONS,
        evaluated(lambda arrays: {**arrays, "results": arrays["results"] * np.nan}),
        "not-finite",
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "evaluations under other names",
        EVALUATIONS,
        evaluated(lambda arrays: {"rewards": arrays["results"]}),
        checks=("ppo-evaluations",),
    ),
    Mutation(
        "weights that are not numbers",
        WEIGHTS,
        weighted(lambda values: values * np.float32("nan")),
        checks=("ppo-weights",),
    ),
    Mutation("weights of zero", WEIGHTS, weighted(lambda values: values * np.float32(0)), checks=("ppo-weights",)),
    Mutation(
        "weights that differ in one bit",
        WEIGHTS,
        weighted(lambda values: np.nextafter(values, np.float32(9))),
        checks=("ppo-weights",),
    ),
    Mutation(
        "another seed's weights, with their digest",
        WEIGHTS,
        then_digested(copying(f"{TWO}/policy.safetensors", WEIGHTS)),
        checks=("ppo-jobs-differ", "ppo-weights"),
    ),
    Mutation(
        "another seed's model, with its digest",
        WEIGHTS,
        then_digested(copying(f"{TWO}/final_model.zip", FINAL)),
        checks=("ppo-weights",),
    ),
    Mutation(
        "the untrained model as the final one",
        FINAL,
        then_digested(copying(f"{ONE}/best_model/best_model.zip", FINAL)),
        checks=("ppo-learning", "ppo-optimizer", "ppo-parameters", "ppo-settings", "ppo-weights"),
    ),
    Mutation(
        "an early checkpoint as the final model",
        FINAL,
        then_digested(copying(f"{ONE}/checkpoints/rl_model_32_steps.zip", FINAL)),
        checks=("ppo-learning", "ppo-optimizer", "ppo-settings", "ppo-weights"),
    ),
    Mutation(
        "the final model as a checkpoint",
        f"{ONE}/checkpoints/rl_model_32_steps.zip",
        then_digested(copying(FINAL, f"{ONE}/checkpoints/rl_model_32_steps.zip")),
        checks=("ppo-optimizer", "ppo-settings"),
    ),
    Mutation(
        "the final model as the best one",
        f"{ONE}/best_model/best_model.zip",
        then_digested(copying(FINAL, f"{ONE}/best_model/best_model.zip")),
        checks=("ppo-optimizer", "ppo-settings", "ppo-weights"),
    ),
    Mutation(
        "another seed's monitor",
        MONITOR,
        then_digested(copying(f"{TWO}/monitor.csv", MONITOR)),
        checks=("ppo-jobs-differ",),
    ),
    Mutation("more steps in the model", FINAL, repacked("data", b'{"num_timesteps": 640}'), checks=("ppo-settings",)),
    Mutation(
        "a model without its optimizer",
        FINAL,
        repacked("policy.optimizer.pth", None),
        "missing",
        checks=("ppo-settings",),
    ),
    Mutation("a seed that plagiarizes another", WEIGHTS, plagiarize, checks=("artifact-digests",)),
    Mutation("a failure that succeeded", f"{BROKEN}/job.json", succeed(BROKEN), checks=("job-orders",)),
    Mutation("a skip that succeeded", f"{SKIPPED}/job.json", succeed(SKIPPED), checks=("job-orders",)),
]
