"""The gate is green only if every expected lane reported, on one clean commit, and every required test really ran."""

import json

import pytest

from extractor_flow.errors import RequestError
from extractor_flow.gate import Finding, lane_key, merge
from extractor_flow.gate.signing import signed
from support.lane_reports import COMMIT, OTHER_COMMIT, closed, collected, deselected, header, line, outcome, uncollected

CUDA = "tests/test_gpu.py::test_gpu"
PLAIN = "tests/test_a.py::test_a"


@pytest.fixture
def judge(tmp_path):
    """Merges reports given as texts, each in a file of its own, under what is expected and required."""

    def judge(*texts, expected=("linux", "gpu"), required=("cuda",), **more):
        paths = [tmp_path / f"{number}.jsonl" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        return merge(paths, expected, required, **more)

    return judge


def lane(name, *outcomes, exit_status=0, **head):
    """A report in which the CUDA test was collected, and came to *outcomes*."""
    return closed(header(name, **head), collected(CUDA, "cuda"), *outcomes, exit_status=exit_status)


SKIPPED = outcome(CUDA, "skipped", "cuda", reason="cuda: no driver")
PASSED = outcome(CUDA, "passed", "cuda")
LINUX = lane("linux", SKIPPED)
GPU = lane("gpu", PASSED)


def test_a_required_test_that_ran_on_one_lane_makes_the_gate_green(judge):
    verdict = judge(LINUX, GPU)

    assert (verdict.green, verdict.findings, verdict.commit) == (True, (), COMMIT)


def test_a_required_test_that_was_skipped_on_every_lane_makes_the_gate_red(judge):
    verdict = judge(LINUX, lane("gpu", SKIPPED))

    fates = "linux: skipped: cuda: no driver; gpu: skipped: cuda: no driver"
    assert verdict.findings == (
        Finding("marker", "cuda", "executed on no expected lane; 1 test carries it"),
        Finding("test", CUDA, f"carries cuda and was executed on no expected lane: {fates}"),
    )


def test_one_test_that_ran_nowhere_is_found_beside_another_that_did(judge):
    other = "tests/test_gpu.py::test_other"
    gpu = closed(header("gpu"), collected(CUDA, "cuda"), PASSED, deselected(other, "cuda"))

    verdict = judge(LINUX, gpu)

    assert verdict.findings == (
        Finding("test", other, "carries cuda and was executed on no expected lane: gpu: deselected"),
    )


@pytest.mark.parametrize(
    "unproven",
    [
        outcome(CUDA, "xfailed", "cuda", executed=False),
        outcome(CUDA, "rerun", "cuda"),
        outcome(CUDA, "skipped", "cuda"),
        deselected(CUDA, "cuda"),
        collected(PLAIN, "cuda"),
    ],
    ids=lambda record: record.get("outcome", record["record"]),
)
def test_what_is_not_a_run_proves_nothing(judge, unproven):
    verdict = judge(LINUX, lane("gpu", unproven))

    assert CUDA in {finding.name for finding in verdict.findings}


@pytest.mark.parametrize("word", ["failed", "error", "crashed"])
def test_a_required_test_that_failed_on_any_lane_makes_the_gate_red(judge, word):
    verdict = judge(lane("linux", outcome(CUDA, word, "cuda", reason="boom")), GPU)

    assert verdict.findings == (Finding("test", CUDA, f"carries cuda and failed on linux: {word}: boom"),)


def test_a_required_marker_that_no_test_carries_makes_the_gate_red(judge):
    verdict = judge(LINUX, GPU, required=("cuda", "macos-spawn"))

    assert verdict.findings == (Finding("marker", "macos_spawn", "no lane knows a test that carries it"),)


def test_a_marker_seen_on_one_lane_only_counts_for_the_test_everywhere(judge):
    verdict = judge(closed(header("linux"), collected(CUDA), outcome(CUDA, "passed")), lane("gpu", SKIPPED))

    assert verdict.green


def test_a_run_against_the_lanes_own_probe_makes_the_gate_red(judge):
    verdict = judge(LINUX, lane("gpu", PASSED, cuda=False))

    assert verdict.findings == (Finding("test", CUDA, "executed on gpu, whose probe says it lacks cuda"),)


def test_a_lane_that_did_not_report_makes_the_gate_red(judge):
    verdict = judge(GPU)

    assert verdict.findings == (
        Finding("lane", "linux", "no usable report; the lane did not run, or its report was not handed on"),
    )


def test_a_torn_report_is_a_finding_and_its_lane_is_missing(judge, tmp_path):
    verdict = judge(LINUX, line(header("gpu")) + line(PASSED))

    assert [(finding.subject, finding.name) for finding in verdict.findings[:2]] == [
        ("report", str(tmp_path / "1.jsonl")),
        ("lane", "gpu"),
    ]


def test_a_lane_given_twice_makes_the_gate_red(judge, tmp_path):
    verdict = judge(LINUX, GPU, GPU)

    assert verdict.findings == (
        Finding("lane", "gpu", f"given 2 times: {tmp_path / '1.jsonl'}, {tmp_path / '2.jsonl'}"),
    )


def test_lanes_of_different_commits_make_the_gate_red(judge):
    other = {"commit": OTHER_COMMIT, "source": "given"}

    verdict = judge(LINUX, lane("gpu", PASSED, git=other))

    assert (verdict.commit, verdict.findings) == (
        None,
        (
            Finding("lane", "linux", f"is of commit {COMMIT}, but gpu: {OTHER_COMMIT}"),
            Finding("lane", "gpu", f"is of commit {OTHER_COMMIT}, but linux: {COMMIT}"),
        ),
    )


def test_a_lane_that_does_not_say_its_commit_makes_the_gate_red(judge):
    first = header("gpu")
    del first["git"]

    verdict = judge(LINUX, closed(first, collected(CUDA, "cuda"), PASSED))

    assert verdict.findings == (Finding("lane", "gpu", "does not say which commit it tested"),)


def test_changed_files_make_the_gate_red(judge):
    changed = {"commit": COMMIT, "dirty": True, "source": "checkout"}

    verdict = judge(LINUX, lane("gpu", PASSED, git=changed))

    assert verdict.findings == (Finding("lane", "gpu", f"files were changed on top of commit {COMMIT}"),)


def test_a_session_that_ended_badly_makes_the_gate_red_whatever_failed_in_it(judge):
    verdict = judge(lane("linux", SKIPPED, outcome(PLAIN, "failed"), exit_status=1), GPU)

    assert verdict.findings == (Finding("lane", "linux", "its session ended with exit status 1"),)


def test_a_file_that_could_not_be_collected_makes_the_gate_red(judge):
    verdict = judge(lane("linux", SKIPPED, uncollected("tests/test_b.py", "failed")), GPU)

    assert verdict.findings == (
        Finding("lane", "linux", "tests/test_b.py could not be collected: no module of that name"),
    )


def test_a_lane_that_was_not_expected_proves_nothing(judge):
    verdict = judge(LINUX, GPU, expected=("linux",))

    assert {finding.subject for finding in verdict.findings} == {"marker", "test"}


def test_a_failure_on_a_lane_that_was_not_expected_counts(judge):
    verdict = judge(lane("extra", outcome(CUDA, "failed", "cuda")), GPU, expected=("gpu",))

    assert verdict.findings == (Finding("test", CUDA, "carries cuda and failed on extra: failed: so it was"),)


def test_several_markers_may_be_required_in_one_word(judge):
    assert judge(LINUX, GPU, required=("cuda,macos-spawn",)).required == ("cuda", "macos_spawn")


def test_a_lane_that_only_collected_makes_the_gate_red(judge):
    verdict = judge(LINUX, GPU, lane("gpu2"), expected=("linux", "gpu", "gpu2"))

    assert verdict.findings == (Finding("lane", "gpu2", "its session began none of its 1 tests"),)


def test_a_gate_that_expects_no_lane_is_a_wrong_request(judge):
    with pytest.raises(RequestError, match="no lane is expected"):
        judge(LINUX, expected=())


def test_a_lane_with_a_test_that_has_no_outcome_is_not_complete(judge):
    verdict = judge(LINUX, closed(header("gpu"), collected(CUDA, "cuda"), collected(PLAIN), PASSED))

    told = f"its session ended without an outcome of 1 of its 2 tests, such as {PLAIN}"
    assert verdict.findings == (Finding("lane", "gpu", told),)


def test_every_test_must_have_run_somewhere_unless_it_is_allowed_not_to(judge):
    skipped, hidden = outcome(PLAIN, "skipped", reason="not here"), uncollected("tests/test_b.py", "skipped")
    lanes = [
        closed(header(name), collected(CUDA), collected(PLAIN), skipped, hidden, found)
        for name, found in (("linux", outcome(CUDA, "skipped")), ("gpu", outcome(CUDA, "passed")))
    ]
    reasons = {PLAIN: "needs a cluster", "tests/test_b.py": "needs a browser"}

    required, allowed, renamed = (
        judge(*lanes, required=("*",), allowed=allowed)
        for allowed in ({}, reasons, {**reasons, "test_c.py": "is gone"})
    )

    why = "no expected lane collected what is in it: linux: no module of that name; gpu: no module of that name"
    fates = "linux: skipped: not here; gpu: skipped: not here"
    assert required.findings == (
        Finding("test", PLAIN, f"was executed on no expected lane: {fates}"),
        Finding("test", "tests/test_b.py", why),
    )
    assert (allowed.findings, allowed.allowed) == ((), reasons)
    assert renamed.findings == (Finding("test", "test_c.py", "is allowed not to run, and no lane knows it"),)


def test_an_allow_list_without_a_rule_to_except_from_is_refused(judge):
    with pytest.raises(RequestError, match="no other has to"):
        judge(LINUX, GPU, allowed={PLAIN: "so"})


def run(root, *, trained=False):
    return {"record": "run", "run_directory": "20260101-study", "root": root * 64, "trained": trained}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([run("a", trained=True), run("a")], None),
        ([run("a", trained=True), run("b", trained=True)], None),
        ([run("a", trained=True), run("b")], f"has the root {'b' * 64} on gpu, and {'a' * 64} on linux"),
        ([run("a"), run("b")], f"has the root {'b' * 64} on gpu, and {'a' * 64} on linux"),
    ],
    ids=["the same", "two trainings", "changed", "judged twice"],
)
def test_a_run_that_two_lanes_have_seen_must_be_the_same(judge, seen, said):
    verdict = judge(
        *(closed(header(name), each) for name, each in zip(("linux", "gpu"), seen, strict=True)), required=()
    )

    assert verdict.findings == (() if said is None else (Finding("run", "20260101-study", said),))


