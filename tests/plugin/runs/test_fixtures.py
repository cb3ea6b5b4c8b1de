"""What tests rely on when they ask for a run: it is real, the right one, and made once however they are run."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from support.plugin.flow_project import MIXED, PATIENCE
from support.whole import one_of_a_kind

ABOUT_ONE_RUN = """
pytestmark = pytest.mark.flow("study.yaml", allow_failures=True)

def test_directory(flow_run):
    assert (flow_run / "run.json").is_file()

def test_summary(flow_summary):
    assert [result["status"] for result in flow_summary["model_results"]] == ["success", "failed", "skipped"]

def test_records(flow_records):
    assert [record.label for record in flow_records] == ["line seed 0", "bad seed 0", "gone seed 0"]

def test_markdown(flow_markdown):
    assert "- Created At: (time)" in flow_markdown.splitlines()

def test_verdict(flow_verdict):
    assert flow_verdict.ok

def test_machine(hardware_profile, flow_summary):
    assert hardware_profile.to_json() in flow_summary["hardware_overview"]

@pytest.mark.flow("study.yaml")
def test_unprepared(flow_summary): pass

@pytest.mark.flow(allow_failures=False)
def test_unprepared_too(flow_run): pass
"""
OF_A_UNITTEST = """
import unittest

class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def run_is_here(self, flow_run): pass

    def test_it(self): pass
"""
DISTRIBUTIONS = {
    "alone": ("-n0",),
    "each": ("--dist=each", "--tx=2*popen"),
    "loadscope": ("-n2", "--dist=loadscope"),
}


@pytest.mark.parametrize("how", one_of_a_kind(DISTRIBUTIONS, lambda name: name != "alone"))
def test_every_fixture_shows_the_one_run_and_nobody_calls_it_ok_if_a_job_failed(flow_project, how, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    flow_project.config("study.yaml", *MIXED)
    flow_project.tests(ABOUT_ONE_RUN)
    flow_project.tests(OF_A_UNITTEST, "test_unittest.py")

    result = flow_project.run("--color=no", "--flow-config=study.yaml", *DISTRIBUTIONS[how])

    times = 2 if how == "each" else 1
    counted = (result.parseoutcomes(), len(flow_project.kept()), flow_project.leftovers())
    assert counted == ({"passed": 6 * times, "errors": 3 * times}, 1, [])
    result.stdout.fnmatch_lines(
        [
            "1 job failed in this run; a test that judges failures says flow(..., allow_failures=True)",
            "  bad seed 0: RuntimeError: this model was asked to raise",
            "*executed once*",
            "study.yaml: exit status 1 in *",
            "  failed bad seed 0: RuntimeError: this model was asked to raise",
            "  next: extractor-flow run --resume */kept/*-line-fit",
        ]
    )


@pytest.mark.skipif(platform.machine() == "arm64", reason="Metal may be here")
def test_a_job_may_be_skipped_unless_the_session_has_promised_what_it_needs(flow_project):
    lacking = ({"name": "gone", "requires": ["mps"]}, {"name": "far", "requires": ["telescope"]})
    flow_project.config("study.yaml", {"name": "line"}, *lacking)
    flow_project.pytester.makeconftest(
        "from pytest_extractor_flow.capabilities import Capability\n"
        "def pytest_extractor_flow_capabilities():\n"
        "    return {'mps': lambda: Capability(available=True, reason='so it seems to pytest')}\n"
    )
    flow_project.tests("@pytest.mark.flow('study.yaml')\ndef test_it(flow_run): pass\n")

    result = flow_project.run("study.yaml::job", "test_project.py", "--require-hardware=mps,spawn")

    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "skipped": 1, "errors": 1}
    result.stdout.fnmatch_lines(["1 job failed in this run; *", "  gone seed 0: gone requires mps: *"])


def test_the_nearest_mark_chooses_the_configs_and_each_is_trained_once(flow_project):
    for name in ("session.yaml", "here/marked.yaml"):
        flow_project.config(name, run_id=name.rpartition("/")[2])
    flow_project.tests("def test_unmarked(flow_run):\n    assert flow_run.name.endswith('-session.yaml')\n")
    marked = (
        "pytestmark = pytest.mark.flow('marked.yaml')\n"
        "def test_module(flow_run):\n    assert flow_run.name.endswith('-marked.yaml')\n"
        "@pytest.mark.flow('session.yaml')\n"
        "class TestIt:\n"
        "    def test_class(self, flow_run):\n        assert flow_run.name.endswith('-session.yaml')\n"
        "    @pytest.mark.flow('session.yaml', 'marked.yaml')\n"
        "    def test_both(self, flow_summary, request):\n"
        "        assert request.node.name == f'test_both[{flow_summary[\"run_id\"][:-5]}]'\n"
    )
    flow_project.tests(marked, "here/test_marked.py")

    result = flow_project.run("--flow-config=session.yaml", "-n2")

    assert (result.parseoutcomes(), len(flow_project.kept())) == ({"passed": 5}, 2)


def test_a_test_is_selected_by_the_name_of_its_config(flow_project):
    flow_project.config("a/study.yaml")
    flow_project.config("b/study.yaml")
    flow_project.tests("@pytest.mark.flow('a/study.yaml', 'b/study.yaml')\ndef test_it(flow_run): pass\n")

    result = flow_project.run("--collect-only", "-q", "-k", "b/study")

    assert (result.outlines[0], flow_project.kept()) == ("test_project.py::test_it[b/study.yaml]", [])


def test_a_mark_of_spawn_makes_a_run_of_its_own_under_spawn(flow_project):
    flow_project.config()
    flow_project.tests(
        "pytestmark = pytest.mark.flow('study.yaml')\n"
        "def test_as_ever(flow_run): pass\n"
        "@pytest.mark.spawn\ndef test_spawned(flow_verdict):\n    assert flow_verdict.ok\n"
        "@pytest.mark.spawn\ndef test_spawned_too(flow_run): pass\n"
    )

    result = flow_project.run()

    spawned = sorted(command[-2:] == ["--start-method", "spawn"] for command in flow_project.commands())
    assert (result.parseoutcomes(), spawned) == ({"passed": 3}, [False, True])


def test_ini_keys_name_the_config_and_what_a_run_may_import(flow_project):
    flow_project.config("studies/a.yaml", run_id="a")
    flow_project.pytester.makeini("[pytest]\nflow_config = studies/a.yaml\nflow_timeout = 100\npythonpath = src")
    flow_project.tests("import pathlib; pathlib.Path('imported').touch()\n", "src/sitecustomize.py")
    flow_project.tests("def test_it(flow_run):\n    assert flow_run.name.endswith('-a')\n")

    result = flow_project.run()

    assert (result.parseoutcomes(), (flow_project.path / "imported").exists()) == ({"passed": 1}, True)


def test_without_a_place_to_keep_them_run_directories_end_with_the_session_also_at_the_first_failure(flow_project):
    flow_project.config()
    flow_project.tests(
        "def test_asks_at_run_time(request):\n    assert request.getfixturevalue('flow_run').is_dir()\n"
        "def test_it(flow_verdict):\n    assert flow_verdict.ok\n"
        "def test_bad(flow_run):\n    assert 0\n"
        "def test_left_out(flow_run): pass\n"
    )

    result = flow_project.pytester.runpytest_subprocess("--flow-config=study.yaml", "-x", timeout=PATIENCE)

    left = (result.parseoutcomes(), flow_project.leftovers(), flow_project.kept())
    assert left == ({"passed": 2, "failed": 1}, [], [])


WHEN_TIMED = """
from pathlib import Path

