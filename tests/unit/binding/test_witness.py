"""A witness that knows a run's root from before catches what a careful liar makes consistent afterwards."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from extractor_flow.binding.witness import read_witness
from extractor_flow.contracts import violations
from extractor_flow.errors import RequestError
from extractor_flow.files import dumps, read_json, write_json
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from support.lane_reports import closed, header

JOB = "models/a/seed-0"
FAILED = "models/bad/seed-0"


def edit(run, name, **members):
    write_json(run.path / name, {**read_json(run.path / name), **members})


def better_score(run):
    with run.lying(JOB) as record:
        record["metrics"]["best_score"] = 0.99


def shorter(run):
    with run.lying(JOB) as record:
        record["duration_seconds"] = 0.001


def success_of_a_failure(run):
    with run.journal() as records:
        records[:] = [record for record in records if record["directory"] != FAILED]
    shutil.rmtree(run.path / FAILED, ignore_errors=True)


def other_machine(run):
    request = read_json(run.path / "run.json")
    edit(run, "run.json", hardware={**request["hardware"], "workers": 64})


def note(run):
    edit(run, "run.json", notes=["trained on clean data"])


def commit(run):
    edit(run, "run.json", git={"commit": "a" * 40, "dirty": False})


def packages(run):
    edit(run, "run.json", packages={"pytest-extractor-flow": "0.2.0.dev0", "torch": "9.9"})


def figure(run):
    (run.path / "figures").mkdir(exist_ok=True)
    (run.path / "figures" / "a.png").write_bytes(b"x")


def reverse(run):
    with run.journal() as records:
        records.sort(key=lambda record: record["directory"], reverse=True)


TAMPERS = {
    "a better score, told by everything": better_score,
    "a shorter training": shorter,
    "a failure that never was": success_of_a_failure,
    "another machine": other_machine,
    "a note": note,
    "another commit": commit,
    "other packages": packages,
    "another processor": lambda run: edit(run, "run.json", processor="abacus"),
    "another command": lambda run: edit(run, "run.json", command=["extractor-flow", "run"]),
    "another config file": lambda run: edit(run, "run.json", config_path="other.yaml"),
    "a later beginning": lambda run: edit(run, "run.json", created_at="2030-01-01T00:00:00.000Z"),
    "another name": lambda run: edit(run, "run.json", run_id="final"),
    "another platform": lambda run: edit(run, "run.json", platform="macOS-26"),
    "a log without its warnings": lambda run: (run.path / "run.log").write_text("", encoding="utf-8"),
    "no log": lambda run: (run.path / "run.log").unlink(missing_ok=True),
    "a job's log": lambda run: (run.path / JOB / "train.log").write_text("all well\n", encoding="utf-8"),
    "a hidden attempt": lambda run: (run.path / JOB / "attempt-1.json").write_text("{}", encoding="utf-8"),
    "other weights": lambda run: (run.path / JOB / "weights.json").write_text("[0.0]\n", encoding="utf-8"),
    "a figure": figure,
    "a file more": lambda run: (run.path / "README.md").write_text("believe me\n", encoding="utf-8"),
    "a summary of its own": lambda run: edit(run, "summary.json", notes=["best of one"]),
    "a page of its own": lambda run: run.replace("report.html", "<body", "<body onload='x'"),
    "a journal in another order": reverse,
}


@pytest.mark.parametrize("tamper", TAMPERS.values(), ids=TAMPERS)
def test_a_run_that_was_changed_and_bound_again_is_not_the_one_that_the_witness_saw(run, tmp_path, tamper):
    witness = read_witness(str(lane_that_saw(run.path, tmp_path)))

    # First everything that is published from what was changed, and then the change itself, should it be published.
    tamper(run)
    run.republish()
    tamper(run)
    run.rebind()

    found = [each for each in verify(run.path, witness=witness).violations if each.check == "witness"]
    assert [(each.file, each.kind) for each in found] == [("subjects.json", "witness")]


def lane_that_saw(run, place):
    """The report of a lane whose tests judged *run*."""
    seen = {"record": "run", "run_directory": run.name, "root": RunDirectory(run).root(), "trained": True}
    (place / "lane.jsonl").write_text(closed(header(), seen), encoding="utf-8")
    return place / "lane.jsonl"


def test_a_lanes_report_is_a_witness_only_as_its_session_wrote_it(published, tmp_path, workbench, monkeypatch):
    lane = lane_that_saw(published, tmp_path)
    whole = lane.read_text(encoding="utf-8")
    answers = [workbench.call("verify", published, "--witness", lane)]
    for text in (whole.replace(RunDirectory(published).root(), "0" * 64), "".join(whole.splitlines(keepends=True)[1:])):
        lane.write_text(text, encoding="utf-8")
        answers.append(workbench.call("verify", published, "--witness", lane))
    lane.write_text(whole, encoding="utf-8")
    monkeypatch.setenv("EXTRACTOR_FLOW_LANE_KEY", "0123456789abcdef")
    answers.append(workbench.call("verify", published, "--witness", lane))

    assert [answer.code for answer in answers] == [0, 2, 2, 2]
    assert ["torn" in answer.err for answer in answers] == [False, True, True, False]
    assert "is not signed with the gate's key" in answers[3].err


def test_an_honest_run_is_the_one_that_its_witness_saw(published):
    verdict = verify(published, witness=read_witness(RunDirectory(published).root()))

    assert (verdict.violations, "witness" in {ran.check for ran in verdict.ran}) == ((), True)


def test_without_a_witness_the_check_is_not_counted(published):
    assert "witness" not in {ran.check for ran in verify(published).ran}


def test_a_run_without_its_list_or_that_is_not_published_is_not_what_the_witness_saw(run):
    witness = read_witness(RunDirectory(run.path).root())
    (run.path / "subjects.json").unlink()
    found = [[each.check for each in verify(run.path, witness=witness).violations]]
    (run.path / "UNPUBLISHED").touch()
    found.append([each.check for each in verify(run.path, witness=witness).violations])

    assert (found[0].count("witness"), found[1]) == (1, ["witness"])


def test_a_statement_is_written_and_is_a_witness(published, workbench):
    answer = workbench.call("verify", published, "--attest", "statement.json")
    statement = read_json(workbench.path / "statement.json")
    again = workbench.call("verify", published, "--witness", "statement.json")

    request = read_json(published / "run.json")
    assert (violations(statement, "attestation"), answer.code, again.code) == ([], 0, 0)
    assert statement["subject"][0]["digest"] == {"sha256": RunDirectory(published).root()}
    assert statement["predicate"]["run"]["config_sha256"] == request["config_sha256"]
    assert statement["predicate"]["environment"]["packages"] == request["packages"]
    assert statement["predicate"]["verdict"]["ok"] is True


def test_a_run_can_be_attested_as_it_ends(workbench):
    answer = workbench.call("run", workbench.config({"name": "a"}), "--jobs", "1", "--attest", "statement.json")

    statement = read_json(workbench.path / "statement.json")
    assert (answer.code, answer.out.splitlines()[-1].startswith("statement: statement.json: verified: ")) == (0, True)
    assert statement["subject"][0]["digest"]["sha256"] == workbench.latest().root()


def test_a_place_that_cannot_hold_the_statement_stops_the_run_before_it_starts(workbench):
    answer = workbench.call("run", workbench.config({"name": "a"}), "--attest", "nowhere/statement.json")

    assert (answer.code, (workbench.path / "runs").exists()) == (2, False)
    assert answer.err == "extractor-flow: --attest nowhere/statement.json: there is no directory nowhere\n"


def test_a_statement_is_not_put_into_the_run_that_it_binds(run, workbench):
    answer = workbench.call("verify", run.path, "--attest", run.path / "statement.json")

    assert (answer.code, "is inside the run" in answer.err, (run.path / "statement.json").exists()) == (2, True, False)


@pytest.fixture
def statement(published, tmp_path) -> dict:
    root = RunDirectory(published).root()
    subject = [{"name": "x/other.json", "digest": {"sha256": "0" * 64}}, {"name": "x/subjects.json", "digest": {}}]
    subject.append({"name": "x/subjects.json", "digest": {"sha256": root}})
    return {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "x", "predicate": {}}


def test_roots_are_read_from_lane_reports_statements_and_envelopes(published, tmp_path, statement):
    root = RunDirectory(published).root()
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}
    lane = [{"record": "header"}, {"record": "run", "run_directory": "x", "root": root, "trained": True}]
    files = {
        "statement.json": dumps(statement),
        "envelope.json": dumps(envelope),
        "bundle.json": dumps({"dsseEnvelope": envelope}),
        "lane.jsonl": "".join(json.dumps(line) + "\n" for line in lane),
        "attestations.jsonl": json.dumps({"dsseEnvelope": envelope}) + "\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    found = [read_witness(word).roots for word in (root, *(str(tmp_path / name) for name in files))]

    assert found == [frozenset({root})] * 6


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        ("{}", "tells of no run"),
        ("[]", "tells of no run"),
        ("nonsense", "not JSON"),
        ('{"payloadType": "x", "payload": "%"}', "not base64"),
        ('{"_type": "https://in-toto.io/Statement/v1", "subject": [7, {"name": "subjects.json"}]}', "tells of no run"),
    ],
)
def test_what_tells_of_no_root_is_a_wrong_request(tmp_path, content, complaint):
    file: Path = tmp_path / "witness.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    with pytest.raises(RequestError, match=complaint) as caught:
        read_witness(str(file))

    assert caught.value.exit_code == 2