KEY = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("sign", "usable"),
    [
        (lambda closing: signed(closing, KEY), True),
        (lambda closing: closing, False),
        (lambda closing: signed(closing, KEY[::-1]), False),
        (lambda closing: {**signed({**closing, "exit_status": 1}, KEY), "exit_status": 0}, False),
    ],
    ids=["signed", "unsigned", "another key", "changed"],
)
def test_a_gate_with_a_key_takes_only_what_was_signed_with_it(judge, sign, usable):
    *before, last = closed(header("gpu"), collected(CUDA, "cuda"), PASSED).splitlines(keepends=True)

    verdict = judge("".join(before) + line(sign(json.loads(last))), expected=("gpu",), key=KEY)

    assert (verdict.green, [finding.subject for finding in verdict.findings][:1]) == (
        usable,
        [] if usable else ["report"],
    )


def test_a_key_is_read_from_a_file_or_the_environment_and_must_be_long_enough(tmp_path, monkeypatch):
    (tmp_path / "key").write_text(KEY.decode() + "\n", encoding="utf-8")
    (tmp_path / "short").write_text("secret", encoding="utf-8")
    found = [lane_key(None), lane_key(tmp_path / "key")]
    monkeypatch.setenv("EXTRACTOR_FLOW_LANE_KEY", "f" * 16)

    assert [*found, lane_key(None)] == [None, KEY, b"f" * 16]
    with pytest.raises(RequestError, match="the key has 6 bytes; expected at least 16"):
        lane_key(tmp_path / "short")
    with pytest.raises(RequestError, match="--lane-key"):
        lane_key(tmp_path / "gone")
