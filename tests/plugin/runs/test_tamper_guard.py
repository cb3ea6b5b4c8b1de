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
FILES = ("summary.json", "records.jsonl", "mine.txt", "summary.md", "run.json")


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "two workers"])
def test_a_session_in_which_tests_changed_the_run_fails_and_names_the_files(flow_project, arguments):
    flow_project.config("study.yaml")
    tests = "".join(f"def test_{name}(flow_run):\n    {change}\n\n" for name, change in CHANGES.items())
    mark = "pytestmark = pytest.mark.flow(allow_failures=True)\n"  # so that nobody reads the journal after a change
    flow_project.tests(mark + tests + "def test_other(flow_run):\n    pass\n")
    lane = ("--lane=mine", "--lane-report=lane.jsonl")

    trained = flow_project.run("--flow-config=study.yaml", *lane, *arguments)
    (run,) = flow_project.kept()
    flow_project.tests(mark + "def test_it(flow_run):\n    (flow_run / 'more.txt').write_text('mine')\n")
    existing = flow_project.run(f"--flow-run={run}", *arguments)

    assert (trained.ret, trained.parseoutcomes()) == (1, {"passed": 6})
    told = [line for line in trained.outlines if line.startswith(f"{run}: ")]
    assert [line.split(": ")[1] for line in told] == sorted(FILES)
    closing = json.loads((flow_project.path / "lane.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (closing["record"], closing["exit_status"]) == ("closing", 1)
    assert (existing.ret, existing.parseoutcomes()) == (1, {"passed": 1})
    existing.stdout.fnmatch_lines(["*changed by tests*", "*: more.txt*"])


def test_a_lane_names_the_runs_that_it_trained_and_judged_with_their_roots(flow_project):
    flow_project.config("study.yaml")
    flow_project.tests("def test_it(flow_run, flow_verdict):\n    assert flow_verdict.ok\n")

    lane = ("--lane=mine", "--lane-report=trained.jsonl", "--junit-xml=junit.xml")
    only_read = flow_project.run("--flow-config=study.yaml", *lane)
    (run,) = flow_project.kept()
    flow_project.run(f"--flow-run={run}", "--lane=mine", "--lane-report=judged.jsonl")

    assert (only_read.ret, "changed by tests" in only_read.stdout.str()) == (0, False)
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
