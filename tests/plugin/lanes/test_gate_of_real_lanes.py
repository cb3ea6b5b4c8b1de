"""From real sessions to the gate's exit status: what CI sees when the lanes of a project are judged together."""

from __future__ import annotations

import re
import subprocess
from xml.etree import ElementTree as ET

import pytest

from extractor_flow.cli import main
from support.calling import call
from support.plugin.flow_project import publish

TESTS = """
import multiprocessing

import pytest

@pytest.mark.cuda
def test_gpu(): pass

@pytest.mark.spawn
def test_spawned():
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()
    assert process.exitcode == 0

@pytest.mark.spawn
def test_also_spawned(): pass

def test_plain(): pass
"""
HIDDEN = "CUDA_VISIBLE_DEVICES='' hides every GPU"


class Checkout:
    """A project under git on a machine without a visible GPU; its sessions report beside it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.path = pytester.path
        self.reports = pytester.path.parent / f"{pytester.path.name}-lanes"
        self._pytester = pytester
        pytester.makepyfile(test_it=TESTS)
        self._git("init", "-q")
        self.commit("first")

    def commit(self, message: str) -> None:
        """Commit the project as it is."""
        self._git("add", "test_it.py")
        self._git("commit", "-q", "--allow-empty", "-m", message)

    def session(self, lane: str, *arguments: str) -> None:
        """A real session that reports as *lane*; it must have gone well."""
        report = f"--lane-report={self.reports / lane}.jsonl"
        result = self._pytester.runpytest_subprocess(f"--lane={lane}", report, *arguments)
        assert result.ret == 0, result.stdout.str()

    def gate(self, *words: str, lanes: tuple[str, ...] = ("first", "second")) -> tuple[int, str]:
        """``extractor-flow gate merge`` over the reports of *lanes*, each of which is expected; status and output."""
        reports = [str(self.reports / f"{lane}.jsonl") for lane in lanes]
        answer = call(main, "gate", "merge", *reports, "--expect-lane", *lanes, *words, cwd=self.path)
        return answer.code, answer.out

    def _git(self, *words: str) -> None:
        identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.org")
        subprocess.run(["git", *identity, *words], cwd=self.path, check=True)


@pytest.fixture
def checkout(pytester, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return Checkout(pytester)


def findings(text):
    """The bullets under the heading of findings, without what differs between machines."""
    listed = re.search(r"^## Findings\n\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    return [] if listed is None else listed[1].replace("\\", "").splitlines()


def test_a_marker_that_ran_on_one_lane_makes_the_gate_green(checkout):
    checkout.session("first", "-m", "not spawn")
    checkout.session("second", "-m", "spawn", "-n1", "--require-hardware=spawn")

    status, text = checkout.gate("--require", "spawn")

    assert (status, text.splitlines()[0], findings(text)) == (0, "# Lanes: green", [])


def test_a_gpu_test_that_every_lane_skipped_makes_the_gate_red_and_says_why(checkout):
    checkout.session("first")
    checkout.session("second", "-n1")

    status, text = checkout.gate("--require", "cuda", "spawn")

    fates = f"first: skipped: cuda: {HIDDEN}; second: skipped: cuda: {HIDDEN}"
    assert (status, findings(text)) == (
        1,
        [
            "- marker cuda: executed on no expected lane; 1 test carries it",
            f"- test test_it.py::test_gpu: carries cuda and was executed on no expected lane: {fates}",
        ],
    )


def test_judging_an_existing_run_on_a_lane_proves_nothing_about_its_hardware(checkout, flow_project):
    config = flow_project.config()
    run = publish(config)
    flow_project.pytester.makeconftest(
        "from pytest_extractor_flow.capabilities import Capability\n"
        "def pytest_extractor_flow_capabilities():\n"
        "    return {'here': lambda: Capability(True, 'always')}\n"
    )
    flow_project.tests(
        "@pytest.mark.here\ndef test_named(flow_run): pass\n"
        "@pytest.mark.here\ndef test_at_run_time(request): request.getfixturevalue('flow_run')\n",
        "test_it.py",
    )
    checkout.commit("tests of a run")
    checkout.session("first", f"--flow-run={run}", "--junitxml=junit.xml")
    checkout.session("second", "--flow-config=study.yaml")

    alone, together = (checkout.gate("--require", "here", lanes=lanes) for lanes in (("first",), ("first", "second")))

    said = "passed: it judged an existing run, and nothing was trained"
    assert (alone[0], together[0], findings(together[1])) == (1, 0, [])
    assert findings(alone[1]) == [
        "- marker here: executed on no expected lane; 2 tests carry it",
        *(
            f"- test test_it.py::test_{name}: carries here and was executed on no expected lane: first: {said}"
            for name in ("at_run_time", "named")
        ),
    ]
    properties = ET.parse(checkout.path / "junit.xml").iterfind(".//property[@name='existing_run']")
    assert [each.get("value") for each in properties] == [str(run)] * 2


SKIPPED_AS_A_WHOLE = """
import os
import pytest
if 'HERE' not in os.environ:
    pytest.skip('not here', allow_module_level=True)

