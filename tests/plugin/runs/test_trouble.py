"""What tests say when there is no run to check: why, where it was asked for, and the whole log only once."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from extractor_flow.run.hardware import missing_capabilities
from pytest_extractor_flow.options import read_flow_options
from pytest_extractor_flow.runs.session_runs import published_run
from support.plugin.command_project import PATIENCE, eventually

WAITS = {"name": "slow", "fault": "wait", "until": "never"}
ONE_TEST = "def test_it(flow_run): pass\n"
FOUR_TESTS = "@pytest.mark.parametrize('n', range(4))\ndef test_it(flow_run, n): pass\n"


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [(("-n2",), {"errors": 4}), (("--reruns=1",), {"errors": 4, "rerun": 4})],
    ids=["two workers", "reruns"],
)
def test_what_is_wrong_with_a_config_is_told_once_in_full(flow_project, arguments, outcomes):
    flow_project.config(stepz=5)
    flow_project.tests(FOUR_TESTS)

    result = flow_project.run("--flow-config=study.yaml", *arguments)

    words = result.stdout.str()
    told = [words.count(text) for text in ("study.yaml:4: run.stepz: unknown key", "(its log is shown where")]
    assert (result.parseoutcomes(), told, flow_project.kept()) == (outcomes, [1, 3], [])
    result.stdout.fnmatch_lines(["*executed once*", "study.yaml: failed: exit status 2 in *"])


def test_a_run_that_takes_too_long_is_ended_and_told_once_in_full(flow_project):
    flow_project.config("study.yaml", WAITS)
    flow_project.tests("@pytest.mark.flow('study.yaml')\n" + FOUR_TESTS)

    result = flow_project.run("--flow-timeout=2", "-n2")

    words = result.stdout.str()
    told = [words.count(text) for text in ("the end of what it printed", "(its log is shown where")]
    assert (result.parseoutcomes(), told, flow_project.leftovers()) == ({"errors": 4}, [1, 3], [])
    result.stdout.fnmatch_lines(["study.yaml: timeout: it did not end in time and was ended after * s*"])


def test_a_session_that_is_ended_while_it_trains_ends_the_training_and_leaves_nothing(flow_project, warm_sessions):
    flow_project.config("study.yaml", {**WAITS, "until": str(flow_project.path / "never")})
    flow_project.tests(FOUR_TESTS)
    with Path(os.devnull).open("wb") as nothing:
        words = ("-n2", "--flow-config=study.yaml", "--flow-timeout=60")
        session = warm_sessions.start(flow_project.path, words, (nothing, nothing))
    eventually((flow_project.path / "never.slow.waiting").exists)
    begun = len(flow_project.leftovers())

    session.send_signal(signal.SIGTERM)
    session.wait(PATIENCE)

    assert (session.returncode, begun > 0, flow_project.leftovers()) == (143, True, [])


def test_a_place_that_cannot_hold_a_run_is_told_and_is_not_taken_for_a_run(flow_project):
    flow_project.config()
    (flow_project.path / "kept").symlink_to("nowhere")
    flow_project.tests(ONE_TEST)

    result = flow_project.run("--flow-config=study.yaml")

    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["study.yaml: failed: exit status 2", "*kept: no run directory can be made there:*"])


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ('{{"published": true, "run_directory": "{run}"}}', True),
        ('{{"published": false, "run_directory": "{run}"}}', False),
        ('{{"published": false, "run_directory": null}}', False),
        ('{{"published": true, "run_directory": "{run}/gone"}}', False),
        ('{{"published": tr', False),
        (None, False),
    ],
    ids=["published", "not published", "refused", "gone", "torn", "killed"],
)
def test_only_a_run_that_was_published_and_is_there_is_taken_for_one(tmp_path, result, found):
    if result is not None:
        (tmp_path / "result.json").write_text(result.format(run=tmp_path), encoding="utf-8")

    assert published_run(tmp_path / "result.json") == (tmp_path if found else None)


def test_a_test_without_a_config_says_how_to_name_one(flow_project):
    flow_project.config()
    late = "@pytest.mark.flow('study.yaml')\ndef test_steps(request):\n    request.getfixturevalue('flow_run')\n"
    flow_project.tests(ONE_TEST + late)

    result = flow_project.run()

    assert result.parseoutcomes() == {"errors": 1, "failed": 1}
    result.stdout.fnmatch_lines(["*::test_steps: the marks flow, *: a scenario of pytest-bdd has the flow fixture in*"])
    result.stdout.fnmatch_lines(["*no config was named: mark it with @pytest.mark.flow(*"])


USAGE = {
    "a missing config": (
        "--flow-config=gone.yaml",
        "--flow-config gone.yaml: no such config; looked for .*/gone.yaml$",
    ),
    "a missing run": ("--flow-run=gone", "--flow-run .*/gone: not a run directory: there is no such directory"),
    "no run": ("--flow-run=.", "--flow-run .*: not a run directory: it has no run.json"),
    "no time": ("--flow-timeout=0", "--flow-timeout: expected a positive number of seconds"),
    "no time in the ini file": ("-oflow_timeout=soon", "flow_timeout: expected a positive number of seconds"),
    "a pattern from the top": ("-oflow_files=/configs/*.yaml", "flow_files: .* is not below the root directory"),
    "a pattern without a file": ("-oflow_files=gone*.yaml", r"flow_files: gone\*.yaml matches no file below "),
    "an ini key's missing config": ("-oflow_config=gone.yaml", "flow_config: gone.yaml: no such config"),
    "a directory for a config": ("--flow-config=.", "--flow-config .: is a directory; name a config in it"),
    "a file for a run": (f"--flow-run={__file__}", "--flow-run .*: not a run directory: it is a file"),
    "a file for the runs": (f"--flow-output={__file__}", "--flow-output .*: is a file; name a directory"),
    "nothing for a run": ("--flow-run=", "--flow-run .*: not a run directory: it has no run.json"),
}


@pytest.mark.parametrize(("argument", "message"), USAGE.values(), ids=USAGE)
def test_a_wrong_option_is_refused_where_it_was_given(pytester, argument, message):
    config = pytester.parseconfig(argument)

    with pytest.raises(pytest.UsageError, match=message):
        read_flow_options(config)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--flow-output=", "--flow-output= names nothing; say what"),
        ("--flow-config=", "--flow-config= names nothing; say what"),
        ("--flow-output=~/kept", r'--flow-output=~/kept: the shell leaves that ~ as it is; write .*="\$HOME/kept"'),
        ("-oflow_markers=gpu", "flow_markers: 'gpu' is no marker of the plugin; there are: cuda, flow, macos_spawn"),
    ],
)
def test_an_option_that_would_mean_nothing_or_another_thing_is_refused(pytester, argument, message):
    with pytest.raises(pytest.UsageError, match=message):
        pytester.parseconfigure(argument)


def test_a_wrong_option_is_refused_before_anything_is_collected(pytester):
    result = pytester.runpytest_subprocess("--flow-config=gone.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --flow-config gone.yaml: no such config*"])


def test_a_wrong_mark_is_an_error_of_collection_without_a_traceback(flow_project):
    twice = "flow('test_a.py')\n@pytest.mark.flow('test_b.py')"
    flow_project.config()
    marks = ("flow('studdy.yml')", "flow()", "flow(1)", twice, "flow(allow_failures=1)")
    for name, mark in zip("abcde", marks, strict=True):
        flow_project.tests(f"@pytest.mark.{mark}\ndef test_it(flow_run): pass\n", f"test_{name}.py")

    result = flow_project.run()

    assert (result.parseoutcomes(), "Traceback" in result.stdout.str()) == ({"errors": 5}, False)
    result.stdout.fnmatch_lines(
        [
            "test_a.py::test_it: flow('studdy.yml'): no such config; looked for */studdy.yml; did*/study.yaml[?]",
            "test_b.py::test_it: the mark flow takes one or more paths of configs*",
            "test_c.py::test_it: the mark flow takes one or more paths of configs*",
            "test_d.py::test_it: two marks flow on one function; write one with all its configs*",
            "test_e.py::test_it: the mark flow takes one or more paths of configs*",
        ]
    )


TOO_LATE = """
import unittest

