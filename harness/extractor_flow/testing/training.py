"""Conformance of a flow that trains: in processes of its own, as a user's command does it, and then disturbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from extractor_flow.layout import RUN, SUMMARY
from extractor_flow.run.hardware import missing_capabilities, probe
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Failed, JobRecord
from extractor_flow.testing.sabotage import DISTURBED, KINDS
from extractor_flow.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from extractor_flow.study.flow import Flow, Study
    from extractor_flow.study.job_contract import JobContract
    from extractor_flow.study.jobs import Job
    from extractor_flow.testing.findings import Findings

DEEP_LEARNING = ("torch", "tensorflow", "jax", "stable_baselines3", "matplotlib")
_SHOWN = 2000
_TOO_LATE = 124
_IMPORTING = """
import importlib.util, json, sys
from pathlib import Path
from extractor_flow.config import read_config
from extractor_flow.registry import find_flow
flow = find_flow(sys.argv[1])
study = flow.study(read_config(Path(sys.argv[2])), {})
flow.compare((), study.settings)
loaded = [name for name in sys.argv[3:] if name in sys.modules]
missing = [name for name in flow.preload if importlib.util.find_spec(name) is None]
print(json.dumps({"loaded": loaded, "missing": missing}))
"""


@dataclass(frozen=True)
class Sandbox:
    """Where a flow is tried: its config as a file, a directory to write in, and the seconds a process may take."""

    config: Path
    place: Path
    timeout: float

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A Python process to its end that imports what this one can; its working directory is this one's too.

        One that takes too long is killed and has the exit code 124.
        """
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)  # noqa: PTH100 - the path holds strings
        command = [sys.executable, *arguments]
        try:
            return subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, _TOO_LATE, "", f"it did not end within {self.timeout:g} s")


def check_light(flow: Flow, ground: Sandbox, found: Findings) -> None:
    """Finding the flow, studying a config and comparing load no deep-learning package; ``preload`` can be imported."""
    answer = ground.python("-c", _IMPORTING, flow.name, str(ground.config), *DEEP_LEARNING)
    if answer.returncode:
        found.add("light", f"in a process of its own it cannot be imported and asked for a study: {_end_of(answer)}")
        return
    answer_data = json.loads(answer.stdout.splitlines()[-1])
    loaded = ", ".join(answer_data["loaded"])
    found.require(not loaded, "light", f"study() and compare() load {loaded}; import that inside run() only")
    missing = ", ".join(answer_data["missing"])
    found.require(not missing, "light", f"preload names what is not there: {missing}")


def cheapest(flow: Flow, study: Study, found: Findings) -> Job | None:
    """The job of least weight that can run on this machine."""
    here, missing = probe(), missing_capabilities()
    skips = {
        job.key: found.attempt(
            "run", f"missing_requirement({job.label})", partial(flow.missing_requirement, job, here, missing)
        )
        for job in study.jobs
    }
    able = [job for job in study.jobs if skips[job.key] is None]
    if not able:
        reasons = "; ".join(dict.fromkeys(skip.reason for skip in skips.values() if skip is not None))
        found.add("run", f"no job can run on this machine, so training was not checked: {reasons}")
        return None
    return min(able, key=lambda job: job.weight)


def train_twice(contract: JobContract, job: Job, ground: Sandbox, found: Findings) -> RunDirectory | None:
    """Run *job* in two runs, verify them, and compare what they measured; the first run if it is whole.

    Jobs of the same name are run too. The artifacts that *contract* calls reproducible must be equal byte for byte.
    """
    run = _trained(job, ground, "first", found)
    other = None if run is None else _trained(job, ground, "second", found)
    if run is None or other is None:
        return None
    first, second = ({record.job_key: record for record in each.records()} for each in (run, other))
    for key, record in first.items():
        for complaint in _differences(record, second.get(key), contract):
            found.add("reproducible", f"{record.label} trained twice {complaint}")
    return run


