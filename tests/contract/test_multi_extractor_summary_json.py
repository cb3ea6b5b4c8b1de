"""One real training of the default comparison's matrix, judged layer by layer; the plugin trains it once a session."""

from __future__ import annotations

import pytest

from extractor_flow import layout
from extractor_flow.contracts import summary_schema, violations
from extractor_flow.files import parse_json, read_json
from extractor_flow.study.records import Completed

pytestmark = [pytest.mark.train, pytest.mark.flow("tests/contract/real_run.yaml")]
EXTRACTORS = ("dynamics_no_conv", "mlp_small", "mlp_large", "attention_small")


def test_every_job_did_the_steps_it_was_asked_for(flow_records):
    done = {
        record.name: isinstance(record.outcome, Completed) and record.outcome.training_steps for record in flow_records
    }

    assert done == dict.fromkeys(EXTRACTORS, 128)


def test_every_published_file_keeps_its_contract(flow_run):
    contracts = {
        layout.RUN: "run",
        layout.SUMMARY: summary_schema("extractor_results"),
        layout.MANIFEST: "training_manifest",
        layout.SKIPS: "skip_summary",
        layout.HISTORICAL: "complete_results",
    }

    found = {name: violations(read_json(flow_run / name), schema) for name, schema in contracts.items()}
    journal = (flow_run / layout.JOURNAL).read_text(encoding="utf-8").splitlines()
    records = [violations(parse_json(line, where="journal"), "job_record") for line in journal]
    assert (found, records) == ({name: [] for name in contracts}, [[] for _ in EXTRACTORS])


def test_every_claim_is_borne_out_by_the_evidence_and_nothing_stays_unchecked(flow_verdict):
    assert (flow_verdict.violations, flow_verdict.unchecked) == ((), ())


def test_the_summary_counts_the_jobs_and_names_this_machine(flow_summary, hardware_profile):
    counts = {name: flow_summary["aggregate_metrics"][f"{name}_runs"] for name in ("completed", "failed", "skipped")}

    assert counts == {"completed": 4, "failed": 0, "skipped": 0}
    assert flow_summary["hardware_overview"] == [hardware_profile.to_json()]
