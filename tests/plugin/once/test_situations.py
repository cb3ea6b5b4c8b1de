"""One run, one clean-up, nothing left: whatever the command does and however its tests are distributed."""

from __future__ import annotations

import pytest

from support.plugin.command_project import CLEAN, FOUR_TESTS, Census
from support.whole import one_of_a_kind

ALONE, TWO = (), ("-n2",)
WORKERS = {"alone": ALONE, "two workers": TWO}
FATES = {
    "ok": {"passed": 4},
    "fails": {"errors": 4},
    "skips": {"skipped": 4},
    "segfaults": {"errors": 4},
    "leaves children": {"passed": 4},
}
DISTRIBUTIONS = {
    "each": ("--dist=each", "--tx=2*popen"),
    "loadfile": ("-n2", "--dist=loadfile"),
    "loadgroup": ("-n2", "--dist=loadgroup"),
    "worksteal": ("-n2", "--dist=worksteal"),
}
WITH_A_BAD_NEIGHBOUR = """
def test_uses(flow):
    pass

def test_bad():
    open("announced", "rb").read(1)
    assert False
"""


@pytest.mark.parametrize(
    ("behaviour", "arguments"),
    # Two workers are told of what failed, was killed or went well in the tests below.
    [
        *((each, ALONE) for each in FATES),
        ("skips", TWO),
        *(pytest.param(each, TWO, marks=pytest.mark.whole) for each in FATES if each != "skips"),
    ],
)
def test_whatever_the_command_does_it_runs_once_and_its_outcome_is_replayed(project, behaviour, arguments):
    project.write(behaviour)

    result = project.run(*arguments)

    assert (result.parseoutcomes(), project.census()) == (FATES[behaviour], CLEAN)


@pytest.mark.parametrize("arguments", [ALONE, pytest.param(TWO, marks=pytest.mark.whole)], ids=WORKERS)
def test_a_command_that_hangs_is_ended_at_its_deadline_and_not_run_again(project, arguments):
    project.write("hangs", limit=1.0)

    result = project.run(*arguments)

    assert (result.parseoutcomes(), project.census()) == ({"errors": 4}, CLEAN)
    result.stdout.fnmatch_lines(["*flow: timeout: it did not end in time*"])


@pytest.mark.parametrize("how", one_of_a_kind(DISTRIBUTIONS, lambda name: name == "each"))
def test_however_the_tests_are_distributed_the_command_runs_once(project, how):
    project.write("ok")

    result = project.run(*DISTRIBUTIONS[how])

    passed = 8 if how == "each" else 4
    assert (result.parseoutcomes(), project.census()) == ({"passed": passed}, CLEAN)


@pytest.mark.parametrize(("behaviour", "arguments"), [("fails", ()), ("segfaults", ("-n2",))])
def test_a_rerun_replays_the_outcome(project, behaviour, arguments):
    project.write(behaviour)

    result = project.run("--reruns=2", *arguments)

    assert (result.parseoutcomes(), project.census()) == ({"errors": 4, "rerun": 8}, CLEAN)


def test_stopping_at_the_first_failure_cleans_up_after_a_finished_command(project):
    project.write("fails")

    result = project.run("-x")

    assert (result.parseoutcomes(), project.census()) == ({"errors": 1}, CLEAN)


def test_stopping_at_the_first_failure_ends_a_command_that_another_worker_waits_for(project):
    project.write("hangs", limit=1000.0, tests=WITH_A_BAD_NEIGHBOUR)

    result = project.run("-x", "-n2")

    assert (result.ret, project.census()) == (pytest.ExitCode.INTERRUPTED, CLEAN)


def test_the_last_failed_tests_alone_run_the_command_once(project):
    project.write("fails")
    project.run("-n2")

    result = project.run("-n2", "--lf")

    assert (result.parseoutcomes(), project.census()) == ({"errors": 4}, Census(runs=2, cleanups=2, leftovers=[]))


def test_several_commands_in_one_session_run_once_each(project):
    second = FOUR_TESTS + (
        "\nimport sys\nfrom pytest_extractor_flow.once.execution import Command\n"
        "from conftest import HERE\n\n"
        "def test_another(run_once):\n"
        "    run_once(Command('another', (sys.executable, '-S', str(HERE / 'command.py'), str(HERE)), timeout=60))\n"
    )
    project.write("ok", tests=second)

    result = project.run("-n2")

    assert (result.parseoutcomes(), project.census()) == ({"passed": 5}, Census(runs=2, cleanups=2, leftovers=[]))


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_waiting_for_the_command_does_not_count_against_a_tests_own_time_limit(project, arguments):
    project.write("outlasts a test's limit")

    result = project.run("--timeout=3", *arguments)

    assert (result.parseoutcomes(), project.census()) == ({"passed": 4}, CLEAN)


FORKING = """
import os

import pytest
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    child = os.fork()
    if child == 0:
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        os._exit(any(report.failed for report in reports))
    if os.waitpid(child, 0)[1]:
        pytest.exit("a test failed", returncode=9)
    return True
"""


def test_in_a_process_for_each_test_the_command_runs_once(project):
    project.write("ok")
    (project.path / "forking.py").write_text(FORKING, encoding="utf-8")

    result = project.run("-p", "forking")

    assert (result.ret, project.census()) == (pytest.ExitCode.OK, CLEAN)


def test_a_session_that_needs_no_command_makes_no_directory(project):
    project.write("ok", tests="def test_simple(): pass")

    result = project.run()

    assert (result.parseoutcomes(), project.census()) == ({"passed": 1}, Census(runs=0, cleanups=0, leftovers=[]))


def test_a_bad_run_is_reported_in_full_once(project):
    project.write("fails")

    result = project.run("-n2")

    words = result.stdout.str()
    assert [words.count(text) for text in ("the command's own words", "its log is shown where")] == [1, 3]
