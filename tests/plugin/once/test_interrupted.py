"""Whoever is killed while the command runs: it is not run again, and neither it nor a file stays behind."""

from __future__ import annotations

import os
import signal

import pytest

from support.plugin.command_project import CLEAN, Census

WORKERS = {"alone": ("-n0",), "two workers": ("-n2",)}


def test_a_worker_killed_while_the_command_runs_takes_nothing_with_it(project):
    project.write("waits")
    session = project.start("-n2")
    project.await_command()

    os.kill(project.starter(), signal.SIGKILL)
    project.let_go()

    outcomes = pytest.RunResult.parse_summary_nouns(project.output(session).splitlines())
    assert (outcomes, project.census()) == ({"failed": 1, "passed": 3}, CLEAN)


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_a_supervisor_killed_while_the_command_runs_counts_as_a_crash_and_the_command_is_ended(project, arguments):
    project.write("hangs", limit=1000.0)
    session = project.start(*arguments)
    project.await_command()

    os.kill(project.supervisor(), signal.SIGKILL)

    outcomes = pytest.RunResult.parse_summary_nouns(project.output(session).splitlines())
    assert (outcomes, project.census(cleanups=1)) == ({"errors": 4}, CLEAN)


def test_a_worker_and_its_supervisor_killed_together_count_as_a_crash(project):
    project.write("hangs", limit=1000.0)
    session = project.start("-n2")
    project.await_command()
    victims = (project.starter(), project.supervisor())

    for victim in victims:
        os.kill(victim, signal.SIGKILL)

    outcomes = pytest.RunResult.parse_summary_nouns(project.output(session).splitlines())
    assert (outcomes, project.census(cleanups=1)) == ({"failed": 1, "errors": 3}, CLEAN)


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, int(pytest.ExitCode.INTERRUPTED))]
)
@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_a_controller_asked_to_end_ends_the_command_first(project, arguments, signum, status):
    project.write("hangs", limit=1000.0)
    session = project.start(*arguments)
    project.await_command()

    session.send_signal(signum)

    project.output(session)
    assert (session.returncode, project.census()) == (status, CLEAN)


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_a_controller_killed_outright_leaves_the_clean_up_to_the_supervisor(project, arguments):
    project.write("hangs", limit=1000.0)
    session = project.start(*arguments)
    project.await_command()

    session.kill()

    project.output(session)
    assert project.census(cleanups=0) == Census(runs=1, cleanups=0, leftovers=[])


def test_what_a_killed_session_left_behind_is_removed_by_the_next(project):
    project.write("ok", tests="import os, signal\ndef test_dies(flow): os.kill(os.getpid(), signal.SIGKILL)")
    project.run()
    left = len(project.census().leftovers)

    (project.path / "test_project.py").write_text("def test_uses(flow): pass", encoding="utf-8")
    project.run()

    assert (left, project.census()) == (1, Census(runs=2, cleanups=1, leftovers=[]))


def test_two_sessions_at_once_in_one_place_have_a_run_each(project):
    project.write("waits")
    sessions = [project.start("-n2", "-p", "no:cacheprovider") for _ in range(2)]
    project.await_command(2)

    project.let_go(2)

    outcomes = [pytest.RunResult.parse_summary_nouns(project.output(session).splitlines()) for session in sessions]
    assert (outcomes, project.census()) == ([{"passed": 4}] * 2, Census(runs=2, cleanups=2, leftovers=[]))


def test_a_termination_without_a_command_is_as_abrupt_as_ever(project):
    tests = "import os, signal\ndef test_ends(run_once): os.kill(os.getpid(), signal.SIGTERM)"
    project.write("ok", tests=tests)

    session = project.start()

    project.output(session)
    assert (session.returncode, project.census()) == (-signal.SIGTERM, Census(0, 0, []))