@pytest.mark.spawn
def test_hidden(): pass
"""


def test_a_file_that_every_lane_skipped_as_a_whole_may_not_hide_what_is_required(checkout):
    (checkout.path / "test_optional.py").write_text(SKIPPED_AS_A_WHOLE, encoding="utf-8")
    checkout.session("first")
    checkout.session("second", "-n1")

    (status, text), (without, _) = (checkout.gate("--require", "spawn"), checkout.gate())

    message = "mentions spawn, and no expected lane collected what is in it: first: not here; second: not here"
    assert (status, findings(text), without) == (1, [f"- test test_optional.py: {message}"], 0)


def test_a_file_that_one_lane_skipped_is_known_if_another_collected_it(checkout, monkeypatch):
    (checkout.path / "test_optional.py").write_text(SKIPPED_AS_A_WHOLE, encoding="utf-8")
    checkout.session("first")
    monkeypatch.setenv("HERE", "1")
    checkout.session("second")

    status, text = checkout.gate("--require", "spawn")

    assert (status, findings(text)) == (0, [])


def test_one_test_of_several_that_carry_a_marker_must_not_be_left_out_everywhere(checkout):
    checkout.session("first", "-k", "plain")
    checkout.session("second", "-k", "test_spawned")

    status, text = checkout.gate("--require", "spawn")

    left_out = "carries spawn and was executed on no expected lane: first: deselected; second: deselected"
    assert (status, findings(text)) == (1, [f"- test test_it.py::test_also_spawned: {left_out}"])


def test_a_lane_that_did_not_report_makes_the_gate_red(checkout):
    checkout.session("first")

    status, text = checkout.gate("--require", "spawn")

    missing = checkout.reports / "second.jsonl"
    assert (status, findings(text)) == (
        1,
        [
            f"- report {missing}: {missing}: no such file",
            "- lane second: no usable report; the lane did not run, or its report was not handed on",
        ],
    )


def test_a_torn_report_makes_the_gate_red(checkout):
    checkout.session("first")
    checkout.session("second")
    torn = checkout.reports / "second.jsonl"
    torn.write_bytes(b"".join(torn.read_bytes().splitlines(keepends=True)[:-1]))

    status, text = checkout.gate("--require", "spawn")

    why = "torn: no closing record, so the session did not end in good order"
    assert (status, findings(text)[0]) == (1, f"- report {torn}: {torn}: {why}")


@pytest.mark.parametrize("change", ["another commit", "a changed file"])
def test_lanes_that_did_not_test_the_same_commit_make_the_gate_red(checkout, change):
    checkout.session("first")
    (checkout.path / "test_it.py").write_text(f"{TESTS}\n# changed\n", encoding="utf-8")
    if change == "another commit":
        checkout.commit("second")
    checkout.session("second")

    status, text = checkout.gate("--require", "spawn")

    told = [re.sub(r"[0-9a-f]{40}", "<commit>", finding) for finding in findings(text)]
    expected = {
        "another commit": [
            "- lane first: is of commit <commit>, but second: <commit>",
            "- lane second: is of commit <commit>, but first: <commit>",
        ],
        "a changed file": ["- lane second: files were changed on top of commit <commit>"],
    }
    assert (status, told) == (1, expected[change])


def test_the_verdict_is_written_for_people_and_for_machines(checkout):
    checkout.session("first")
    checkout.session("second")

    status, text = checkout.gate("--require", "spawn", "cuda", "--markdown", "new/gate.md", "--junit", "gate.xml")

    suite = ET.fromstring((checkout.path / "gate.xml").read_text(encoding="utf-8")).find("testsuite")
    cases = {f"{case.get('classname')} {case.get('name')}": case.find("failure") is None for case in suite}
    assert (status, (checkout.path / "new/gate.md").read_text(encoding="utf-8"), suite.get("failures")) == (
        1,
        text,
        "2",
    )
    assert cases == {
        "gate.lane first": True,
        "gate.lane second": True,
        "gate.marker spawn": True,
        "gate.marker cuda": False,
        "gate.test test_it.py::test_also_spawned": True,
        "gate.test test_it.py::test_gpu": False,
        "gate.test test_it.py::test_spawned": True,
    }


def test_a_file_that_cannot_be_written_is_one_message_after_the_verdict(checkout):
    checkout.session("first")

    status, text = checkout.gate("--markdown", "test_it.py/gate.md", lanes=("first",))

    assert (status, text.splitlines()[0]) == (2, "# Lanes: green")


def test_a_gate_that_expects_no_lane_is_refused(checkout):
    answer = call(main, "gate", "merge", "x.jsonl", cwd=checkout.path)

    assert (answer.code, "--expect-lane linux" in answer.err) == (2, True)