@pytest.mark.flow("study.yaml")
def test_first(request): request.getfixturevalue("flow_run")

def test_before(flow_run): pass

@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.spawn)])
def test_parameter(flow_run, n): pass

@pytest.mark.flow("study.yaml")
@pytest.mark.usefixtures("flow_run")
class TestCase(unittest.TestCase):
    def test_method(self): pass

@pytest.mark.flow("other.yaml")
def test_config(request): request.getfixturevalue("flow_run")

@pytest.mark.spawn
def test_spawn(request): request.getfixturevalue("flow_summary")

@pytest.mark.flow("other.yaml")
@pytest.mark.xfail
def test_expected(request): request.getfixturevalue("flow_run")

def test_after(request): request.getfixturevalue("flow_records")
"""


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "a worker"])
def test_a_mark_that_came_too_late_to_choose_a_run_fails_its_test_and_no_other(flow_project, arguments):
    for name in ("study.yaml", "other.yaml"):
        flow_project.config(name)
    flow_project.tests(TOO_LATE)

    result = flow_project.run("--flow-config=study.yaml", "-rfE", *arguments)

    bad = {line.split()[1].rpartition("::")[2] for line in result.outlines if line.startswith(("FAILED", "ERROR "))}
    assert bad == {"test_first", "test_parameter[1]", "test_method", "test_config", "test_spawn", "test_expected"}
    assert (result.parseoutcomes(), len(flow_project.kept())) == ({"passed": 2, "failed": 4, "errors": 2}, 1)
    for name in ("first", "config", "spawn", "expected"):
        result.stdout.fnmatch_lines([f"*::test_{name}: the marks flow, spawn and macos_spawn choose the run when*"])


def test_a_test_whose_own_mark_names_a_config_does_not_pass_without_asking_for_its_run(pytester):
    pytester.makepyfile(
        "import pytest, unittest\nmark = pytest.mark.flow('study.yaml')\n"
        "@mark\ndef test_forgot(tmp_path): pass\n"
        "class TestCase(unittest.TestCase):\n    @mark\n    def test_forgot(self): pass\n"
        "@mark\nclass TestSeveral:\n    def test_other(self): pass\n"
        "@pytest.mark.flow('log in')\ndef test_somebody_elses(): pass\n"
    )
    pytester.makefile(".yaml", study="flow: line_fit\nmodels: [{name: line}]\n")

    ours = pytester.runpytest_inprocess("-rf", "--flow-config=study.yaml")
    theirs = pytester.runpytest_inprocess("-omarkers=flow(file): one of our own")

    assert ours.parseoutcomes() == {"failed": 2, "passed": 2}
    ours.stdout.fnmatch_lines(["--flow-config: no test asked for a run of it, so nothing was trained"])
    ours.stdout.fnmatch_lines(["*::test_forgot: marked flow('study.yaml'), and it asks for no run: *"])
    assert theirs.parseoutcomes() == {"passed": 4}


def test_a_run_in_which_no_job_can_start_leaves_no_process_behind(flow_project):
    if find_spec("torch") is None:  # not importorskip: another test's session may have dropped numpy again
        pytest.skip("no torch here")
    missing = missing_capabilities()
    if "cuda" not in missing:
        pytest.skip("a GPU is here, so the jobs start")
    config = {"run": {"device": "cuda", "total_timesteps": 64}, "extractors": [{"name": "mlp", "preset": "mlp_small"}]}
    (flow_project.path / "gpu.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    result = flow_project.run("gpu.yaml", "-rs")

    assert result.parseoutcomes() == {"passed": 4, "skipped": 1}
    assert "left processes" not in result.stdout.str()


def test_a_session_with_several_configs_refuses_a_choice_at_run_time(flow_project):
    for name in ("a.yaml", "b.yaml"):
        flow_project.config(name)
    flow_project.tests("def test_it(request):\n    request.getfixturevalue('flow_run')\n")

    result = flow_project.run("--flow-config=a.yaml", "--flow-config=b.yaml")

    assert (result.parseoutcomes(), flow_project.kept()) == ({"failed": 1}, [])
    result.stdout.fnmatch_lines(["*the session has several configs; name the flow fixture*"])
