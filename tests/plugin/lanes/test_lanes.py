"""A lane report says what became of every test, and the gate reads it: all reports here are made by real sessions."""

import json
import subprocess
import sys

import pytest

from extractor_flow.contracts import violations
from extractor_flow.gate import Finding, merge, read_report

NOBODYS = "a_module_nobody_has"
WORKERS = {"alone": (), "two workers": ("-n2",), "each": ("--dist=each", "--tx=2*popen")}
HIDDEN = "cuda: CUDA_VISIBLE_DEVICES='' hides every GPU"
KINDS = """
import os
from pathlib import Path

import pytest

@pytest.fixture
def bad():
    raise ValueError("boom")

@pytest.fixture
def bad_end():
    yield
    raise ValueError("too late")

def test_passes(): pass
def test_fails(): assert 1 == 2, "not equal"
def test_error(bad): pass
def test_late_error(bad_end): pass
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
def test_left_by_a_skip(): pytest.skip("half way")
@pytest.mark.xfail(reason="known")
def test_expected_failure(): assert False
@pytest.mark.xfail(run=False, reason="hangs")
def test_not_run(): pass
def test_left_by_an_xfail(): pytest.xfail("gave up")
@pytest.mark.xfail
def test_unexpected_pass(): pass
@pytest.mark.cuda
@pytest.mark.slow
def test_gpu(): pass
@pytest.mark.flaky(reruns=1)
def test_flaky():
    marks = Path(__file__).with_name("marks" + os.environ.get("PYTEST_XDIST_WORKER", ""))
    first = not marks.exists()
    marks.touch()
    assert not first
def test_left_out(): pass
"""
FATES = {
    "test_passes": ("passed", None, True),
    "test_fails": ("failed", "AssertionError: not equal", True),
    "test_error": ("error", "ValueError: boom", False),
    "test_late_error": ("error", "ValueError: too late", True),
    "test_skipped": ("skipped", "not today", False),
    "test_left_by_a_skip": ("skipped", "half way", False),
    "test_expected_failure": ("xfailed", "known", True),
    "test_not_run": ("xfailed", "[NOTRUN] hangs", False),
    "test_left_by_an_xfail": ("xfailed", "gave up", False),
    "test_unexpected_pass": ("xpassed", None, True),
    "test_gpu": ("skipped", HIDDEN, False),
    "test_flaky": ("passed", None, True),
    "test_left_out": ("deselected", None, False),
}


@pytest.fixture
def checkout(pytester, monkeypatch):
    """A git checkout of a project, on a machine without a visible GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pytester.makeini("[pytest]\nmarkers =\n    slow: takes long")
    pytester.makepyfile(test_kinds=KINDS)
    commit(pytester)
    return pytester


def commit(pytester):
    """Commit the project as it is."""
    git = ["git", "-C", str(pytester.path), "-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "state"]):
        subprocess.run([*git, *words], check=True)


def head(pytester):
    """The hash of the project's commit."""
    git = ["git", "-C", str(pytester.path), "rev-parse", "HEAD"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


def lane(pytester, name, *arguments):
    """Run a session as lane *name*: its result and its report's path, outside of the checkout."""
    path = pytester.path.parent / f"{pytester.path.name}-{name}.jsonl"
    return pytester.runpytest_subprocess("--lane", name, "--lane-report", str(path), *arguments), path


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_every_kind_of_outcome_is_told_with_its_reason_its_markers_and_whether_the_body_ran(checkout, arguments):
    _, path = lane(checkout, "linux", "-k", "not left_out", *arguments)

    report = read_report(path)

    found = {
        nodeid.rpartition("::")[2]: (test.fate, test.reason, test.executed) for nodeid, test in report.tests.items()
    }
    assert found == FATES

    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    assert [found for line in lines for found in violations(line, "lane_report")] == []
    listed = [line for line in lines if line["record"] in {"collected", "deselected"} and "outcome" not in line]
    gpu = [(line["record"], line["markers"]) for line in listed if line["nodeid"].endswith("::test_gpu")]
    assert (gpu, len(listed)) == ([("collected", ["cuda", "slow"])], len(FATES))
    attempts = [line["outcome"] for line in lines if line["record"] == "outcome" and "flaky" in line["nodeid"]]
    assert sorted(attempts) == sorted(["rerun", "passed"] * (2 if "--dist=each" in arguments else 1))


def test_a_worker_that_dies_is_told_as_a_crash(checkout):
    checkout.makepyfile(test_kinds="import os\ndef test_dies(): os._exit(1)\ndef test_lives(): pass")

    _, path = lane(checkout, "linux", "-n1")

    tests = read_report(path).tests
    assert {nodeid: test.fate for nodeid, test in tests.items()} == {
        "test_kinds.py::test_dies": "crashed",
        "test_kinds.py::test_lives": "passed",
    }


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "worker"])
def test_what_could_not_be_collected_is_told(checkout, arguments):
    checkout.makepyfile(
        test_broken="raise RuntimeError('no good')",
        test_absent=f"# for spawn and cuda, not for cudas\nimport pytest\npytest.importorskip('{NOBODYS}')",
    )

    _, path = lane(checkout, "linux", "--continue-on-collection-errors", *arguments)

    assert read_report(path).uncollected == {
        "test_broken.py": ("failed", "RuntimeError: no good", ()),
        "test_absent.py": ("skipped", f"could not import '{NOBODYS}': No module named '{NOBODYS}'", ("cuda", "spawn")),
    }