def _trained(job: Job, ground: Sandbox, number: str, found: Findings) -> RunDirectory | None:
    """A run in which *job* completed, and what verification finds wrong with it."""
    root = ground.place / number
    options = ("--only", job.name, "--output-root", str(root), "--run-id", "conformance")
    answer = ground.python("-m", "extractor_flow.cli", "run", str(ground.config), *options)
    path = next((entry.parent for entry in sorted(root.glob(f"*/{RUN}"))), None)
    if path is None or not (path / SUMMARY).is_file():
        found.add("run", f"`extractor-flow run` left no summary: {_end_of(answer)}")
        return None
    run = RunDirectory.open(path)
    records = run.records()
    for record in records:
        if not isinstance(record.outcome, Completed):
            tail = " | ".join(record.outcome.log_tail) if isinstance(record.outcome, Failed) else ""
            found.add("run", f"{record.label} {record.status}: {record.outcome.reason} {tail}".rstrip())
    for violation in verify(path).violations:
        message = f"{violation.file}: {violation.path}: {violation.claim}; found {violation.found}"
        found.add("verdict", f"the run does not verify: {message}")
    return run if all(isinstance(record.outcome, Completed) for record in records) else None


def _differences(one: JobRecord, other: JobRecord | None, contract: JobContract) -> Iterator[str]:
    if other is None or not isinstance(one.outcome, Completed) or not isinstance(other.outcome, Completed):
        yield "completed only once"
        return
    ours, theirs = one.outcome, other.outcome
    for name in sorted(ours.metrics.keys() | theirs.metrics.keys()):
        pair = ours.metrics.get(name), theirs.metrics.get(name)
        if pair[0] != pair[1]:
            yield f"measured {name} as {pair[0]!r} and as {pair[1]!r}"
    if ours.training_steps != theirs.training_steps:
        yield f"did {ours.training_steps} and {theirs.training_steps} training steps"
    for name in contract.reproducible(sorted(ours.artifacts.keys() | theirs.artifacts.keys())):
        digests = [outcome.artifacts[name].sha256 for outcome in (ours, theirs) if name in outcome.artifacts]
        if len(digests) < len((ours, theirs)):
            yield f"left the artifact {name!r} only once"
        elif len(set(digests)) > 1:
            yield f"left different artifacts {name!r}"


def check_failures(job: Job, run: RunDirectory, ground: Sandbox, found: Findings) -> None:
    """An exception and SIGTERM in the middle of training are recorded as a failure; a killed job has no result."""
    disturbed = {kind: _again(job, run, ground.place / kind) for kind in KINDS}
    ground.python("-m", "extractor_flow.testing.sabotage", *(f"{kind}={path.path}" for kind, path in disturbed.items()))
    if not all((directory.run_path / DISTURBED).exists() for directory in disturbed.values()):
        found.add("failure", "run() never called workspace.progress(): nobody can watch it, nor test how it fails")
        return
    raised, interrupted, killed = (disturbed[kind].result() for kind in ("raise", "interrupt", "kill"))
    failed = raised is not None and isinstance(raised.outcome, Failed) and raised.outcome.code is Code.RAISED
    found.require(
        failed, "failure", f"an exception from workspace.progress() did not fail the job: {_described(raised)}"
    )
    failed = interrupted is not None and isinstance(interrupted.outcome, Failed) and interrupted.outcome.interrupted
    found.require(failed, "failure", f"SIGTERM did not interrupt the job: {_described(interrupted)}")
    found.require(killed is None, "failure", f"a killed job has a result: {_described(killed)}")


def _again(job: Job, run: RunDirectory, place: Path) -> JobDirectory:
    """*job* once more, in a copy of *run*, which holds what its jobs share."""
    copied = place / run.path.name
    shutil.copytree(run.path, copied, symlinks=True)
    shutil.rmtree(copied / job.directory)
    return JobDirectory.create(copied, job)


def _described(record: JobRecord | None) -> str:
    if record is None:
        return "no result"
    outcome = record.outcome
    return record.status if isinstance(outcome, Completed) else f"{record.status}: {outcome.reason}"


def _end_of(answer: subprocess.CompletedProcess[str]) -> str:
    text = f"{answer.stdout.strip()}\n{answer.stderr.strip()}".strip()
    return f"exit code {answer.returncode}: {text[-_SHOWN:]}"
