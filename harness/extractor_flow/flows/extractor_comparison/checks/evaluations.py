"""Recomputes what the evaluations say, and compares it with what the environment allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Violation, brief, close
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction, curve_of
from extractor_flow.flows.extractor_comparison.checks.expected import (
    evaluation_count,
    evaluation_steps,
    impossible_episodes,
    tells_success,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.checks.claims import Claims


@check("ppo-evaluations", reads=("evaluations",))
def evaluations(job: Claims) -> Iterator[Violation]:
    """The evaluations took place when the schedule says, with as many episodes as planned, each of them possible.

    Catches: an evaluation or an episode left out, one longer or better than the environment lets it be. Cannot catch:
    possible rewards that no policy had, which --deep measures again.
    """
    arrays, path = job.evaluations, job.path(layout.EVALUATIONS)
    steps = arrays["timesteps"].tolist()
    if len(steps) != (count := evaluation_count(job.plan)):
        yield contradiction(path, "timesteps", f"{len(steps)} of them", f"the schedule gives {count}")
    elif steps != (expected := evaluation_steps(job.plan)):
        yield contradiction(path, "timesteps", steps, f"the schedule gives {brief(expected)}")
    yield from _possible(job, path, arrays, job.plan.schedule.n_eval_episodes)


@check("ppo-metrics", reads=("evaluations",))
def metrics(job: Claims) -> Iterator[Violation]:
    """The rewards, success rates, best step, convergence and curve in the record are those of the evaluations.

    Catches: any of these numbers improved in the record. Cannot catch: evaluations that were changed as well.
    """
    claimed, arrays = job.curve, job.evaluations
    measured = curve_of(arrays)
    if claimed is None or claimed.timesteps != measured.timesteps:
        yield job.contradicted("details.curve", job.outcome.details.get("curve"), f"due: {measured.to_json()!r}")
    else:
        for position, (claim, reward) in enumerate(zip(claimed.mean_rewards, measured.mean_rewards, strict=True)):
            if not close(claim, reward):
                place = f"details.curve.mean_rewards[{position}]"
                yield job.contradicted(place, claim, f"{layout.EVALUATIONS}: {reward!r}")
    best = measured.timesteps.index(measured.best_timestep)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(arrays["results"][-1]))
    expected: dict[str, float | None] = {
        "untrained_mean_reward": measured.untrained,
        "best_mean_reward": measured.best,
        "best_timestep": measured.best_timestep,
        "final_mean_reward": measured.mean_rewards[-1],
        "final_std_reward": spread,
        "reward_gain": measured.mean_rewards[-1] - measured.untrained,
        "eval_episodes": arrays["results"].shape[1],
        "convergence_timestep": measured.convergence_timestep(job.plan.convergence_fraction),
        "untrained_success_rate": _rate(arrays, 0),
        "best_success_rate": _rate(arrays, best),
        "final_success_rate": _rate(arrays, -1),
    }
    for name, found in expected.items():
        yield from job.metric(name, found, layout.EVALUATIONS)


@check("ppo-held-out", reads=("held_out",))
def held_out(job: Claims) -> Iterator[Violation]:
    """The held-out figures of the record are those of the held-out episodes: as many as planned, each of them possible.

    Catches: a held-out figure improved in the record, episodes left out, another policy selected. Cannot catch:
    possible rewards that the policy had on no such episode, which --deep measures again.
    """
    arrays, path, plan = job.held_out, job.path(layout.HELD_OUT), job.plan
    policies = [job.outcome.metrics.get("best_timestep"), plan.steps_to_do]
    if arrays["timesteps"].tolist() != policies:
        yield contradiction(path, "timesteps", arrays["timesteps"].tolist(), f"selected and final policy: {policies}")
    yield from _possible(job, path, arrays, plan.schedule.final_eval_episodes)
    if policies[0] == policies[1] and (arrays["results"][0] != arrays["results"][1]).any():
        yield contradiction(path, "results", "two results of one policy", "the final policy was selected")
    with np.errstate(over="ignore", invalid="ignore"):
        means, spread = arrays["results"].mean(axis=1).tolist(), float(np.std(arrays["results"][0]))
    expected: dict[str, float | None] = {
        "held_out_mean_reward": means[0],
        "held_out_std_reward": spread,
        "held_out_success_rate": _rate(arrays, 0),
        "held_out_final_mean_reward": means[1],
        "held_out_final_success_rate": _rate(arrays, 1),
        "held_out_episodes": arrays["results"].shape[1],
    }
    for name, found in expected.items():
        yield from job.metric(name, found, layout.HELD_OUT)


def _possible(job: Claims, path: str, arrays: Mapping[str, NDArray[Any]], planned: int) -> Iterator[Violation]:
    """What is wrong with the episodes of *arrays*, of which an evaluation has *planned*."""
    episodes = arrays["results"].shape[1]
    if episodes != planned:
        yield contradiction(path, "results", f"{episodes} episodes an evaluation", f"the plan gives {planned}")
    if "successes" not in arrays and tells_success(job.plan.evaluated):
        yield contradiction(path, "successes", "not told", "this environment says of every episode whether it was one")
    for what in impossible_episodes(
        job.plan.evaluated, arrays["results"], arrays["ep_lengths"], arrays.get("successes")
    ):
        yield contradiction(path, "results", what, "this environment cannot give that")


def _rate(arrays: Mapping[str, NDArray[Any]], row: int) -> float | None:
    return float(np.mean(arrays["successes"][row])) if "successes" in arrays else None