def test_the_header_says_where_and_what(checkout):
    _, path = lane(checkout, "linux", "--require-hardware=spawn", "-k", "passes")

    header = json.loads(path.read_text(encoding="utf-8").splitlines()[0])

    assert [header["required"], header["capabilities"]["cuda"], header["packages"]["pytest"], header["git"]] == [
        ["spawn"],
        {"available": False, "reason": HIDDEN.removeprefix("cuda: ")},
        pytest.__version__,
        {"commit": head(checkout), "dirty": False, "source": "checkout"},
    ]


def test_a_changed_file_is_told_and_an_unknown_one_is_not(checkout):
    (checkout.path / "log.txt").write_text("not known to git", encoding="utf-8")
    _, clean = lane(checkout, "clean", "-k", "passes")
    checkout.makepyfile(test_kinds=KINDS + "# changed\n")
    _, changed = lane(checkout, "changed", "-k", "passes")

    assert [read_report(path).dirty for path in (clean, changed)] == [False, True]


def test_the_commit_can_be_given_where_there_is_no_checkout(pytester):
    pytester.makepyfile("def test_it(): pass")

    _, path = lane(pytester, "node", "--lane-commit", "0123456789" * 4)

    assert (read_report(path).commit, read_report(path).dirty) == ("0123456789" * 4, None)


REFUSED = {
    "no report": (["--lane", "x"], "--lane NAME and --lane-report FILE belong together"),
    "no name": (["--lane-report", "x.jsonl"], "--lane NAME and --lane-report FILE belong together"),
    "a key without a report": (["--lane-key", "key"], "--lane-key and --lane-commit are for a lane's report: give"),
    "a name that is markup": (["--lane", "<b>", "--lane-report", "x.jsonl"], "--lane is '<b>'"),
    "half a commit": (
        ["--lane", "x", "--lane-report", "x.jsonl", "--lane-commit", "0123abc"],
        "the lane's commit is '0123abc'",
    ),
}


@pytest.mark.parametrize(("arguments", "complaint"), REFUSED.values(), ids=REFUSED)
def test_wrong_options_are_refused_before_anything_runs(pytester, arguments, complaint):
    pytester.makepyfile("def test_it(): open('ran', 'w')")

    result = pytester.runpytest_subprocess(*arguments)

    assert (result.ret, (pytester.path / "ran").exists()) == (pytest.ExitCode.USAGE_ERROR, False)
    result.stderr.fnmatch_lines([f"*{complaint}*"])


def test_a_second_session_cannot_write_into_the_same_report(pytester):
    inner = [sys.executable, "-m", "pytest", "test_inner.py", "--lane=x", "--lane-report=x.jsonl"]
    pytester.makepyfile(
        test_outer=f"import subprocess\ndef test_it(): assert subprocess.run({inner!r}).returncode == 4",
        test_inner="def test_it(): pass",
    )

    result = pytester.runpytest_subprocess("test_outer.py", "--lane=x", "--lane-report=x.jsonl")

    result.assert_outcomes(passed=1)
    assert list(read_report(pytester.path / "x.jsonl").tests) == ["test_outer.py::test_it"]


def test_a_killed_session_leaves_no_report_and_what_it_knew_is_torn(pytester):
    pytester.makepyfile("import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGKILL)")

    _, path = lane(pytester, "linux")

    partial = path.with_name(f"{path.name}.partial")
    findings = [merge([file], ["linux"], []).findings[0] for file in (path, partial)]
    assert findings == [
        Finding("report", str(path), f"{path}: no such file"),
        Finding(
            "report", str(partial), f"{partial}: torn: no closing record, so the session did not end in good order"
        ),
    ]


def test_an_old_report_does_not_outlive_a_session_that_could_not_start(checkout):
    _, path = lane(checkout, "linux", "-k", "passes")

    checkout.runpytest_subprocess("--lane=linux", f"--lane-report={path}", "--require-hardware=cuda")

    assert not path.exists()


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "worker"])
def test_a_report_outside_of_the_project_does_not_change_the_node_ids(checkout, arguments):
    _, path = lane(checkout, "linux", "-k", "passes", *arguments)

    assert "test_kinds.py::test_passes" in read_report(path).tests


