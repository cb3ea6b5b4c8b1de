"""Processes that are killed, stopped or starved at random moments: nothing finished is lost, nothing is left running.

The seeds are fixed; the moments are those of the machine, anywhere in the time that an undisturbed run takes.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import threading

import pytest
import yaml

from extractor_flow.files import read_json
from extractor_flow.study.codes import Code
from support.disturbing import Trial, strike, undisturbed
from support.published import SMALL_WORLD
from support.waiting import DEADLINE

pytestmark = pytest.mark.faults
MODELS = [{"name": name, "degree": degree} for name, degree in (("a", 1), ("b", 2), ("c", 3), ("d", 4))]
MOMENTS = int(os.environ.get("FAULT_MOMENTS", "100"))
FEW, VERY_FEW = max(1, MOMENTS // 5), max(1, MOMENTS // 10)
SEED = 20261121
VICTIMS = {
    "a process of the run": lambda pids, leader, chance: (
        [chance.choice(sorted(others))] if (others := pids - {leader}) else []
    ),
    "the command": lambda pids, leader, _chance: pids & {leader},
    "all processes of the run": lambda pids, _leader, _chance: pids,
}
PPO = {
    "run": {"total_timesteps": 64, "eval_freq": 32, "save_freq": 32, "n_eval_episodes": 2, "final_eval_episodes": 2}
    | {"num_envs": 2, "seeds": [1, 2]},
    "env": {"kwargs": SMALL_WORLD},
    "algorithm": {"n_steps": 16, "batch_size": 16, "n_epochs": 2},
    "extractors": [{"name": "mlp", "preset": "mlp_small"}],
}


@pytest.fixture
def whole(workbench):
    """An undisturbed run of four lines."""
    return undisturbed(workbench, workbench.config(*MODELS))


def killed(workbench, whole, victim, moments):
    """The problems of so many runs of which *victim* was there to be killed at a random moment."""
    chance = random.Random(SEED)
    problems, struck = [], 0
    for number in range(2 * moments):
        trial = Trial(workbench, whole, number)
        process = trial.start()
        trial.wait(chance)
        struck += strike(VICTIMS[victim]({*trial.processes()}, process.pid, chance), signal.SIGKILL) > 0
        trial.end()
        problems += [(number, *each) for each in trial.finish()]
        if struck == moments:
            break
    return problems + ([] if struck == moments else [("killed only", struck)])


@pytest.mark.parametrize("victim", VICTIMS)
def test_sigkill_at_a_random_moment(workbench, whole, told, victim):
    problems = killed(workbench, whole, victim, MOMENTS)

    told(f"SIGKILL of {victim} at a random moment", MOMENTS, problems)
    assert problems == []


@pytest.mark.train
@pytest.mark.parametrize("victim", VICTIMS)
def test_sigkill_at_a_random_moment_of_ppo(workbench, told, victim):
    config = workbench.path / "ppo.yaml"
    config.write_text(yaml.safe_dump(PPO), encoding="utf-8")

    problems = killed(workbench, undisturbed(workbench, config), victim, VERY_FEW)

    told(f"PPO: SIGKILL of {victim} at a random moment", VERY_FEW, problems)
    assert problems == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_twice_at_random_moments(workbench, whole, told, signum):
    chance = random.Random(SEED)
    problems = []
    for number in range(FEW):
        trial = Trial(workbench, whole, number)
        process = trial.start()
        process.stdout.readline()  # before, the interpreter itself is interrupted as it starts, and says so
        for _ in range(2):
            threading.Event().wait(chance.uniform(0, whole.seconds / 2))
            strike([process.pid], signum)
        said = trial.end()
        problems += [(number, "traceback", said)] if "Traceback" in said else []
        problems += [(number, *each) for each in trial.finish()]

    told(f"{signum.name}, twice, at random moments", FEW, problems)
    assert problems == []


def test_stopped_and_continued_at_a_random_moment(workbench, whole, told):
    chance = random.Random(SEED)
    problems = []
    for number in range(VERY_FEW):
        trial = Trial(workbench, whole, number)
        process = trial.start()
        trial.wait(chance)
        stopped = trial.processes()
        for number_of_signal in (signal.SIGSTOP, signal.SIGCONT):
            strike(stopped, number_of_signal)
            threading.Event().wait(0.5)
        trial.end()
        problems += [] if process.returncode == 0 else [(number, "exit code", process.returncode)]
        problems += [(number, *each) for each in trial.finish()]

    told("SIGSTOP of all processes for half a second, then SIGCONT", VERY_FEW, problems)
    assert problems == []


def test_a_job_that_is_stopped_for_good_is_ended_at_its_time_limit(workbench, told):
    gate = workbench.path / "gate"
    config = workbench.config({"name": "stuck", "fault": "wait", "until": str(gate)}, time_limit_seconds=2)
    process = workbench.start("run", config, "--jobs", 1)
    path = workbench.path / "gate.stuck.waiting"
    while not path.exists():
        threading.Event().wait(0.05)
    (note,) = (workbench.path / "runs").glob("*/models/stuck/attempt-1.json")
    os.kill(read_json(note)["pid"], signal.SIGSTOP)
    process.communicate(timeout=DEADLINE)

    (record,) = workbench.latest().records()
    problems = [] if record.outcome.code is Code.TIME_LIMIT else [record]
    told("SIGSTOP of a job with a time limit, for good", 1, problems)
    assert problems == []


def test_the_run_is_removed_at_a_random_moment(workbench, whole, told):
    chance = random.Random(SEED)
    problems = []
    for number in range(FEW):
        trial = Trial(workbench, whole, number)
        trial.start()
        trial.wait(chance)
        shutil.rmtree(trial.root, ignore_errors=True)
        said = trial.end()
        problems += [(number, said)] if "Traceback" in said else []
        problems += [(number, "left running", pid) for pid in trial.orphans()]

    told("The output root removed at a random moment: no traceback, nothing left running", FEW, problems)
    assert problems == []


def test_few_file_descriptors(workbench, whole, told):
    problems, tried = [], range(6, 64, 2)  # with 4 no Python starts
    for most in tried:
        trial = Trial(workbench, whole, most)
        trial.start(under=("prlimit", f"--nofile={most}"))
        said = trial.end()
        # Python's own server of forks has no better way to tell it; the command has.
        problems += [(most, "traceback", said)] if re.search('File ".*extractor_flow', said) else []
        problems += [(most, *each) for each in trial.finish()]

    told("Few file descriptors, from 6 to 62: no traceback of the command; resumed", len(tried), problems)
    assert problems == []
