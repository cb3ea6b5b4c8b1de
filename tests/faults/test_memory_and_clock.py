"""Memory that runs out and a clock that is set back, for real: nothing finished is lost, and what happened is told."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.codes import Code
from extractor_flow.verify import verify
from support.crashing import crashed

pytestmark = pytest.mark.faults
MODELS = ({"name": "a"}, {"name": "greedy", "fault": "allocate"}, {"name": "b", "degree": 2})
GOOD = ({"name": "a"}, {"name": "b", "degree": 2}, {"name": "c", "degree": 3})
MOMENTS = (20, 40, 60)
"""The operation on files at which the first session is killed: early enough to leave jobs to the next one."""


@pytest.mark.parametrize("executor", ["local", "serial"])
def test_a_job_that_allocates_until_there_is_nothing_left_is_out_of_memory(workbench, told, executor):
    config = workbench.config(*MODELS, memory_limit_mb=3000)
    limit = [] if executor == "local" else ["prlimit", "--as=3000000000"]

    answers = [
        subprocess.run(
            [*limit, *workbench.command("run", *words, "--executor", executor)],
            cwd=workbench.path,
            env=workbench.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        for words in ([config], ["--resume", workbench.path / "runs" / "latest"])
    ]

    run = workbench.latest()
    codes = {record.name: getattr(record.outcome, "code", None) for record in run.records()}
    expected = {"a": None, "greedy": Code.MEMORY_LIMIT, "b": None}
    problems = [] if codes == expected else [codes]
    problems += [answer for answer in answers if answer.returncode != 1 or "Traceback" in answer.stderr]
    problems += verify(run.path).violations
    told(f"Memory runs out in a job that allocates till the end, executor {executor}; resumed", 2, problems)
    assert problems == []


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
@pytest.mark.parametrize(("back", "violations"), [(45, 0), (3600, 1)])
def test_a_clock_set_back_before_a_run_is_resumed_loses_nothing(workbench, told, back, violations):
    config = workbench.config(*GOOD)
    problems = []
    for at in MOMENTS:
        root = workbench.path / f"root-{at}"
        crashed(root, at, "run", config, "--output-root", root, "--executor", "serial")
        run = RunDirectory(next(path.parent for path in root.glob("*/run.json")).resolve())
        before = [record for record in run.journal() if record.status == "success"]

        words = workbench.command("run", "--resume", run.path, "--executor", "serial")
        again = subprocess.run(
            ["faketime", "-f", f"-{back}s", *words],
            cwd=workbench.path,
            env=workbench.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

        problems += [again] if again.returncode != 0 or "Traceback" in again.stderr else []
        problems += [(at, "lost", record.name) for record in before if record not in run.journal()]
        problems += [(at, record) for record in run.records() if record.status != "success"]
        found = verify(run.path).violations
        problems += [(at, found)] if bool(found) != bool(violations) else []
    what = "the run verifies" if not violations else "verification says that the times do not fit"
    told(f"The clock set back by {back} seconds after a SIGKILL; resumed, {what}", len(MOMENTS), problems)
    assert problems == []