def test_a_report_that_has_led_pytest_to_a_wrong_root_directory_is_refused_with_the_way_out(checkout):
    _, path = lane(checkout, "linux", "-k", "passes")

    apart, _ = lane(checkout, "linux", "-k", "passes")
    joined = checkout.runpytest_subprocess("--lane=linux", f"--lane-report={path}", "-k", "passes")

    apart.stderr.fnmatch_lines([f"*write it with an equals sign, --lane-report={path}"])
    assert (apart.ret, joined.ret, "test_kinds.py::test_passes" in read_report(path).tests) == (4, 0, True)


def test_the_exit_status_is_the_one_that_pytest_ends_with(checkout):
    checkout.makeconftest(
        "import pytest\n@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session): session.exitstatus = pytest.ExitCode.INTERNAL_ERROR\n"
    )

    result, path = lane(checkout, "linux", "-k", "passes")

    assert (result.ret, read_report(path).exit_status) == (3, 3)


def test_the_gate_goes_red_for_a_gpu_test_skipped_everywhere_and_green_once_a_lane_ran_it(checkout):
    checkout.makepyfile(test_kinds="import pytest\n@pytest.mark.gpu_like\ndef test_gpu(): pass\ndef test_it(): pass")
    checkout.makeconftest(
        "import os\nfrom pytest_extractor_flow.capabilities import Capability\n"
        "def pytest_extractor_flow_capabilities():\n"
        "    there = os.environ.get('DEVICE') == 'there'\n"
        "    return {'gpu_like': lambda: Capability(available=there, reason=f'the device is there: {there}')}\n"
    )
    commit(checkout)
    reports = [lane(checkout, name, "-n1")[1] for name in ("linux", "mac")]
    red = merge(reports, ["linux", "mac"], ["gpu-like"])

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DEVICE", "there")
        reports.append(lane(checkout, "device", "--require-hardware=gpu-like", "-m", "gpu-like")[1])
    green = merge(reports, ["linux", "mac", "device"], ["gpu-like"])

    assert ([finding.subject for finding in red.findings], green.findings) == (["marker", "test"], ())


UNITTESTS = """
import unittest

class TestIt(unittest.TestCase):
    def test_one_subtest_fails(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    def test_each_subtest_passes(self):
        with self.subTest(number=1):
            pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail("as expected")
"""


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "worker"])
def test_a_unittest_fails_with_its_subtest_and_has_run_when_its_failure_was_expected(checkout, arguments):
    checkout.makepyfile(test_unit=UNITTESTS)

    _, path = lane(checkout, "linux", "test_unit.py", *arguments)

    found = {nodeid.rpartition("::")[2]: (test.fate, test.executed) for nodeid, test in read_report(path).tests.items()}
    assert found == {
        "test_one_subtest_fails": ("failed", True),
        "test_each_subtest_passes": ("passed", True),
        "test_expected": ("xfailed", True),
    }


PLACES = {
    "a directory": (".", "Is a directory"),
    "no place for one": ("/proc/none/lane.jsonl", "No such file or dire*"),
}


@pytest.mark.parametrize(("place", "why"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("option", ["--lane-report", "--evidence"])
def test_a_report_that_cannot_be_written_is_a_usage_error_and_leaves_nothing(checkout, option, place, why):
    before = sorted(path.name for path in checkout.path.parent.iterdir())

    result = checkout.runpytest_subprocess("--lane=a" if "lane" in option else "-q", f"{option}={place}")

    if (option, place) == ("--evidence", "."):
        result.stderr.fnmatch_lines(["ERROR: *"])
    else:
        result.stderr.fnmatch_lines([f"ERROR: *: cannot be written: {why}"])
    assert (result.ret, sorted(path.name for path in checkout.path.parent.iterdir())) == (4, before)


def test_others_may_read_a_report_as_they_may_read_other_files(checkout):
    _, path = lane(checkout, "linux", "-k", "passes")

    assert path.stat().st_mode == (checkout.path / "test_kinds.py").stat().st_mode


def test_hardware_markers_are_properties_in_junit_xml(checkout):
    checkout.runpytest_subprocess("--junit-xml=junit.xml", "-n1", "-k", "gpu")

    text = (checkout.path / "junit.xml").read_text(encoding="utf-8")
    assert (text.count('<property name="marker" value="cuda"'), text.count('value="slow"')) == (1, 0)


def test_on_a_lane_all_markers_are_properties_in_junit_xml(checkout):
    lane(checkout, "linux", "--junit-xml=junit.xml", "-k", "gpu")

    text = (checkout.path / "junit.xml").read_text(encoding="utf-8")
    assert [text.count(f'<property name="marker" value="{name}"') for name in ("cuda", "slow")] == [1, 1]
