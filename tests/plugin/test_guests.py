"""Installed in somebody else's test suite, the plugin keeps out of the way."""

import signal
from types import SimpleNamespace

import pytest

from pytest_extractor_flow import plugin
from pytest_extractor_flow.once.session_directory import SessionDirectory

OWN = "cuda: runs on my machine\n    slurm(queue): one of our queues\n    spawn"
TESTS = """
import multiprocessing
import pytest

@pytest.mark.cuda
def test_gpu(): pass

@pytest.mark.slurm("short")
def test_queue(): pass

@pytest.mark.spawn
def test_spawn(request): assert not hasattr(request.node, "callspec")
"""
IN_CONFTEST = """
def pytest_configure(config):
    for line in {lines!r}:
        config.addinivalue_line("markers", line)
"""


@pytest.mark.parametrize("place", ["ini", "conftest"])
def test_markers_that_a_project_registers_itself_keep_their_meaning_unless_it_gives_them_away(
    pytester, monkeypatch, place
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pytester.makepyfile(TESTS)
    if place == "ini":
        pytester.makeini(f"[pytest]\nmarkers =\n    {OWN}")
    else:
        pytester.makeconftest(IN_CONFTEST.format(lines=OWN.split("\n    ")))

    theirs = pytester.runpytest_subprocess("--strict-markers", "--junitxml=junit.xml", "-n1")
    given = pytester.runpytest_subprocess("--strict-markers", "-oflow_markers=cuda spawn", "--require-hardware=spawn")

    theirs.assert_outcomes(passed=3)
    assert "property" not in (pytester.path / "junit.xml").read_text(encoding="utf-8")
    given.assert_outcomes(passed=2, skipped=1)
    given.stdout.fnmatch_lines(["extractor-flow: this project's own markers, which skip nothing: slurm (see the ini*"])


def test_a_handler_that_somebody_set_is_not_reset(tmp_path):
    directory = SessionDirectory(tmp_path / "extractor-flow-here")
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    directory.remove()

    assert (before, signal.signal(signal.SIGTERM, signal.SIG_DFL)) == (directory._on_sigterm, signal.SIG_IGN)


def test_a_config_that_pytest_has_not_configured_is_no_error(pytester):
    config = pytester.parseconfig()
    node = SimpleNamespace(config=config, workerinput={}, gateway=SimpleNamespace(id="gw0"))

    plugin.pytest_configure_node(node)
    plugin.pytest_xdist_node_collection_finished(node)
    plugin.pytest_collection_modifyitems(config, [])

    assert plugin.pytest_report_header(config) is None


NO_LOCKS = "import sys\nsys.modules['fcntl'] = None\n"
KINDS = "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pytest.skip('so')\n"


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "a worker"])
def test_on_a_system_without_file_locks_it_is_idle_and_refuses_in_a_sentence_what_needs_them(pytester, arguments):
    pytester.makepyfile(no_locks=NO_LOCKS, test_kinds=KINDS, test_run="def test_it(flow_run): pass")

    idle = pytester.runpytest_subprocess("-p", "no_locks", "test_kinds.py", *arguments)
    used = [pytester.runpytest_subprocess("-p", "no_locks", *arguments, *more) for more in ((), ("--evidence=out",))]

    idle.assert_outcomes(passed=1, failed=1, skipped=1)
    for result in used:
        assert (result.ret, "Traceback" in result.stdout.str()) == (pytest.ExitCode.USAGE_ERROR, False)
        result.stderr.fnmatch_lines(["ERROR: extractor-flow: without fcntl, which this system lacks, tests cannot*"])
