"""A lane report is read whole, unchanged and under its contract, or not at all."""

import pytest

from extractor_flow.errors import DataError
from extractor_flow.gate import TestOnLane, read_report
from support.lane_reports import SESSION, closed, collected, deselected, header, line, outcome, uncollected

TEST = "tests/test_a.py::test_a"


@pytest.fixture
def reading(tmp_path):
    """Reads a report from its text."""

    def read(text):
        path = tmp_path / "lane.jsonl"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_report(path)

    return read


def on_lane(fate, *, markers=("cuda",), reason=None, executed=False, failed=False):
    return TestOnLane(frozenset(markers), fate, reason, executed, failed)


FATES = {
    "passed": ([outcome(TEST, "passed")], on_lane("passed", executed=True)),
    "failed": ([outcome(TEST, "failed")], on_lane("failed", reason="so it was", executed=True, failed=True)),
    "error": ([outcome(TEST, "error")], on_lane("error", reason="so it was", failed=True)),
    "late error": (
        [outcome(TEST, "error", executed=True)],
        on_lane("error", reason="so it was", executed=True, failed=True),
    ),
    "crashed": ([outcome(TEST, "crashed")], on_lane("crashed", reason="so it was", failed=True)),
    "skipped": ([outcome(TEST, "skipped")], on_lane("skipped", reason="so it was")),
    "expected failure": ([outcome(TEST, "xfailed")], on_lane("xfailed", reason="so it was", executed=True)),
    "expected failure, not run": (
        [outcome(TEST, "xfailed", executed=False)],
        on_lane("xfailed", reason="so it was"),
    ),
    "unexpected pass": ([outcome(TEST, "xpassed")], on_lane("xpassed", executed=True)),
    "passed when rerun": ([outcome(TEST, "rerun"), outcome(TEST, "passed")], on_lane("passed", executed=True)),
    "skipped when rerun": ([outcome(TEST, "rerun"), outcome(TEST, "skipped")], on_lane("skipped", reason="so it was")),
    "never rerun": ([outcome(TEST, "rerun")], on_lane("rerun", reason="so it was")),
    "failed on one of two workers": (
        [outcome(TEST, "failed", worker="gw0"), outcome(TEST, "passed", worker="gw1")],
        on_lane("failed", reason="so it was", executed=True, failed=True),
    ),
    "skipped on one of two workers": (
        [outcome(TEST, "skipped", worker="gw0"), outcome(TEST, "passed", worker="gw1")],
        on_lane("skipped", reason="so it was", executed=True),
    ),
    "no outcome": ([], on_lane("not run")),
}


@pytest.mark.parametrize(("outcomes", "expected"), FATES.values(), ids=FATES)
def test_a_tests_fate_is_that_of_its_last_attempts(reading, outcomes, expected):
    report = reading(closed(header(), collected(TEST, "cuda"), *outcomes))

    assert report.tests == {TEST: expected}


def test_a_deselected_test_is_known_with_its_markers(reading):
    report = reading(closed(header(), deselected(TEST, "cuda", "slow")))

    assert report.tests == {TEST: on_lane("deselected", markers=("cuda", "slow"))}


def test_what_was_not_collected_is_known_by_file(reading):
    report = reading(closed(header(), uncollected("tests/test_b.py", "skipped")))

    assert report.uncollected == {"tests/test_b.py": ("skipped", "no module of that name", ())}


def test_a_report_without_a_commit_is_read(reading):
    first = header()
    del first["git"]

    report = reading(closed(first))

    assert (report.commit, report.dirty) == (None, None)


WHOLE = closed(header(), collected(TEST), outcome(TEST, "passed"))
BAD = {
    "empty": ("", "torn: the report is empty"),
    "no closing record": (line(header()) + line(collected(TEST)), "torn: no closing record"),
    "header alone": (line(header()), "torn: no closing record"),
    "last line cut": (WHOLE[:-9], "torn: the last line is cut"),
    "cut inside a line": (WHOLE[: WHOLE.index("outcome")] + "\n", ":3:1: not JSON"),
    "no header": (closed(collected(TEST)), ":1: torn: the first line is a record 'collected'"),
    "a line missing": (
        WHOLE.replace(line(collected(TEST)), ""),
        "torn: the lines are not those that the closing record vouches for",
    ),
    "a line altered": (WHOLE.replace('"passed"', '"xpassed"'), "not those that the closing record vouches for"),
    "a line twice": (WHOLE.replace(line(collected(TEST)), 2 * line(collected(TEST))), "not those that the closing"),
    "two reports in one file": (WHOLE + WHOLE, ":4: a second record 'closing'"),
    "a second header": (closed(header(), header()), ":2: a second record 'header'"),
    "the closing record of another session": (closed(header(), session=SESSION[::-1]), "not those that the closing"),
    "a blank line": ("\n" + WHOLE, ":1:1: not JSON"),
    "line ends of another system": (WHOLE.replace("\n", "\r\n"), "not those that the closing record vouches for"),
    "not UTF-8": (b"\xff\n", "not UTF-8"),
    "NaN": (WHOLE.replace("0.5", "NaN"), ":3: NaN is not JSON"),
    "a key twice": (WHOLE.replace('"nodeid"', '"nodeid": "x", "nodeid"', 1), "the key 'nodeid' stands twice"),
    "a list for a record": ("[]\n", ":1: $: [] is not of type 'object'"),
    "a record of another kind": (closed(header(), {"record": "gift"}), ":2: $.record: 'gift' is not one of"),
    "a lane's name that is markup": (closed(header("<b>")), ":1: $.lane: '<b>' does not match"),
    "a skip that was executed": (closed(header(), outcome(TEST, "skipped", executed=True)), ":2: $.executed: "),
    "a pass that was not": (closed(header(), outcome(TEST, "passed", executed=False)), ":2: $.executed: "),
}


@pytest.mark.parametrize(("text", "complaint"), BAD.values(), ids=BAD)
def test_a_report_that_is_not_whole_and_sound_is_refused_with_the_reason(reading, text, complaint):
    with pytest.raises(DataError) as refusal:
        reading(text)

    assert complaint in str(refusal.value)


def test_a_report_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_report(tmp_path / "nothing.jsonl")
