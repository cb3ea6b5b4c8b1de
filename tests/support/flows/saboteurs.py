"""Trainers that cheat: each does what its job's name says, and publishes as consistent a lie as it can.

Installed under the entry point ``extractor_comparison`` this flow stands in for the honest one; only ``run`` differs.
"""

from __future__ import annotations

import copy
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.files import read_json, write_bytes, write_json
from extractor_flow.flows.extractor_comparison import ExtractorComparison, layout
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.study.flow import JobResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job

VICTIM = "victim"
train = ExtractorComparison().run


def otherwise(job: Job, part: str, **changes: Any) -> Job:
    """*job* with *changes* in one part of its parameters, which nobody is told of."""
    parameters = copy.deepcopy(dict(job.parameters))
    parameters[part].update(changes)
    return replace(job, parameters=parameters)


def tell(workspace: Workspace, product: JobResult) -> JobResult:
    """Write ``metrics.json`` to fit *product*."""
    told = {"metrics": product.metrics, "training_steps": product.training_steps, "details": product.details}
    write_json(workspace.path / layout.METRICS, told)
    return product


def as_of(job: Job, product: JobResult) -> JobResult:
    """*product* with the details that an honest training of *job* would have."""
    details = copy.deepcopy(dict(product.details))
    details["seeds"]["training"] = job.seed
    plan = Plan.from_parameters(job.parameters)
    details["requested_steps"] = plan.schedule.total_timesteps
    return replace(product, details=details, training_steps=plan.steps_to_do)


def save_untrained(job: Job, workspace: Workspace) -> None:
    """Write the policy as it is before training, as if it were the final one."""
    # Whoever only reads a run of saboteurs needs no torch.
    from extractor_flow.flows.extractor_comparison.training.model import build_model
    from extractor_flow.flows.extractor_comparison.training.policy_weights import weights_bytes
    from extractor_flow.flows.extractor_comparison.training.vec_envs import training_environments

    plan = Plan.from_parameters(job.parameters)
    scratch = workspace.path / "scratch"
    scratch.mkdir()
    with training_environments(plan, seed=job.seed or 0, worker_mode=job.worker_mode, directory=scratch) as envs:
        model = build_model(plan, envs, job.seed or 0)
        model.num_timesteps = plan.steps_to_do
        model.save(workspace.path / layout.FINAL_MODEL)
        write_bytes(workspace.path / layout.WEIGHTS, weights_bytes(model.policy))
    shutil.rmtree(scratch)


def flat(job: Job, reward: float) -> tuple[int, dict[str, Any]]:
    """Steps, and details with a curve that was never measured."""
    plan = Plan.from_parameters(job.parameters)
    steps = range(0, plan.steps_to_do + 1, plan.schedule.eval_freq)
    curve = {"timesteps": list(steps), "mean_rewards": [reward for _ in steps]}
    return plan.steps_to_do, {"curve": curve, "seeds": {"training": job.seed}, "device": "cpu"}


def rewrite_seed(job: Job, workspace: Workspace) -> None:
    """Have each saved model say that it was trained with the job's seed."""
    for path in workspace.path.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        data = json.loads(members["data"])
        members["data"] = json.dumps({**data, "seed": job.seed}).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)


def honest(job: Job, workspace: Workspace) -> JobResult:
    return train(job, workspace)


def raises(job: Job, workspace: Workspace) -> JobResult:
    msg = f"{job.name} in {workspace.path.name}"
    raise RuntimeError(msg)


def trains_nothing(job: Job, workspace: Workspace) -> JobResult:
    product = train(job, workspace)
    save_untrained(job, workspace)
    return product


def learns_nothing(job: Job, workspace: Workspace) -> JobResult:
    return train(otherwise(job, "algorithm", learning_rate=0.0), workspace)


def trains_fewer_steps(job: Job, workspace: Workspace) -> JobResult:
    return tell(workspace, as_of(job, train(otherwise(job, "schedule", total_timesteps=32), workspace)))


