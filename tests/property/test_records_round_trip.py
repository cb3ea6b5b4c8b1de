"""What is written down is what is read back, whatever it holds."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.contracts import violations
from extractor_flow.files import dump_line, dumps, parse_json
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.jobs import Job
from extractor_flow.study.records import HardwareProfile, JobRecord
from extractor_flow.study.verdict import Verdict
from support.generated.strategies import hardware_profiles, jobs, records, verdicts

MOMENT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
round_trips = settings(max_examples=30)


@round_trips
@given(jobs())
def test_a_job_survives_its_file(job):
    assert Job.from_json(parse_json(dumps(job.to_json()), where="job.json")) == job


@round_trips
@given(hardware_profiles())
def test_a_machine_survives_its_file(profile):
    assert HardwareProfile.from_json(parse_json(dumps(profile.to_json()), where="run.json")) == profile


@round_trips
@given(verdicts())
def test_a_verdict_survives_its_file(verdict):
    assert Verdict.from_json(parse_json(dumps(verdict.to_json()), where="summary.json")) == verdict


@round_trips
@given(records())
def test_a_record_survives_its_file_and_keeps_its_contract(record):
    data = parse_json(dumps(record.to_json()), where="result.json")

    assert (JobRecord.from_json(data), violations(data, "job_record")) == (record, [])


@round_trips
@given(records())
def test_a_record_is_one_line_of_the_journal(record):
    line = dump_line(record.to_json()).encode("utf-8")

    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")


@settings(max_examples=15)
@given(told=st.lists(records(), max_size=3), torn=st.binary(max_size=20).filter(lambda data: b"\n" not in data))
def test_a_journal_gives_back_every_whole_line_and_no_torn_one(tmp_path_factory, told, torn):
    run = RunDirectory.create(tmp_path_factory.mktemp("journal"), "run", MOMENT)
    (run.path / "run.json").write_text("{}", encoding="utf-8")  # what the first line of the journal is chained to
    for record in told:
        run.append(record)
    with (run.path / "records.jsonl").open("ab") as journal:
        journal.write(torn)

    assert (run.journal(), run.repair_journal(), run.journal()) == (told, bool(torn), told)
