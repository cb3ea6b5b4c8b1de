"""Training a job of a run again: a certificate, a violation, or why neither can be given."""

from __future__ import annotations

import json

import pytest

from extractor_flow.contracts import violations
from extractor_flow.errors import RequestError
from extractor_flow.executors.events import Stop
from extractor_flow.files import read_json, write_json
from extractor_flow.verify.replay import draw, replay
from support.published import lines

PLACE = "models/a/seed-0"


@pytest.fixture
def run(shared_run, tampering_with):
    """The path of a finished run of two seeds of one line, and of one that cannot be trained here."""
    models = [{"name": "a"}, {"name": "gone", "requires": ["telescope"]}]
    return tampering_with(shared_run(lines(*models, seeds=[0, 1]))).path


@pytest.fixture
def verify(workbench, run):
    """The exit code and the document of ``verify RUN --replay NAME``."""

    def verify(name):
        answer = workbench.call("verify", run, "--replay", name, "--format", "json")
        return answer.code, json.loads(answer.out)

    return verify


def no_display(vocabulary):
    pytest.fail("a job was trained")


def claim_another_score(run):
    """Change the score of the job at PLACE in the journal; returns what was measured."""
    journal = run / "records.jsonl"
    records = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    (told,) = [record for record in records if record["directory"] == PLACE]
    measured = told["metrics"]["best_score"]
    told["metrics"]["best_score"] = 0.875
    journal.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return measured


def edit_request(run, **facts):
    write_json(run / "run.json", {**read_json(run / "run.json"), **facts})


def test_a_job_that_gives_the_same_again_is_certified_and_the_run_left_as_it_was(verify, run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    code, verdict = verify("a seed 0")

    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    digest = read_json(run / PLACE / "result.json")["artifacts"]["weights"]["sha256"]
    (certificate,) = verdict["reproduced"]
    assert (code, verdict["ok"], violations(verdict, "verdict")) == (0, True, [])
    assert (certificate["job"], certificate["environment"]) == ("a seed 0", [])
    assert certificate["equal"][0] == f"{PLACE}/weights.json (SHA-256 {digest})"


def test_a_score_that_training_does_not_give_is_a_violation_of_the_journal(verify, run):
    measured = claim_another_score(run)

    code, verdict = verify("a seed 0")

    found = [each for each in verdict["violations"] if each["kind"] == "replay"]
    assert (code, [(each["file"], each["claim"], each["found"]) for each in found]) == (
        1,
        [("records.jsonl", "0.875", str(measured))],
    )


def test_what_another_environment_trained_differently_is_unchecked_with_the_differences(verify, run):
    packages = read_json(run / "run.json")["packages"]
    edit_request(run, packages={**packages, "numpy": "1.0"}, processor="abacus")
    measured = claim_another_score(run)

    _, verdict = verify("a seed 0")

    (why,) = [each["why"] for each in verdict["unchecked"] if each["what"] == "replay of a seed 0"]
    assert "numpy: 1.0 there by the run's own word, " in why
    assert "processor: abacus there by the run's own word, " in why
    assert f"$.metrics.best_score: 0.875 became {measured}" in why
    assert [each for each in verdict["violations"] if each["kind"] == "replay"] == []
    assert "not-reproduced" in {each["code"] for each in verdict["unchecked"]}


def test_an_equal_result_is_certified_also_where_the_environment_differs_and_that_is_said(verify, run):
    edit_request(run, packages={**read_json(run / "run.json")["packages"], "numpy": "1.0"})

    _, verdict = verify("a seed 0")

    assert verdict["reproduced"][0]["environment"][0].startswith("numpy: 1.0 there by the run's own word, ")


def test_one_of_several_seeds_is_named_with_its_seed(workbench, run):
    answers = [workbench.call("verify", run, "--replay", name) for name in ("a", "a seed 1")]

    assert [answer.code for answer in answers] == [2, 0]
    assert answers[0].err.strip() == (
        "extractor-flow: --replay 'a' means several jobs; expected one of 'a seed 0', 'a seed 1'"
    )


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("c", "--replay 'c' is no job of this run"), ("gone seed 0", "--replay 'gone seed 0': the job is skipped: ")],
)
def test_what_cannot_be_compared_is_a_wrong_request(run, name, complaint):
    with pytest.raises(RequestError, match=f"^{complaint}"):
        replay(run, name, no_display, Stop())


def test_a_run_without_a_usable_request_is_a_wrong_request(workbench, run):
    (run / "run.json").write_text("{}", encoding="utf-8")

    answer = workbench.call("verify", run, "--replay", "a")

    assert (answer.code, "see what verify finds" in answer.err) == (2, True)


def test_jobs_drawn_by_lot_are_named_and_trained_again(verify):
    code, verdict = verify("random:2")

    assert sorted(each["job"] for each in verdict["reproduced"]) == ["a seed 0", "a seed 1"]
    assert (code, verdict["notes"][-1].rpartition(": ")[0]) == (
        0,
        "drawn to be trained again, of 2 jobs that succeeded",
    )


@pytest.mark.parametrize("word", ["random:", "random:0", "random:x", "random:-1"])
def test_a_lot_of_no_jobs_is_a_wrong_request(run, word):
    with pytest.raises(RequestError, match=f"^--replay {word!r}: "):
        draw(run, word)


def test_the_lot_falls_on_every_job_sooner_or_later_and_never_twice_on_one(run):
    drawn = [draw(run, "random:1").jobs for _ in range(64)]

    assert {job for (job,) in drawn} == {"a seed 0", "a seed 1"}
    assert sorted(draw(run, "random:9").jobs) == ["a seed 0", "a seed 1"]