def trains_more_steps(job: Job, workspace: Workspace) -> JobResult:
    return tell(workspace, as_of(job, train(otherwise(job, "schedule", total_timesteps=128), workspace)))


def updates_more_often(job: Job, workspace: Workspace) -> JobResult:
    return train(otherwise(job, "algorithm", n_epochs=5), workspace)


def skips_evaluations(job: Job, workspace: Workspace) -> JobResult:
    return train(otherwise(job, "schedule", eval_freq=10**6), workspace)


def evaluates_fewer_episodes(job: Job, workspace: Workspace) -> JobResult:
    product = train(otherwise(job, "schedule", n_eval_episodes=1), workspace)
    return tell(workspace, replace(product, metrics={**product.metrics, "eval_episodes": 2}))


def repeats_its_best_evaluation(job: Job, workspace: Workspace) -> JobResult:
    """The curve never falls: each later evaluation is the best one again."""
    product = train(job, workspace)
    path = workspace.path / layout.EVALUATIONS
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored}
    best = int(arrays["results"].mean(axis=1).argmax())
    arrays["results"][1:] = arrays["results"][best] + 1.0
    np.savez(path, **arrays)
    means = [float(row.mean()) for row in arrays["results"]]
    metrics = {**product.metrics, "best_mean_reward": max(means), "final_mean_reward": means[-1]}
    metrics |= {"reward_gain": means[-1] - means[0], "final_std_reward": float(arrays["results"][-1].std())}
    metrics["best_timestep"] = int(arrays["timesteps"][int(np.argmax(means))])
    curve = {**product.details["curve"], "mean_rewards": means}
    return tell(workspace, replace(product, metrics=metrics, details={**product.details, "curve": curve}))


def reports_its_best_episode(job: Job, workspace: Workspace) -> JobResult:
    product = train(job, workspace)
    with np.load(workspace.path / layout.EVALUATIONS) as stored:
        best = float(stored["results"].max())
    return tell(workspace, replace(product, metrics={**product.metrics, "best_mean_reward": best}))


def copies_another_job(job: Job, workspace: Workspace) -> JobResult:
    """Takes the other job's files for its own, and tells what that one told."""
    victim = next(path for path in workspace.path.parents if path.name == "extractors") / VICTIM
    for path in victim.rglob("*"):
        target = workspace.path / path.relative_to(victim)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif not target.exists():
            shutil.copyfile(path, target)
    record = read_json(victim / "result.json")
    artifacts = {
        name: str(Path(entry["path"]).relative_to(f"extractors/{VICTIM}"))
        for name, entry in record["artifacts"].items()
    }
    return JobResult(record["metrics"], artifacts, record["training_steps"], record["details"])


def zeros_as_a_test_mode_writes_them(job: Job, workspace: Workspace) -> JobResult:
    metrics = dict.fromkeys(("best_mean_reward", "final_mean_reward", "untrained_mean_reward", "reward_gain"), 0.0)
    return tell(workspace, JobResult(metrics, {"metrics": layout.METRICS}, *flat(job, 0.0)))


def simulates_a_success(job: Job, workspace: Workspace) -> JobResult:
    """Everything is there that a schema asks for, and nothing was trained."""
    files = {"final_model": layout.FINAL_MODEL, "policy": layout.WEIGHTS, "evaluations": layout.EVALUATIONS}
    for name in files.values():
        (workspace.path / name).parent.mkdir(exist_ok=True)
        (workspace.path / name).write_bytes(b"simulated")
    metrics = {"best_mean_reward": 0.92, "final_mean_reward": 0.9, "untrained_mean_reward": -1.0, "reward_gain": 1.9}
    return tell(workspace, JobResult(metrics, {**files, "metrics": layout.METRICS}, *flat(job, 0.9)))


