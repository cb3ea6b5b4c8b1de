"""The command line: help, wrong requests, what is here to work with."""

from __future__ import annotations

import json
import sys

import pytest

from extractor_flow.cli import parser
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from support import ROOT
from support.waiting import DEADLINE, wait_until

GOOD = {"name": "good"}


@pytest.mark.parametrize("words", [[], ["run"], ["verify"], ["report"], ["gate", "merge"], ["hardware"], ["schema"]])
def test_every_command_explains_itself(workbench, words):
    answer = workbench.call(*words, "--help")

    assert (answer.code, answer.out.splitlines()[0].startswith("usage: extractor-flow")) == (0, True)


def test_each_command_is_parsed_by_its_own_module_alone_as_by_all_of_them():
    usages = {name: command.format_usage() for name, command in commands_of(parser()).items()}

    assert {name: commands_of(parser(name))[name].format_usage() for name in usages} == usages


def commands_of(top):
    return top._subparsers._group_actions[0].choices


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["run"], "run: name a CONFIG, or a run directory with --resume"),
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run", "study.yaml", "--only", "cnn"], "--only 'cnn' matches no job; there are: good"),
        (["run", "study.yaml", "--require", "cudaa"], "--require 'cudaa': expected one of cuda, mps"),
        (["run", "study.yaml", "--jobs", "0"], "'0' is not a whole number of at least 1"),
        (["run", "study.yaml", "--seed", "x"], "'x' is not a whole number of at least 0"),
        (["run", "study.yaml", "--executor", "magic"], "no executor is installed under the name 'magic'"),
        (["run", "study.yaml", "--resume", "gone"], "gone: not a run directory: there is no such directory"),
        (["report", "gone"], "gone: not a run directory: there is no such directory"),
        (["verify", "gone"], "gone"),
        (["schema", "nope"], "there is no contract 'nope'; there are: "),
        (["explode"], "invalid choice: 'explode'"),
    ],
)
def test_a_wrong_request_is_explained_and_nothing_is_started(workbench, words, complaint):
    workbench.config(GOOD)

    answer = workbench.call(*words)

    assert (answer.code, complaint in answer.err, "Traceback" in answer.err) == (2, True, False), answer.err
    assert not (workbench.path / "runs").exists()


def test_a_config_of_an_unknown_flow_names_the_installed_ones(workbench):
    (workbench.path / "x.yaml").write_text("flow: magic\n", encoding="utf-8")

    answer = workbench.call("run", "x.yaml")

    assert (answer.code, "no flow is installed under the name 'magic'" in answer.err) == (2, True)


def test_an_output_root_that_cannot_be_written_to_is_named(workbench):
    config = workbench.config(GOOD)
    (workbench.path / "file").touch()

    answer = workbench.call("run", config, "--output-root", workbench.path / "file")

    assert answer.code == 2
    assert answer.err.startswith(f"extractor-flow: {workbench.path}/file: no run directory can be made there")


def test_a_run_directory_that_vanishes_is_named_without_a_traceback(workbench):
    gate = workbench.path / "gate"
    config = workbench.config({"name": "slow", "fault": "wait", "until": str(gate)})
    process = workbench.start("run", config)
    wait_until(gate.with_name("gate.slow.waiting"), process)
    (workbench.path / "runs").rename(workbench.path / "elsewhere")
    gate.touch()

    out, err = process.communicate(timeout=DEADLINE)

    assert (process.returncode, "Traceback" in err, "was stopped" in err) == (1, False, True), (out, err)


def test_the_hardware_is_told_to_people_and_to_programs(workbench):
    told = workbench.call("hardware").out
    data = json.loads(workbench.call("hardware", "--json").out)

    assert data["workers"] >= 1
    assert f"arch: {data['arch']}" in told
    assert ("gpu_model" in data) == ("cuda_version" in data)
    assert set(data["missing"]) <= {"cuda", "mps", "macos_spawn", "spawn", "slurm"}


def test_the_installed_flows_and_contracts_are_listed(workbench):
    flows = workbench.call("flows").out
    schemas = workbench.call("schema").out.split()
    schema = json.loads(workbench.call("schema", "run_config").out)

    assert {"line_fit: Line Fit Summary", "extractor_comparison: Multi-Extractor Training Summary"} <= set(
        flows.splitlines()
    )
    assert {"job_record", "run", "run_config", "training_summary"} <= set(schemas)
    assert schema["title"]


def test_the_presets_are_listed_without_a_deep_learning_package(workbench):
    names = [line.split(":")[0] for line in workbench.call("extractors").out.splitlines()]

    assert names == [*PRESETS]


def test_the_older_door_leads_to_the_same_room(workbench):
    import subprocess
    import sys

    script = ROOT / "scripts" / "multi_extractor_training.py"
    config = workbench.config(GOOD)
    command = [sys.executable, str(script), "--config", str(config), "--run-id", "mac-smoke"]

    done = subprocess.run(command, cwd=workbench.path, capture_output=True, text=True, check=False)

    assert (done.returncode, workbench.latest().request()["run_id"]) == (0, "mac-smoke")


def test_a_run_that_is_to_be_verified_is_and_ends_with_the_verdict(workbench):
    answer = workbench.call("run", workbench.config(GOOD), "--verify")

    assert (answer.code, ": verified: " in answer.out.splitlines()[-1]) == (0, True), answer.out


def test_a_run_that_is_to_be_verified_and_is_contradicted_exits_with_1(workbench):
    workbench.call("run", workbench.config(GOOD))
    run = (workbench.path / "runs" / "latest").resolve()
    order = next(run.rglob("job.json"))
    order.write_text(order.read_text(encoding="utf-8").replace("single-thread", "vectorized"), encoding="utf-8")

    answer = workbench.call("run", "--resume", run, "--verify")

    assert (answer.code, order.relative_to(run).as_posix() in answer.out) == (1, True), answer


def test_a_run_with_a_failed_job_is_verified_too_and_exits_with_1(workbench):
    answer = workbench.call("run", workbench.config(GOOD, {"name": "bad", "fault": "raise"}), "--verify")

    assert (answer.code, ": verified: " in answer.out.splitlines()[-1]) == (1, True), answer.out


@pytest.mark.parametrize(
    ("words", "refused"), [(("run", "x.yaml"), True), (("verify", "x"), True), (("checks",), False)]
)
def test_without_file_locks_a_command_works_or_says_in_a_sentence_what_does(workbench, monkeypatch, words, refused):
    monkeypatch.setitem(sys.modules, "fcntl", None)

    answer = workbench.call(*words)

    said = f"extractor-flow: {words[0]} needs Linux or macOS; on Windows use it inside WSL. What works here: gate, "
    assert (answer.code, answer.err.startswith(said)) == ((2, True) if refused else (0, False))