def pytest_timeout_set_timer(item, settings):
    run = "a run" if any(Path("kept").glob("*/summary.json")) else "no run yet"
    with open("timed", "a") as file:
        print(item.name, run, file=file)
    return True
"""


def test_waiting_for_a_run_does_not_count_against_a_tests_own_time_limit(flow_project):
    flow_project.config()
    flow_project.tests(WHEN_TIMED, "conftest.py")
    flow_project.tests("def test_it(flow_run): pass\n")
    arguments = ("study.yaml", "test_project.py", "-kjob or it")

    result = flow_project.run("--flow-config=study.yaml", *arguments, "--timeout=1800")

    timed = (flow_project.path / "timed").read_text(encoding="utf-8").splitlines()
    assert (result.parseoutcomes(), timed) == (
        {"passed": 2, "deselected": 4},
        ["line seed 0 a run", "test_it a run"],
    )


def test_a_project_may_have_a_directory_called_as_our_package_is(flow_project):
    flow_project.config()
    for name in ("harness/__init__.py", "yaml.py"):
        flow_project.tests("raise RuntimeError('not this one')\n", name)
    flow_project.tests("def test_it(flow_verdict):\n    assert flow_verdict.ok\n", "tests/test_project.py")

    # Not as `python -m pytest` nor by pytester: both put the working directory before everything else themselves.
    words = [Path(sys.executable).with_name("pytest"), "--flow-config=study.yaml", "tests", "study.yaml"]
    done = subprocess.run(words, cwd=flow_project.path, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, "6 passed" in done.stdout) == (0, True), done.stdout


NOTHING_IS_THERE = """
import os, signal

def pytest_sessionfinish():
    assert os.listdir(os.environ["TMPDIR"]) == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


def test_a_session_without_runs_leaves_a_project_its_own_package_of_that_name_and_makes_nothing(flow_project):
    flow_project.tests("MINE = 1\n", "harness/__init__.py")
    flow_project.tests(NOTHING_IS_THERE, "conftest.py")
    flow_project.tests("import harness\ndef test_it():\n    assert harness.MINE == 1\n")

    result = flow_project.pytester.runpytest_subprocess("-n2", timeout=PATIENCE)

    assert (result.ret, result.parseoutcomes()) == (0, {"passed": 1})
