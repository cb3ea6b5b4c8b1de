"""Publishing what a journal supports."""

from __future__ import annotations

import json
import shutil

from support import ROOT

SAMPLE = ROOT / "docs" / "samples" / "robot_nav_study"


def test_records_that_the_flow_cannot_compare_are_kept_and_the_message_says_what_is_wrong(workbench):
    run = shutil.copytree(SAMPLE, workbench.path / "run")
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    del records[0]["details"]["curve"]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (run / "records.jsonl").write_text(text, encoding="utf-8")

    answer = workbench.call("report", "run")

    complaint = (
        "extractor-flow: run/records.jsonl: the flow extractor_comparison cannot compare its records: "
        "KeyError: 'curve'; they are kept; correct the flow, then: extractor-flow report run\n"
    )
    assert (answer.code, answer.err) == (1, complaint)
    assert (run / "records.jsonl").read_text(encoding="utf-8") == text