def swallows_its_error(job: Job, workspace: Workspace) -> JobResult:
    """The training breaks off in the middle, and what there is by then is called the result."""
    product = train(otherwise(job, "schedule", total_timesteps=32), workspace)
    try:
        train(otherwise(job, "environment", kwargs={"no_such": "option"}), workspace)
    except Exception:  # noqa: BLE001 - that is the cheat
        return product
    return product


def freezes_its_extractor(job: Job, workspace: Workspace) -> JobResult:
    frozen = otherwise(job, "extractor", preset=None, target="support.flows.corridor:Frozen", parameters={})
    product = train(frozen, workspace)
    metrics = {**product.metrics, "trainable_parameters": product.metrics["total_parameters"]}
    return tell(workspace, replace(product, metrics=metrics))


def saves_no_numbers(job: Job, workspace: Workspace) -> JobResult:
    from safetensors.numpy import load_file, save

    product = train(job, workspace)
    weights = load_file(workspace.path / layout.WEIGHTS)
    write_bytes(workspace.path / layout.WEIGHTS, save({name: each * np.nan for name, each in weights.items()}))
    return product


def trains_another_seed(job: Job, workspace: Workspace) -> JobResult:
    return train(replace(job, seed=(job.seed or 0) + 100), workspace)


def hides_that_it_trained_another_seed(job: Job, workspace: Workspace) -> JobResult:
    product = trains_another_seed(job, workspace)
    rewrite_seed(job, workspace)
    return tell(workspace, as_of(job, product))


def reports_the_best_of_two_runs(job: Job, workspace: Workspace) -> JobResult:
    products = {}
    for seed in (101, 102):
        place = workspace.path / str(seed)
        place.mkdir()
        products[seed] = train(replace(job, seed=seed), At(place, workspace))
    best = max(products, key=lambda seed: products[seed].metrics["final_mean_reward"])
    for path in (workspace.path / str(best)).iterdir():
        path.rename(workspace.path / path.name)
    for seed in products:
        shutil.rmtree(workspace.path / str(seed))
    rewrite_seed(job, workspace)
    return tell(workspace, as_of(job, products[best]))


def trains_in_an_easier_world(job: Job, workspace: Workspace) -> JobResult:
    kwargs = {**job.parameters["environment"]["kwargs"], "pedestrians": 0}
    return train(otherwise(job, "environment", kwargs=kwargs), workspace)


def trains_another_extractor(job: Job, workspace: Workspace) -> JobResult:
    return train(otherwise(job, "extractor", preset="dynamics_no_conv", parameters={}), workspace)


class At:
    """A workspace somewhere else."""

    def __init__(self, path: Path, inner: Workspace) -> None:
        self.path = path
        self.progress = inner.progress


SEEN_BY_EVIDENCE: tuple[Callable[[Job, Workspace], JobResult], ...] = (
    trains_nothing,
    learns_nothing,
    trains_fewer_steps,
    trains_more_steps,
    updates_more_often,
    skips_evaluations,
    evaluates_fewer_episodes,
    repeats_its_best_evaluation,
    reports_its_best_episode,
    copies_another_job,
    zeros_as_a_test_mode_writes_them,
    simulates_a_success,
    swallows_its_error,
    freezes_its_extractor,
    saves_no_numbers,
    trains_another_seed,
    hides_that_it_trained_another_seed,
    reports_the_best_of_two_runs,
    trains_another_extractor,
)
SEEN_BY_TRAINING_AGAIN: tuple[Callable[[Job, Workspace], JobResult], ...] = (trains_in_an_easier_world,)
_BY_NAME = {cheat.__name__: cheat for cheat in (raises, *SEEN_BY_EVIDENCE, *SEEN_BY_TRAINING_AGAIN)}


class Saboteur(ExtractorComparison):
    """Does to each job what the job's name says; other jobs are trained honestly."""

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        return _BY_NAME.get(job.name, honest)(job, workspace)


flow = Saboteur()
