"""What the gate shows: everything it found, and nothing that a report's author could make it do."""

from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from extractor_flow.gate import merge, render_junit, render_markdown
from support.lane_reports import COMMIT, closed, collected, header, outcome, uncollected

CUDA = "tests/test_gpu.py::test_gpu[a|b]"
HOSTILE = "x\u202e</td><img src=x onerror=alert(1)>|\n# `green` [link](http://a)\x00\x1b[2J\ufffe\udc80 & ]]>"


@pytest.fixture
def judged(tmp_path):
    """The verdict on a lane of which the given reason is told, and one that does not report."""

    def judged(reason):
        text = closed(
            header("linux", macos_spawn=False),
            collected(CUDA, "cuda"),
            outcome(CUDA, "skipped", "cuda", reason=reason),
            uncollected("tests/test_b.py", "skipped"),
        )
        (tmp_path / "linux.jsonl").write_text(text, encoding="utf-8")
        return merge([tmp_path / "linux.jsonl"], ["linux", "mac"], ["cuda"])

    return judged


def test_the_markdown_shows_findings_lanes_and_tests(judged):
    assert render_markdown(judged("no driver")) == (
        "# Lanes: red\n\n"
        f"Commit: {COMMIT}\n\n"
        "## Findings\n\n"
        "- lane mac: no usable report; the lane did not run, or its report was not handed on\n"
        "- marker cuda: executed on no expected lane; 1 test carries it\n"
        "- test tests/test_gpu.py::test_gpu\\[a\\|b\\]: carries cuda and was executed on no expected lane: "
        "linux: skipped: no driver\n\n"
        "## Lanes\n\n"
        "| lane | platform | Python | pytest | has | executed | skipped | deselected | exit status |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| linux | Linux 6.1 x86_64 | 3.11.7 | 9.2.0 | cuda | 0 | 1 | 0 | 0 |\n"
        "| mac | n/a | n/a | n/a | n/a | n/a | n/a | n/a | n/a |\n\n"
        "## Skipped before anything in them was collected\n\n"
        "- tests/test_b.py on linux: no module of that name\n\n"
        "## Tests that carry cuda\n\n"
        "| test | linux | mac |\n"
        "| --- | --- | --- |\n"
        "| tests/test_gpu.py::test_gpu\\[a\\|b\\] | skipped: no driver | n/a |\n"
    )


def test_the_junit_has_a_case_for_every_lane_marker_and_test(judged):
    suite = ET.fromstring(render_junit(judged("no driver"))).find("testsuite")

    assert (suite.attrib, [(case.get("classname"), case.get("name"), len(case)) for case in suite]) == (
        {"name": "gate", "tests": "4", "failures": "3", "errors": "0", "skipped": "0"},
        [("gate.lane", "linux", 0), ("gate.lane", "mac", 1), ("gate.marker", "cuda", 1), ("gate.test", CUDA, 1)],
    )


def test_a_reason_cannot_make_markup(judged):
    render = MarkdownIt("js-default").render

    tame, hostile = (render(render_markdown(judged(reason))) for reason in ("no driver", HOSTILE))

    assert [part.partition(">")[0] for part in hostile.split("<")] == [
        part.partition(">")[0] for part in tame.split("<")
    ]


def test_a_reason_cannot_break_the_junit(judged):
    suite = ET.fromstring(render_junit(judged(HOSTILE)).encode("utf-8"))

    assert len(suite.findall(".//failure")) == 3
