"""A run that tests changed is no longer the run that was made: the session fails and names the files."""

from __future__ import annotations

import json

import pytest

from extractor_flow.binding.witness import read_witness
from extractor_flow.contracts import violations
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify

CHANGES = {
    "written": "(flow_run / 'summary.json').write_text('{}')",
    "appended": "(flow_run / 'records.jsonl').open('a').write(' ')",
    "added": "(flow_run / 'mine.txt').write_text('mine')",
    "removed": "(flow_run / 'summary.md').unlink()",
    "replaced": "(flow_run / 'run.json').write_bytes((flow_run / 'run.json').read_bytes())",
}
FILES = {
    "written": "summary.json",
    "appended": "records.jsonl",
    "added": "mine.txt",
    "removed": "summary.md",
    "replaced": "run.json",
}


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "two workers"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_session_in_which_a_test_changed_the_run_fails_and_names_the_file(flow_project, change, arguments):
    flow_project.config("study.yaml")
    flow_project.tests(f"def test_it(flow_run):\n    {CHANGES[change]}\n\ndef test_other(flow_run):\n    pass\n")

    result = flow_project.run("--flow-config=study.yaml", *arguments)

    assert (result.ret, result.parseoutcomes()["passed"]) == (1, 2)
    result.stdout.fnmatch_lines(["*changed by tests*", f"*: {FILES[change]}*"])


def test_an_existing_run_is_watched_too(flow_project):
    flow_project.config("study.yaml")
    flow_project.tests("def test_it(flow_run):\n    pass\n")
    flow_project.run("--flow-config=study.yaml")
    (run,) = flow_project.kept()
    flow_project.tests("def test_it(flow_run):\n    (flow_run / 'mine.txt').write_text('mine')\n")

    result = flow_project.run(f"--flow-run={run}")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*changed by tests*", "*: mine.txt*"])


def test_a_session_that_only_reads_is_not_blamed(flow_project):
    flow_project.config("study.yaml")
    flow_project.tests("def test_it(flow_run, flow_verdict, flow_markdown):\n    assert flow_verdict.ok\n")

    result = flow_project.run("--flow-config=study.yaml", "-n2")

    assert (result.ret, result.parseoutcomes()) == (0, {"passed": 1})
    assert "changed by tests" not in result.stdout.str()


def test_a_lane_in_which_the_run_was_changed_did_not_pass(flow_project):
    flow_project.config("study.yaml")
    flow_project.tests("def test_it(flow_run):\n    (flow_run / 'mine.txt').write_text('mine')\n")

    flow_project.run("--flow-config=study.yaml", "--lane=mine", "--lane-report=lane.jsonl")

    assert '"exit_status": 1' in (flow_project.path / "lane.jsonl").read_text(encoding="utf-8").splitlines()[-1]


def test_a_lane_names_the_runs_that_it_trained_and_judged_with_their_roots(flow_project):
    flow_project.config("study.yaml")
    flow_project.tests("def test_it(flow_run, flow_verdict):\n    assert flow_verdict.ok\n")

    flow_project.run("--flow-config=study.yaml", "--lane=mine", "--lane-report=trained.jsonl", "--junit-xml=junit.xml")
    (run,) = flow_project.kept()
    flow_project.run(f"--flow-run={run}", "--lane=mine", "--lane-report=judged.jsonl")

    told = [_runs_in(flow_project.path / f"{name}.jsonl") for name in ("trained", "judged")]
    named = {"record": "run", "run_directory": run.name, "root": RunDirectory(run).root()}
    assert told == [[{**named, "trained": True}], [{**named, "trained": False}]]
    assert violations(told[0][0], "lane_report") == []
    assert f'name="run_root" value="{named["root"]}"' in (flow_project.path / "junit.xml").read_text(encoding="utf-8")
    witness = read_witness(str(flow_project.path / "trained.jsonl"))
    assert verify(run, witness=witness).violations == ()


def _runs_in(report):
    records = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return [record for record in records if record["record"] == "run"]
