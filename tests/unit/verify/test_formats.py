"""A verdict in its three forms, whatever a stranger wrote into the run."""

import json
from xml.etree import ElementTree as ET

import pytest

from extractor_flow.contracts import violations
from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.verify import FORMATS, Verdict

HOSTILE = 'a\nverified\x1b[2J\u202e<b a="1">&amp;]]></b>\ud800\x00\ufffe' + "x" * 5000
WRONG = Violation("summary.json", "$.runs", "3", "2", "inconsistent")
ELSEWHERE = Violation("monitor.csv", "", "has 9 bytes", "8 bytes", "size")
LEFT_OUT = Unchecked("final_model.zip", "left out")


def said(verdict: Verdict, form: str) -> str:
    return FORMATS[form](verdict, "runs/x")


def test_a_clean_verdict_is_one_line():
    assert said(Verdict(), "text") == "runs/x: verified\n"


def test_violations_stand_under_their_file_and_the_last_line_counts_them():
    assert said(Verdict((ELSEWHERE, WRONG, WRONG), (LEFT_OUT,)), "text") == (
        "monitor.csv\n"
        "  claimed: has 9 bytes; found: 8 bytes [size]\n"
        "summary.json\n"
        "  $.runs: claimed: 3; found: 2 [inconsistent]\n"
        "  $.runs: claimed: 3; found: 2 [inconsistent]\n"
        "not checked: final_model.zip: left out\n"
        "runs/x: violations: 3, 1 not checked\n"
    )


@pytest.mark.parametrize("verdict", [Verdict(), Verdict((WRONG,), (LEFT_OUT,)), Verdict((), (LEFT_OUT,))])
def test_the_json_keeps_its_contract(verdict):
    data = json.loads(said(verdict, "json"))

    assert (violations(data, "verdict"), data["ok"]) == ([], verdict.ok)


def test_junit_has_a_case_for_each_file_and_one_for_the_run():
    suite = ET.fromstring(said(Verdict((ELSEWHERE, WRONG, WRONG), (LEFT_OUT,)), "junit"))[0]

    cases = [(case.get("name"), [child.tag for child in case]) for case in suite]
    assert (suite.attrib, cases) == (
        {"name": "verify runs/x", "tests": "4", "failures": "3", "skipped": "1", "errors": "0"},
        [
            ("monitor.csv", ["failure"]),
            ("summary.json", ["failure"]),
            ("final_model.zip", ["skipped"]),
            ("runs/x", ["failure"]),
        ],
    )


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_is_shown_and_obeyed_by_nothing(form):
    hostile = Verdict((Violation(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "x"),), (Unchecked(HOSTILE, HOSTILE),))

    text = FORMATS[form](hostile, HOSTILE)

    lines = text.encode("utf-8").decode("utf-8").splitlines()
    assert (any(line == "verified" for line in lines), "\x1b" in text, "\u202e" in text) == (False, False, False)
    assert len(text) < 20_000


def test_hostile_text_is_well_formed_xml():
    hostile = Verdict((Violation(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "x"),), (Unchecked(HOSTILE, HOSTILE),))

    assert ET.fromstring(FORMATS["junit"](hostile, HOSTILE)).tag == "testsuites"
