"""Processes that are killed, stopped or starved at random moments: nothing finished is lost, nothing is left running.

The seeds are fixed; the moments are those of the machine. `make faults` tries hundreds.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import threading
from pathlib import Path

import pytest

from extractor_flow.files import read_json
from extractor_flow.layout import SUMMARY, UNPUBLISHED
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.verify import verify
from support.waiting import DEADLINE

pytestmark = pytest.mark.faults
MODELS = [{"name": name, "degree": degree} for name, degree in (("a", 1), ("b", 2), ("c", 3), ("d", 4))]
MOMENTS = int(os.environ.get("FAULT_MOMENTS", "100"))
LONGEST = 2.5
"""Seconds; later than this most runs of four models have ended."""
SEED = 20261121


def measured(run):
    summary = read_json(run.path / SUMMARY)
    keys = ("config_name", "status", "code", "metrics", "artifacts", "training_steps")
    return [{key: result.get(key) for key in keys} for result in summary["model_results"]]


def of_the_run(path):
    """The processes that work in the run at *path*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                where = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"FAULT_RUN={path}" in where and words:
                found.append(int(entry.name))
    return found


def a_job(pids, _leader, chance):
    """One of the processes that are not the command itself."""
    others = [pid for pid in pids if pid != _leader]
    return [chance.choice(others)] if others else []


VICTIMS = {
    "a process of the run": a_job,
    "the command": lambda _pids, leader, _chance: [leader],
    "all processes of the run": lambda pids, _leader, _chance: pids,
}


@pytest.fixture
def whole(workbench):
    """What an undisturbed run measures."""
    workbench.call("run", workbench.config(*MODELS), "--executor", "serial")
    return measured(workbench.latest())


class Trial:
    """One run that is disturbed, and resumed."""

    def __init__(self, workbench, number):
        self.workbench = workbench
        self.root = workbench.path / f"root-{number}"
        os.environ["FAULT_RUN"] = str(self.root)

    def start(self, *options):
        words = ("run", self.workbench.config(*MODELS), "--output-root", self.root, "--jobs", 2)
        return self.workbench.start(*words, *options)

    def finish(self, whole):
        """Resume the run; what is wrong then."""
        left = self.orphans()
        os.environ.pop("FAULT_RUN", None)
        paths = [path.parent for path in self.root.glob("*/run.json") if not path.parent.is_symlink()]
        if not paths:
            return [("left running", left)] if left else []
        run = RunDirectory(paths[0])
        before = [record for record in run.journal() if record.status == "success"]
        results = {p: p.stat().st_ino for p in run.path.glob("models/*/result.json")}
        kept = {record.name for record in before}
        self.workbench.call("run", "--resume", run.path, "--executor", "serial")
        problems = [("lost", record.name) for record in before if record not in run.journal()]
        problems += [("trained again", p) for p, i in results.items() if p.parent.name in kept and p.stat().st_ino != i]
        problems += [("half a file", path) for path in run.path.glob("*.tmp")]
        problems += [] if measured(run) == whole else [("another summary", measured(run))]
        problems += [("unpublished", run.path)] if (run.path / UNPUBLISHED).exists() else []
        problems += [("left running", pid) for pid in left]
        problems += [("verify", each) for each in verify(run.path).violations]
        shutil.rmtree(self.root)
        return problems

    def orphans(self):
        """Processes of the run that do not end soon after it."""
        for _ in range(100):
            if not (left := of_the_run(self.root)):
                return []
            threading.Event().wait(0.1)
        return left


@pytest.mark.parametrize("victim", VICTIMS)
def test_sigkill_at_a_random_moment(workbench, whole, told, victim):
    chance = random.Random(SEED)
    problems = []
    for number in range(MOMENTS):
        trial = Trial(workbench, number)
        process = trial.start()
        threading.Event().wait(chance.uniform(0, LONGEST))
        for pid in VICTIMS[victim](of_the_run(trial.root), process.pid, chance):
            with_signal(pid, signal.SIGKILL)
        process.communicate(timeout=DEADLINE)
        problems += [(number, *each) for each in trial.finish(whole)]

    told(f"SIGKILL of {victim} at a random moment", MOMENTS, problems)
    assert problems == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_twice_at_random_moments(workbench, whole, told, signum):
    chance = random.Random(SEED)
    problems = []
    for number in range(MOMENTS // 5):
        trial = Trial(workbench, number)
        process = trial.start()
        process.stdout.readline()  # before, the interpreter itself is interrupted as it starts, and says so
        for _ in range(2):
            threading.Event().wait(chance.uniform(0, LONGEST / 2))
            with_signal(process.pid, signum)
        _, err = process.communicate(timeout=DEADLINE)
        problems += [(number, "traceback", err)] if "Traceback" in err else []
        problems += [(number, *each) for each in trial.finish(whole)]

    told(f"{signum.name}, twice, at random moments", MOMENTS // 5, problems)
    assert problems == []


def test_stopped_and_continued_at_a_random_moment(workbench, whole, told):
    chance = random.Random(SEED)
    problems = []
    for number in range(MOMENTS // 10):
        trial = Trial(workbench, number)
        process = trial.start()
        threading.Event().wait(chance.uniform(0, LONGEST))
        stopped = of_the_run(trial.root)
        for number_of_signal in (signal.SIGSTOP, signal.SIGCONT):
            for pid in stopped:
                with_signal(pid, number_of_signal)
            threading.Event().wait(0.5)
        process.communicate(timeout=DEADLINE)
        problems += [] if process.returncode == 0 else [(number, "exit code", process.returncode)]
        problems += [(number, *each) for each in trial.finish(whole)]

    told("SIGSTOP of all processes for half a second, then SIGCONT", MOMENTS // 10, problems)
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


def test_the_run_is_removed_at_a_random_moment(workbench, told):
    chance = random.Random(SEED)
    problems = []
    for number in range(MOMENTS // 10):
        trial = Trial(workbench, number)
        process = trial.start()
        threading.Event().wait(chance.uniform(0.5, LONGEST))
        shutil.rmtree(trial.root, ignore_errors=True)
        _, err = process.communicate(timeout=DEADLINE)
        problems += [(number, err)] if "Traceback" in err else []
        problems += [(number, "left running", pid) for pid in trial.orphans()]

    told("The run's directory removed at a random moment: no traceback, nothing left running", MOMENTS // 10, problems)
    assert problems == []


def test_few_file_descriptors(workbench, whole, told):
    problems, tried = [], range(4, 64, 2)
    for most in tried:
        trial = Trial(workbench, most)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
        try:
            process = trial.start()
        except OSError:
            continue  # not even a pipe can be opened
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        process.communicate(timeout=DEADLINE)
        problems += [(most, *each) for each in trial.finish(whole)]

    told("Few file descriptors, from 4 to 62", len(tried), problems)
    assert problems == []


def with_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
