"""The manifest and the skip summary say the same about skips."""

import json

from extractor_flow.contracts import violations
from extractor_flow.files import dumps
from extractor_flow.render.manifest import skip_summary, training_manifest
from support.render_samples import completed, failed, mixed, skipped, summary

SKIP = {"code": "missing-capability", "reason": "needs CUDA; run it on a machine with a GPU"}


def test_a_manifest_holds_the_request_every_record_with_digests_and_the_skips():
    run = summary(completed(), skipped())
    record = {key: value for key, value in completed().to_json().items() if key != "details"}

    manifest = training_manifest(run, selection=["mlp*"], dry_run=False)

    assert manifest == {
        "schema_version": 1,
        "run_id": "demo",
        "created_at": "2026-11-21T10:15:00.000Z",
        "flow": "extractor_comparison",
        "run_directory": "20261121-101500-demo",
        "selection": ["mlp*"],
        "dry_run": False,
        "jobs": [record, skipped().to_json()],
        "skipped_jobs": [{"config_name": "attention_large", "seed": 42, **SKIP}],
        "skipped_count": 1,
        "skip_summary_path": "skip_summary.json",
    }


def test_the_artifacts_of_a_manifest_have_digest_and_size():
    (job,) = training_manifest(summary(completed()), selection=[], dry_run=False)["jobs"]

    assert job["artifacts"] == {"final_model": completed().outcome.artifacts["final_model"].to_json()}


def test_a_skip_summary_lists_skips_and_no_failures():
    assert skip_summary(summary(failed(), skipped(seed=None), completed())) == {
        "schema_version": 1,
        "created_at": "2026-11-21T10:15:00.000Z",
        "skipped_jobs": [{"config_name": "attention_large", **SKIP}],
        "skipped_count": 1,
    }


def test_both_files_agree_on_the_skips():
    manifest = training_manifest(mixed(), selection=[], dry_run=True)

    assert {key: manifest[key] for key in ("skipped_jobs", "skipped_count")} == {
        key: skip_summary(mixed())[key] for key in ("skipped_jobs", "skipped_count")
    }


def test_both_files_satisfy_their_contracts():
    manifest = json.loads(dumps(training_manifest(mixed(), selection=[], dry_run=False)))
    skips = json.loads(dumps(skip_summary(mixed())))

    assert [*violations(manifest, "training_manifest"), *violations(skips, "skip_summary")] == []
