"""The second opinions that a comparison's evidence is judged by: the schedule, the skips, the episodes, the means."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from extractor_flow.evidence.run_context import RunContext
from extractor_flow.flows.extractor_comparison.checks import CHECKS, expected
from extractor_flow.flows.extractor_comparison.checks.jobs import skips
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.jobs import jobs_of, missing_requirement
from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice, ExtractorChoice, Plan, Schedule
from extractor_flow.study.codes import Code
from extractor_flow.study.records import REHEARSED, JobRecord, Skipped

NAV = EnvironmentChoice(DEFAULT_ENVIRONMENT, None, {}, ())


def plan(*, rollout=8, rollouts=4, eval_freq=8, save_freq=None, environment=NAV):
    return Plan(
        extractor=ExtractorChoice("mlp_small", None, {}),
        environment=environment,
        algorithm={"n_steps": rollout, "stats_window_size": 2},
        schedule=Schedule(rollout * rollouts, 1, eval_freq, save_freq, 1, 1, 1),
        convergence_fraction=0.9,
        device="cpu",
        threads=1,
        start_method="spawn",
    )


@pytest.mark.parametrize("rollout", [2, 3, 8])
def test_the_schedule_is_the_one_that_the_steps_cross(rollout):
    for count, every in product(range(1, 9), range(1, 40)):
        due = plan(rollout=rollout, rollouts=count, eval_freq=every, save_freq=every)
        ends = [end for end in range(rollout, rollout * count + 1, rollout) if end // every > (end - rollout) // every]
        evaluations = sorted({0, *ends, rollout * count})

        assert (expected.checkpoint_steps(due), expected.evaluation_steps(due)) == (ends, evaluations)
        assert (expected.checkpoint_count(due), expected.evaluation_count(due)) == (
            len(ends),
            len(evaluations),
        )


def test_a_schedule_that_nobody_could_list_is_counted():
    endless = plan(rollout=2, rollouts=10**15, eval_freq=1, save_freq=3)

    counts = [count(endless) for count in (expected.evaluation_count, expected.checkpoint_count)]

    assert counts == [10**15 + 1, 2 * 10**15 // 3]


def settings(*resources, device="cpu"):
    run = {
        "seeds": [1],
        "worker_mode": "single-thread",
        "device": device,
        "time_limit_seconds": None,
        "memory_limit_mb": None,
        "convergence_fraction": 0.9,
        **dict.fromkeys(("total_timesteps", "num_envs", "eval_freq", "save_freq", "n_eval_episodes"), 1),
        "eval_num_envs": 1,
        "final_eval_episodes": 1,
    }
    entries = [
        {"name": name, "class": "a:B", "parameters": {}, "description": "", "expected_resources": name, "priority": 0}
        for name in resources
    ]
    return {
        "run": run,
        "env": {"id": "X-v0", "kwargs": {}, "filter_keys": [], "wrappers": [], "frame_stack": None, "normalize": None},
        "extractors": entries,
        "algorithm": {"n_steps": 8},
        "threads": 1,
        "start_method": "spawn",
    }


def refused(config, told):
    """The codes of the skips that are *told*, by job, and are none of theirs."""
    records = [
        JobRecord(
            flow=job.flow,
            name=job.name,
            seed=job.seed,
            job_key=job.key,
            directory=job.directory,
            outcome=told[job.name],
            start_time="2026-01-01T00:00:00Z",
            worker_mode=job.worker_mode,
        )
        for job in jobs_of(config)
    ]
    run = RunContext(files=None, records=tuple(records), settings=config, parameters={})
    return [violation.claim for violation in skips.examine(run)]


def test_a_rehearsal_is_believed():
    assert refused(settings("cpu"), {"cpu": REHEARSED}) == []


@pytest.mark.parametrize("device", ["cpu", "auto", "cuda", "mps"])
@pytest.mark.parametrize("missing", [("cuda",), ("mps",), ("cuda", "mps")], ids="+".join)
def test_a_skip_for_want_of_a_device_is_believed_wherever_it_was(device, missing):
    config = settings("cpu", "gpu", device=device)
    told = {
        job.name: missing_requirement(job, {name: f"no {name}: (none)" for name in missing}) for job in jobs_of(config)
    }

    assert refused(config, {name: skip or REHEARSED for name, skip in told.items()}) == []


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_skip_for_another_reason_is_not_believed(device):
    config = settings("cpu", "gpu", device=device)
    no_data = Skipped(Code.MISSING_DATA, "no data")

    assert refused(config, {"cpu": no_data, "gpu": no_data}) == ["missing-data", "missing-data"]


def test_a_job_that_needs_no_device_is_not_skipped_for_want_of_one():
    without = Skipped(Code.MISSING_CAPABILITY, "needs mps, which is missing here: no Metal")

    assert refused(settings("cpu", "gpu"), {"cpu": without, "gpu": without}) == ["missing-capability"]


def test_the_rules_of_the_robots_world_are_those_of_its_environment():
    pytest.importorskip("gymnasium")
    from extractor_flow.flows.extractor_comparison.environments import robot_nav, world

    step = robot_nav.PROGRESS_REWARD * world.TOP_SPEED * world.TIME_STEP
    least = -robot_nav.PROGRESS_REWARD * world.GOAL_RADIUS

    assert DEFAULT_ENVIRONMENT == robot_nav.ENV_ID
    assert pytest.approx((step, least)) == (expected.MOST_PROGRESS, expected.LEAST_GAIN)
    assert (expected.STEP_COST, expected.ARRIVAL_BONUS, expected.COLLISION_PENALTY) == (
        robot_nav.STEP_COST,
        robot_nav.ARRIVAL_BONUS,
        robot_nav.COLLISION_PENALTY,
    )


def test_only_what_no_policy_could_do_is_impossible():
    returns, lengths = np.array([[18.0, -13.8, 8.4]]), np.array([[20, 20, 10]])

    found = list(expected.impossible_episodes(NAV, returns, lengths, returns > 0))

    assert found == []
    for worse in ([[18.1, 0, 9]], [[0, -13.9, 9]]):
        assert len(list(expected.impossible_episodes(NAV, np.array(worse), lengths))) == 1


def test_a_success_has_the_bonus_for_arriving():
    found = expected.impossible_episodes(NAV, np.array([[8.0, 8.5]]), np.array([[10, 10]]), np.array([[True, True]]))

    assert list(found) == ["a success with a return of 8.0 in 10 steps"]


@pytest.mark.parametrize(
    ("environment", "longest"),
    [
        (EnvironmentChoice(DEFAULT_ENVIRONMENT, None, {"max_steps": 20, "max_episode_steps": 30}, ()), 20),
        (EnvironmentChoice(DEFAULT_ENVIRONMENT, None, {}, ()), 2000),
        (EnvironmentChoice("CartPole-v1", None, {"max_episode_steps": 30}, ()), 30),
        (EnvironmentChoice("CartPole-v1", None, {"max_steps": 20}, ()), None),
        (EnvironmentChoice("CartPole-v1", None, {"max_episode_steps": -1}, ()), None),
        (EnvironmentChoice("CartPole-v1", None, {"max_episode_steps": True}, ()), None),
        (EnvironmentChoice(None, "a:b", {"max_episode_steps": 30}, ()), None),
    ],
)
def test_an_environments_arguments_limit_its_episodes_where_they_are_known_to(environment, longest):
    assert expected.longest_episode(environment) == longest


def test_every_check_has_a_name_of_its_own_and_is_of_this_flow():
    names = [check.id for check in CHECKS]

    assert (sorted(set(names)), [name for name in names if not name.startswith("ppo-")]) == (sorted(names), [])
