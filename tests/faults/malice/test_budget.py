"""Verifying keeps to a budget, whatever is in the run: over it there is one violation that says which limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from extractor_flow.cli import main
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.verify.allowance import OverBudgetError, allowance_of, bounds_memory
from support.files import bombs

STUDY = {
    "flow": "line_fit",
    "run": {"run_id": "fit", "steps": 4, "seeds": [1, 2]},
    "models": [{"name": "line", "degree": 1}, {"name": "cubic", "degree": 3}],
}
JOB = "models/line/seed-1"


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run).path


def judged(capfd, run, *options):
    """The exit code, and each violation's kind and finding."""
    code = main(["verify", str(run), "--format", "json", *options])
    return code, [(each["kind"], each["found"]) for each in json.loads(capfd.readouterr().out)["violations"]]


def test_an_honest_run_is_far_below_its_budget(run, capfd):
    assert judged(capfd, run, "--budget", "0.4") == (0, [])


def test_a_journal_that_repeats_itself_is_judged_within_the_budget(run, capfd):
    bombs.skips(run, 2_000, job=JOB)
    bombs.failures(run, 2_000, job=JOB)
    (run / "run.log").write_bytes(bombs.line_of(JOB) * 2_000)

    code, found = judged(capfd, run)

    assert (code, "budget" in dict(found)) == (1, False)


def test_a_directory_that_is_no_run_is_a_wrong_request(tmp_path, capfd):
    assert (main(["verify", str(tmp_path)]), "it has no run.json" in capfd.readouterr().err) == (2, True)


@pytest.mark.parametrize("factor", ["0", "-1", "nan", "1e9", "much"])
def test_a_budget_is_a_positive_number(run, factor, capfd):
    with pytest.raises(SystemExit) as caught:
        main(["verify", str(run), "--budget", factor])
    assert (caught.value.code, factor in capfd.readouterr().err) == (2, True)


@pytest.mark.skipif(not bounds_memory(), reason="this system bounds no process's memory")
def test_more_memory_is_one_violation(run, capfd):
    bombs.zeros(run, megabytes=120)

    assert judged(capfd, run, "--budget", "0.4") == (1, [("budget", "more memory")])


def test_a_process_is_ended_when_it_takes_more_time():
    limited = "from extractor_flow.verify.allowance import limit_process, smallest; limit_process(smallest(0.1))"

    done = subprocess.run([sys.executable, "-c", f"{limited}\nwhile True: pass"], check=False)

    assert done.returncode == -signal.SIGXCPU


def test_more_bytes_than_the_disk_holds_are_one_violation_that_names_the_file(run, capfd):
    path = bombs.artifact(run, 1 << 30, job=JOB)

    code, found = judged(capfd, run, "--budget", "0.4")

    assert (code, [(kind, path in what) for kind, what in found]) == (1, [("budget", True)])


def test_more_files_than_a_run_has_are_refused(run):
    with pytest.raises(OverBudgetError, match="more than 13 files and directories"):
        allowance_of(ConfinedDirectory(run), deep=False, factor=1.2e-4)


def test_holes_and_lines_that_tell_of_no_job_allow_for_nothing(run):
    before = allowance_of(ConfinedDirectory(run), deep=False, factor=1)

    os.truncate(run / JOB / "train.log", 1 << 40)
    (run / "run.json").write_bytes(b'"job_key"' * 1000)
    (run / "records.jsonl").write_bytes(b'"job_key"\n' * 1000)
    after = allowance_of(ConfinedDirectory(run), deep=False, factor=1)

    assert (after.seconds <= before.seconds + 1, after.memory - before.memory < 40 * 200_000) == (True, True)


def test_every_job_that_a_run_tells_of_allows_for_more(run):
    before = allowance_of(ConfinedDirectory(run), deep=False, factor=1)
    for name in ("run.json", "records.jsonl"):
        (run / name).write_bytes(((b'{"job_key": "%s"}' % (b"x" * 400)) + b"\n") * 10_000)
    after = allowance_of(ConfinedDirectory(run), deep=False, factor=1)

    assert (after.seconds - before.seconds > 90, after.memory - before.memory > 1_000_000_000) == (True, True)


def test_nothing_beside_the_run_is_imported(run):
    for name in ("json", "resource", "numpy"):
        (run / f"{name}.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    words = [sys.executable, "-P", "-m", "extractor_flow.cli", "verify", ".", "--format", "json"]

    done = subprocess.run(words, cwd=run, capture_output=True, check=False)

    assert {each["kind"] for each in json.loads(done.stdout)["violations"]} == {"unbound"}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("kill -SEGV $$", ("crash", "the verifier's process was ended by SIGSEGV")),
        ("kill -KILL $$", ("budget", "the process was ended by SIGKILL, as for want of memory")),
        ("kill -XCPU $$", ("budget", "more CPU time")),
        ("exit 3", ("crash", "the verifier's process ended with exit code 3")),
        ("""echo '{"crash": "ValueError: x"}'""", ("crash", "ValueError: x")),
    ],
)
def test_a_process_that_dies_is_one_violation(run, end, told, monkeypatch, capfd):
    interpreter = run.parent / "python"
    interpreter.write_text(f"#!/bin/sh\n{end}\n", encoding="utf-8")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))

    assert judged(capfd, run) == (1, [told])


@pytest.mark.skipif(not bounds_memory(), reason="this system bounds no process's memory")
@pytest.mark.parametrize("factor", ["0.01", "0.03", "0.05"])
def test_a_budget_in_which_nothing_can_be_imported_is_one_line(run, factor, capfd):
    code = main(["verify", str(run), "--budget", factor])

    said = capfd.readouterr()
    assert (code, said.err, said.out.count("[budget]")) == (1, "", 1)
