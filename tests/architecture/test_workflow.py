"""The CI workflow: what its schema cannot know, from the lanes it runs to the gate that judges them."""

from __future__ import annotations

import configparser
import itertools
import re
import shlex
import tomllib

import pytest
import yaml

from extractor_flow.cli import main
from pytest_extractor_flow.capabilities import Capabilities
from support import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
GATE = JOBS["gate"]
MATRIX_VALUE = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")


def expanded(job):
    """The job's steps and settings as text, once for each member of its matrix."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    include = matrix.pop("include", [])
    axes = [[(key, value) for value in values] for key, values in matrix.items()]
    members = [dict(combination) for combination in itertools.product(*axes)] if axes else (include or [{}])
    text = yaml.safe_dump({key: value for key, value in job.items() if key != "strategy"}, width=10_000)
    return [MATRIX_VALUE.sub(lambda match, member=member: str(member[match[1]]), text) for member in members]


def environments():
    """Every tox environment that a job runs."""
    texts = [text for job in JOBS.values() for text in expanded(job)]
    return {name for text in texts for name in re.findall(r"tox run -e (\S+)", text)}


def gate_command():
    """The words of the gate's own command."""
    (command,) = [step["run"] for step in GATE["steps"] if "gate merge" in step.get("run", "")]
    return shlex.split(command)


def option(words, name):
    following = words[words.index(name) + 1 :]
    return list(itertools.takewhile(lambda word: not word.startswith("--"), following))


def tox_environments():
    """What ``tox list`` names; it also looks for the Python of each."""
    from tox.run import setup_state

    return set(setup_state(["list", "-c", str(ROOT / "tox.ini")]).conf)


def test_the_gate_waits_for_every_job_that_may_not_fail_and_runs_whatever_became_of_them():
    allowed_to_fail = {name for name, job in JOBS.items() if job.get("continue-on-error")}

    assert (allowed_to_fail, set(GATE["needs"]), GATE["if"]) == ({"ahead"}, JOBS.keys() - {"gate", "ahead"}, "always()")


def test_the_gate_fails_unless_every_other_job_succeeded():
    (step,) = [step for step in GATE["steps"] if "needs.*.result" in str(step)]

    assert step["run"] == f'test "$RESULTS" = "{" ".join(["success"] * len(GATE["needs"]))}"'


def test_every_environment_of_tox_is_run_and_no_other():
    assert environments() == tox_environments()


def test_the_gate_expects_the_lanes_of_tox_and_reads_the_report_of_each():
    lanes = sorted(name for name in environments() if name.startswith("flow-"))

    words = gate_command()

    reports = words[words.index("merge") + 1 : words.index("--expect-lane")]
    assert (sorted(option(words, "--expect-lane")), sorted(reports)) == (
        lanes,
        [f"lanes/{lane}.jsonl" for lane in lanes],
    )


@pytest.mark.parametrize("lane", [name for name in sorted(environments()) if name.startswith("flow-")])
def test_a_lane_writes_its_report_where_it_is_uploaded_from_whatever_became_of_it(lane):
    (job,) = [yaml.safe_load(text) for job in JOBS.values() for text in expanded(job) if f"tox run -e {lane}\n" in text]

    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]

    assert (job["env"]["LANES"], upload["if"], upload["with"]) == (
        "${{ github.workspace }}/lanes",
        "always()",
        {"name": f"lane-{lane}", "path": "lanes/", "overwrite": True},
    )


def test_a_lane_of_tox_reports_under_its_own_name():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    commands = tox["testenv:flow-{cpu,spawn,cuda}"]["commands"].strip().splitlines()

    assert tox["lane"]["options"].split()[:2] == [
        "--lane={envname}",
        "--lane-report={env:LANES:{env_tmp_dir}}{/}{envname}.jsonl",
    ]
    assert [command.endswith("{[lane]options} {posargs}") for command in commands] == [True] * 3


def test_the_gate_requires_known_markers_and_a_lane_promises_each():
    required = option(gate_command(), "--require")
    promised = {
        "cuda": "EXTRACTOR_FLOW_REQUIRE_HARDWARE=cuda" in (ROOT / "tox.ini").read_text(encoding="utf-8"),
        **{
            name: any(
                name in member.get("promised", "").split(",")
                for member in JOBS["lanes"]["strategy"]["matrix"]["include"]
            )
            for name in ("macos_spawn", "spawn")
        },
    }

    assert (set(required) - set(Capabilities(()).names), {name for name in required if not promised[name]}) == (
        set(),
        set(),
    )


def test_a_test_of_this_project_carries_each_required_marker():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/integration").rglob("test_*.py")]

    carried = {
        marker: any(f"@pytest.mark.{marker}\n" in text for text in texts)
        for marker in option(gate_command(), "--require")
    }

    assert carried == dict.fromkeys(carried, True)


def test_the_gates_own_command_is_red_when_no_lane_has_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    status = main(gate_command()[1:])

    lanes = option(gate_command(), "--expect-lane")
    text = (tmp_path / "gate.md").read_text(encoding="utf-8")
    assert (status, [f"- lane {lane}: no usable report" in text for lane in lanes]) == (1, [True] * len(lanes))
    assert (tmp_path / "gate.xml").is_file()


def test_every_action_is_pinned_by_its_digest_and_none_keeps_its_credentials():
    lines = [
        line.partition("uses: ")[2] for line in WORKFLOW.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "actions/checkout" in step.get("uses", "")]

    pinned = re.compile(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in lines if not pinned.fullmatch(line)] == []
    assert {step["with"]["persist-credentials"] for step in checkouts} == {False}


def test_the_oldest_versions_that_are_tested_are_the_oldest_that_are_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "constraints-minimum.txt").read_text(encoding="utf-8")

    tested = {line for line in text.splitlines() if not line.startswith("#")}
    assert tested == {requirement.replace(">=", "==") for requirement in project["dependencies"]}


def test_nothing_may_write_to_the_repository():
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))

    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in JOBS.items() if "permissions" in job] == []
