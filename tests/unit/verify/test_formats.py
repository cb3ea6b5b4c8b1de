"""A verdict in its forms, whatever a stranger wrote into the run, and what it comes to."""

import json
from xml.etree import ElementTree as ET

import pytest

from extractor_flow.contracts import violations
from extractor_flow.evidence.check import Layer
from extractor_flow.evidence.findings import INCONCLUSIVE, Unchecked, Violation, Why
from extractor_flow.render.escaping import escape_cell
from extractor_flow.verify import FORMATS, Conclusion, Verdict
from extractor_flow.verify.verdict import Ran

HOSTILE = 'a\nverified\x1b[2J\u202e<b a="1">&amp;]]></b>\ud800\x00\ufffe' + "x" * 5000
WRONG = Violation("summary.json", "$.runs", "3", "2", "inconsistent", "published-json")
ELSEWHERE = Violation("monitor.csv", "", "has 9 bytes", "8 bytes", "size", "artifact-digests")
OF_THE_HOUSE = Violation("summary.md", "", "is short", "is long", "house-rule")
LEFT_OUT = Unchecked("final_model.zip", "left out", Why.LEFT_OUT)
UNREAD = Unchecked("skip_summary.json", "it cannot be used", Why.UNREADABLE, "published-json")
UNPUBLISHED = Unchecked("everything", "the run is under way", Why.UNPUBLISHED)
RAN = (
    Ran("published-json", Layer.CONSISTENCY, 1),
    Ran("artifact-digests", Layer.EVIDENCE, 4),
    Ran("job-orders", Layer.CONSISTENCY, 4),
)


FOUND = "$.runs: claimed: 3; found: 2 [published-json: inconsistent]"
CONCLUSION = "contradicted: 1 violation in 9 claims by 3 checks, 1 unchecked"


def said(verdict: Verdict, form: str) -> str:
    return FORMATS[form](verdict, "runs/x")


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (Verdict(ran=RAN), "verified: 9 claims by 3 checks"),
        (Verdict(unchecked=(LEFT_OUT,), ran=RAN), "verified: 9 claims by 3 checks, 1 unchecked"),
        (Verdict(ran=RAN, needs_deep=("a", "b")), "verified: 9 claims by 3 checks, 2 checks more with --deep"),
        (Verdict(ran=RAN, needs_deep=("a",)), "verified: 9 claims by 3 checks, 1 check more with --deep"),
        (Verdict((WRONG,), (UNPUBLISHED,), ran=RAN), "contradicted: 1 violation in 9 claims by 3 checks, 1 unchecked"),
        (Verdict(unchecked=(UNPUBLISHED,)), "unpublished: the run is under way"),
    ],
)
def test_the_last_line_counts_what_was_looked_at(verdict, line):
    assert said(verdict, "text").splitlines()[-1] == f"runs/x: {line}"


def test_the_step_summary_is_a_verdict_and_a_table_that_no_text_breaks_out_of():
    from extractor_flow.verify.formats import as_step_summary

    hostile = Violation("summary.md", "", HOSTILE, "is long", "house-rule")
    heading, _, *table, _, root, _, _ = as_step_summary(Verdict((WRONG, hostile), ran=RAN, root="ab"), "runs/x").split(
        "\n"
    )

    assert heading == "## runs/x: contradicted: 2 violations in 9 claims by 3 checks"
    assert table[2] == f"| summary.json | {escape_cell(FOUND)} | published-json |"
    assert (len(table), root) == (4, "root: `ab`")


def test_violations_stand_under_their_file_with_the_check_that_found_them():
    assert said(Verdict((ELSEWHERE, WRONG, OF_THE_HOUSE), (LEFT_OUT,), ran=RAN), "text") == (
        "monitor.csv\n"
        "  claimed: has 9 bytes; found: 8 bytes [artifact-digests: size]\n"
        "summary.json\n"
        "  $.runs: claimed: 3; found: 2 [published-json: inconsistent]\n"
        "summary.md\n"
        "  claimed: is short; found: is long [house-rule]\n"
        "not checked: final_model.zip: left out [left-out]\n"
        "runs/x: contradicted: 3 violations in 9 claims by 3 checks, 1 unchecked\n"
    )


@pytest.mark.parametrize("code", Why)
def test_only_what_is_essential_keeps_a_run_without_violations_from_being_verified(code):
    verdict = Verdict(unchecked=(Unchecked("it", "so", code),))

    assert (verdict.conclusion is Conclusion.VERIFIED) == (code not in INCONCLUSIVE)


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(),
        Verdict((WRONG, OF_THE_HOUSE), (LEFT_OUT, UNREAD), ran=RAN, needs_deep=("a",)),
        Verdict(unchecked=(UNPUBLISHED,)),
        *(Verdict(unchecked=(Unchecked("it", "so", code),)) for code in Why),
    ],
)
def test_the_json_keeps_its_contract(verdict):
    data = json.loads(said(verdict, "json"))

    assert (violations(data, "verdict"), data["ok"], data["conclusion"]) == ([], verdict.ok, verdict.conclusion)


def test_junit_has_a_suite_for_each_layer_and_a_case_for_each_check_that_looked():
    top = ET.fromstring(said(Verdict((ELSEWHERE, OF_THE_HOUSE), (LEFT_OUT, UNREAD), ran=RAN), "junit"))

    suites = [(suite.get("name"), *(suite.get(key) for key in ("tests", "failures", "skipped"))) for suite in top]
    cases = [(case.get("name"), [child.tag for child in case]) for case in top.iter("testcase")]
    assert suites == [("consistency", "2", "0", "1"), ("evidence", "1", "1", "0"), ("run", "3", "2", "1")]
    assert cases == [
        ("published-json", ["skipped"]),
        ("job-orders", []),
        ("artifact-digests", ["failure"]),
        ("summary.md", ["failure"]),
        ("final_model.zip", ["skipped"]),
        ("runs/x", ["failure"]),
    ]


def test_github_shows_each_violation_beside_its_file():
    lines = said(Verdict((WRONG,), (LEFT_OUT,), ran=RAN), "github").splitlines()

    assert lines == [
        f"::error file=runs/x/summary.json,title=published-json::{FOUND}",
        "::warning file=runs/x,title=left-out::final_model.zip: left out [left-out]",
        f"::error file=runs/x,title=extractor-flow verify::{CONCLUSION}",
    ]


def test_github_takes_no_command_out_of_a_name():
    hostile = Violation("a,b:c%\n::error::x", "", "", "100%", "size")

    first = said(Verdict((hostile,)), "github").splitlines()[0]

    assert first == "::error file=runs/x/a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Ax,title=size::claimed: ; found: 100%25 [size]"


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
