"""What honest machines do to runs is no violation: clocks that are set, systems that rewrite line ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from extractor_flow.clock import timestamp
from extractor_flow.evidence.findings import Why
from extractor_flow.files import dumps
from extractor_flow.run.archive import archive
from extractor_flow.verify import verify

STUDY = {"flow": "line_fit", "run": {"steps": 5}, "models": [{"name": "a"}, {"name": "bad", "fault": "raise"}]}
TEXTS = {".json", ".jsonl", ".log", ".md", ".html"}


@pytest.fixture(scope="module")
def genuine(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine, tampering_with):
    return tampering_with(genuine)


def shift(run, job, seconds, *members):
    """Have the record of *job* tell of times that are *seconds* later, as its machine's clock did."""
    with run.record(job) as record:
        for member in members:
            moment = datetime.fromisoformat(record[member]) + timedelta(seconds=seconds)
            record[member] = timestamp(moment)
        told = {key: value for key, value in record.items() if key != "previous"}
    (run.path / job / "result.json").write_text(dumps(told), encoding="utf-8")
    run.republish()


@pytest.mark.parametrize(("seconds", "members"), [(-90, ["end_time"]), (-90, ["start_time", "end_time"])])
def test_no_clock_goes_wrong_by_more_than_a_minute(run, seconds, members):
    shift(run, "models/bad", seconds, *members)

    assert {each.check for each in verify(run.path).violations} == {"times-of-records"}


def test_line_ends_that_git_rewrote_are_told_once(run, tmp_path):
    slim = tmp_path / "slim"
    archive(run.path, slim)
    for path in slim.rglob("*"):
        if path.suffix in TEXTS:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    verdict = verify(slim, archived=True)

    assert (verdict.violations, [each.code for each in verdict.unchecked]) == ((), [Why.LINE_ENDS])
